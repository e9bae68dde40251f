import { type Answer, type MessageAnswer, messageAnswer } from "../../../src/dns/pipeline/answer.ts";
import { composeMessage } from "../../../src/dns/pipeline/compose.ts";
import type { Exchange } from "../../../src/dns/pipeline/exchange.ts";
import type { CreateHandler, Handler, HandlerContext, Serve } from "../../../src/dns/pipeline/serve.ts";
import type { Section } from "../../../src/dns/wire/records.ts";
import { contextOf } from "./exchange.ts";
import { parseRecord } from "./zone.ts";

/** Records as `owner ttl type data`. */
export type AnswerLines = {
  readonly answer?: readonly string[];
  readonly authority?: readonly string[];
  readonly additional?: readonly string[];
  readonly rcode?: number;
  readonly flags?: number;
};

/** A message as an upstream could have sent it in answer to what `exchange` asks, names compressed. */
export function upstreamAnswer(exchange: Exchange, lines: AnswerLines): MessageAnswer {
  const of = (section: Section) =>
    (lines[section] ?? []).map((line) => {
      const { owner, ttl, type, data } = parseRecord(line);
      return { section, owner, type, ttlSeconds: ttl, data };
    });
  const { rcode = 0, flags = 0 } = lines;
  const pieces = [...of("answer"), ...of("authority"), ...of("additional")];
  const message = composeMessage(exchange, { rcode, flags, pieces });
  if (message === undefined) throw new Error("a test's records make no message");
  return messageAnswer("forward", message, flags);
}

/** The handlers of one line each, put before `next`, the first outermost. */
export async function serveThrough<S>(
  create: CreateHandler<S>,
  settings: readonly S[],
  next: Serve,
  context: HandlerContext = contextOf(),
): Promise<Serve> {
  const handlers: Handler[] = [];
  for (const one of settings) handlers.push(await create(one, context));
  return handlers.reduceRight((behind, handler) => handler.wrap(behind), next);
}

/** Answers at once; a promise fails the test, because nothing had to be waited for. */
export function atOnce(answer: Answer | Promise<Answer>): Answer {
  if (answer instanceof Promise) throw new Error("answered late without need");
  return answer;
}
