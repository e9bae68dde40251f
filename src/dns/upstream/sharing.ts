import { performance } from "node:perf_hooks";
import type { NameKey } from "../wire/name.ts";
import { type AttemptRules, type Outcome, onStep, type Running, startAttempts } from "./attempts.ts";
import { PLACES, placeOf } from "./name-place.ts";
import { isDown, type Order } from "./order.ts";
import type { UpstreamQuestion } from "./question.ts";

/** Why a question is not sent at all. */
export type NotSent = "overload" | "unhealthy";

export type SharedQuestionsInput<T> = {
  readonly rules: AttemptRules;
  readonly order: Order;
  /** Questions under way at once, over all clients. */
  readonly limit: { full(): boolean; change(by: 1 | -1): void };
  /** Whether nothing is sent while every upstream is down. */
  readonly failFast: boolean;
  /** Every upstream is down at the start of a question. */
  readonly onAllDown: () => void;
  /** Makes what all who wait for one question get. */
  readonly conclude: (outcome: Outcome) => T;
};

/** Questions under way: one for all clients that ask the same at the same time. */
export type SharedQuestions<T> = {
  /** What a question that is under way will bring; undefined when there is none like it. */
  join(key: NameKey, variant: number): Promise<T> | NotSent | undefined;
  /** Sends a question that is not under way. The promise never rejects. */
  start(question: UpstreamQuestion, overTcp: boolean): Promise<T> | NotSent;
  /** Questions under way. */
  running(): number;
};

type Shared<T> = Running & {
  readonly key: NameKey;
  readonly variant: number;
  promise: Promise<T>;
  resolve: (value: T) => void;
  waiters: number;
  /** Which chain it is in, and the next question there. */
  readonly place: number;
  sibling: Shared<T> | undefined;
};

/**
 * Questions whose names have the same place. No Map: one that is filled and emptied all the time leaves tables behind,
 * each of which keeps the next one, with all questions in it, from being collected for long.
 */
type Chains<T> = (Shared<T> | undefined)[];

/** Who waits for a question that is under way takes memory too: about 1 KiB each. */
const MAX_WAITERS = 50_000;

export function createSharedQuestions<T>(input: SharedQuestionsInput<T>): SharedQuestions<T> {
  const { rules, order, limit, failFast, onAllDown, conclude } = input;
  const chains: Chains<T> = Array.from({ length: PLACES }, () => undefined);
  let running = 0;
  let waiters = 0;

  const finish = (shared: Shared<T>, outcome: Outcome): void => {
    running--;
    limit.change(-1);
    waiters -= shared.waiters;
    leave(chains, shared);
    shared.resolve(conclude(outcome));
  };

  return {
    join(key, variant) {
      let found = chains[placeOf(key)];
      while (found !== undefined && (found.variant !== variant || found.key !== key)) found = found.sibling;
      if (found === undefined) return undefined;
      if (waiters >= MAX_WAITERS) return "overload";
      waiters++;
      found.waiters++;
      return found.promise;
    },
    start(question, overTcp) {
      if (limit.full() || waiters >= MAX_WAITERS) return "overload";
      const upstreams = order();
      const [first] = upstreams;
      if (first === undefined) return "unhealthy";
      if (isDown(first)) {
        onAllDown();
        if (failFast) return "unhealthy";
      }
      const { promise, resolve } = Promise.withResolvers<T>();
      const { key, variant } = question;
      const place = placeOf(key);
      const shared: Shared<T> = {
        // Not spread: an object that is made in one piece is half as large.
        dueTick: -1,
        before: undefined,
        after: undefined,
        onDue: onStep,
        rules,
        question,
        upstreams,
        overTcp,
        startedAt: performance.now(),
        step: 0,
        tried: 0,
        failures: 0,
        newest: undefined,
        lastFailure: undefined,
        spare: undefined,
        finish,
        key,
        variant,
        promise,
        resolve,
        waiters: 1,
        place,
        sibling: chains[place],
      };
      chains[place] = shared;
      running++;
      limit.change(1);
      waiters++;
      startAttempts(shared);
      return promise;
    },
    running: () => running,
  };
}

/** Takes a question out of its chain. */
function leave<T>(chains: Chains<T>, shared: Shared<T>): void {
  const { place, sibling } = shared;
  const first = chains[place];
  if (first === shared) chains[place] = sibling;
  else for (let one = first; one !== undefined; one = one.sibling) if (one.sibling === shared) one.sibling = sibling;
}
