import type { Answer } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import type { Serve } from "./serve.ts";

/** A directive at work, and its place among those of its server block, from 0. */
export type TracedDirective = { readonly name: string; readonly place: number };

/** Stands between the directives of a server block: calls `serve`, and gives what that gives. */
export type Trace = (directive: TracedDirective, exchange: Exchange, serve: Serve) => ReturnType<Serve>;

/** What one directive was asked and what came of it. */
export type TraceStep = {
  readonly directive: TracedDirective;
  readonly exchange: Exchange;
  /** Each question that it put to the directives behind it, in order. */
  readonly below: readonly TraceStep[];
  /** Undefined while it is waited for, and when the directive failed by a fault of ours. */
  readonly answer: Answer | undefined;
  /** From question to answer, with all that is behind it. */
  readonly milliseconds: number;
};

type OpenStep = TraceStep & { readonly below: TraceStep[]; answer: Answer | undefined; milliseconds: number };

/** Notes the way of a question. For one question at a time. */
export type TraceRecorder = {
  readonly trace: Trace;
  /** The first directive's steps, one for each question that the server block was asked. */
  readonly steps: readonly TraceStep[];
};

export function createTraceRecorder(now: () => number): TraceRecorder {
  const steps: TraceStep[] = [];
  const open: OpenStep[] = [];
  const begin = (directive: TracedDirective, exchange: Exchange): OpenStep => {
    const step: OpenStep = { directive, exchange, below: [], answer: undefined, milliseconds: 0 };
    // Whoever asks has not answered yet, and stands before this directive unless it asks the whole server anew.
    const asker = open.findLast((one) => one.directive.place < directive.place) ?? open.at(-1);
    (asker?.below ?? steps).push(step);
    open.push(step);
    return step;
  };
  const end = (step: OpenStep, startedAt: number, answer: Answer | undefined): void => {
    step.answer = answer;
    step.milliseconds = now() - startedAt;
    open.splice(open.indexOf(step), 1);
  };
  return {
    steps,
    trace(directive, exchange, serve) {
      const startedAt = now();
      const step = begin(directive, exchange);
      try {
        const answer = serve(exchange);
        if (!(answer instanceof Promise)) {
          end(step, startedAt, answer);
          return answer;
        }
        return answer.then(
          (late) => {
            end(step, startedAt, late);
            return late;
          },
          (error: unknown) => {
            end(step, startedAt, undefined);
            throw error;
          },
        );
      } catch (error) {
        end(step, startedAt, undefined);
        throw error;
      }
    },
  };
}
