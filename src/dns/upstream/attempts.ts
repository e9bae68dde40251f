import { performance } from "node:perf_hooks";
import type { WireMessage } from "../wire/records.ts";
import { type NetworkFailure, timeoutFailure } from "./network-failure.ts";
import { checkReply, type UpstreamQuestion, withoutEdns } from "./question.ts";
import type { Timed, TimerWheel } from "./timer-wheel.ts";
import type { Upstream } from "./upstream.ts";
import { forget, type Waiter } from "./waiter.ts";

/** Why a question got another attempt. `stale`: the upstream had closed an unused connection. */
export type RetryReason = "timeout" | "network" | "truncated" | "no-edns" | "failover" | "stale";

export type Outcome =
  | { readonly ok: true; readonly message: WireMessage; readonly upstream: Upstream }
  | {
      readonly ok: false;
      /** `timeout`: nobody answered; `network`: the last word was a refused connection or an unreachable host. */
      readonly reason: "timeout" | "network";
      /** For clients. */
      readonly text: string;
      /** For the log, in CoreDNS's words. */
      readonly cause: string;
    };

/** What holds for every question of one `forward` line. */
export type AttemptRules = {
  /** When what happens, in milliseconds from the beginning (`stepsOf`). */
  readonly steps: readonly number[];
  /** Attempts that fail at once before the question is given up; 0: no limit. */
  readonly maxFailures: number;
  /** Response codes for which another upstream is tried. */
  readonly failover: ReadonlySet<number>;
  readonly wheel: TimerWheel;
  readonly onRetry: (reason: RetryReason) => void;
};

/** One question under way. `finish` is called exactly once, by `startAttempts`'s doing or later. */
export type Running = Timed & {
  readonly rules: AttemptRules;
  question: UpstreamQuestion;
  /** In the order in which they are tried; attempts go round. At least one. */
  readonly upstreams: readonly Upstream[];
  /** Asked over TCP at once. */
  readonly overTcp: boolean;
  readonly startedAt: number;
  /** Place in `rules.steps` of what happens next. */
  step: number;
  /** Attempts that went to an upstream of `upstreams`, in turn. */
  tried: number;
  failures: number;
  /** The newest attempt; older ones behind it. */
  newest: Attempt | undefined;
  lastFailure: NetworkFailure | undefined;
  /** A reply whose code asks for another upstream: taken when no other has a better one. */
  spare: { readonly message: WireMessage; readonly upstream: Upstream } | undefined;
  finish(running: Running, outcome: Outcome): void;
};

type Attempt = Waiter & {
  readonly running: Running;
  readonly upstream: Upstream;
  readonly older: Attempt | undefined;
  readonly sentAt: number;
};

/**
 * Asks until one valid answer has come: each attempt by another socket and, when there are several, at another upstream.
 * Earlier attempts stay open, so that a late answer counts.
 */
export function startAttempts(running: Running): void {
  running.rules.wheel.arm(running, running.startedAt + (running.rules.steps[0] ?? 0));
  ask(running, nextUpstream(running), running.overTcp);
}

function nextUpstream({ upstreams, tried }: Running): Upstream {
  return upstreams[tried % upstreams.length] as Upstream;
}

function ask(running: Running, upstream: Upstream, overTcp: boolean): void {
  const attempt: Attempt = {
    id: 0,
    carrier: undefined,
    older: running.newest,
    running,
    upstream,
    sentAt: performance.now(),
    onMessage,
    onFailure,
  };
  running.newest = attempt;
  const carriers = overTcp ? undefined : upstream.datagrams;
  (carriers ?? upstream.streams).send(running.question.message, attempt);
}

function retry(running: Running, reason: RetryReason): void {
  running.rules.onRetry(reason);
  running.tried++;
  ask(running, nextUpstream(running), running.overTcp);
}

/** A step of the schedule. To be the `onDue` of a Running. */
export function onStep(running: Running): void {
  const { rules, newest } = running;
  const { steps, wheel, maxFailures } = rules;
  const route = newest?.carrier?.route(newest.carrier);
  if (newest?.carrier !== undefined) {
    newest.upstream.health.onTrouble();
    newest.carrier.retire(newest.carrier);
  }
  running.step++;
  const next = steps[running.step];
  if (next === undefined) {
    giveUp(running, "timeout", route === undefined ? running.lastFailure : timeoutFailure(route), "");
    return;
  }
  wheel.arm(running, running.startedAt + next);
  if (maxFailures === 0 || running.failures < maxFailures) retry(running, "timeout");
}

/** `from` is the upstream that `failure` is about. */
function giveUp(
  running: Running,
  reason: "timeout" | "network",
  failure: NetworkFailure | undefined,
  from: string,
): void {
  if (running.spare !== undefined) {
    end(running, { ok: true, ...running.spare });
    return;
  }
  const cause = failure?.cause ?? "i/o timeout";
  const text = reason === "timeout" ? "no upstream answered in time" : `${from}: ${failure?.reason ?? ""}`;
  end(running, { ok: false, reason, text, cause });
}

function end(running: Running, outcome: Outcome): void {
  running.rules.wheel.remove(running);
  for (let one = running.newest; one !== undefined; one = one.older) forget(one);
  running.finish(running, outcome);
}

function onMessage(attempt: Attempt, bytes: Buffer): void {
  const { running, upstream } = attempt;
  const checked = checkReply(running.question, bytes);
  if (checked === "mismatch") return;
  if (checked === "no-edns") {
    running.question = withoutEdns(running.question);
    askAgain(attempt, "no-edns", running.overTcp);
    return;
  }
  if (checked.truncated && attempt.carrier?.datagrams === true) {
    askAgain(attempt, "truncated", true);
    return;
  }
  upstream.health.onAnswer();
  upstream.observer.onReply(checked.rcode, (performance.now() - attempt.sentAt) / 1_000);
  if (!running.rules.failover.has(checked.rcode) || running.tried + 1 >= running.upstreams.length) {
    end(running, { ok: true, message: checked, upstream });
    return;
  }
  running.spare = { message: checked, upstream };
  forget(attempt);
  retry(running, "failover");
}

/** Asks the same upstream in another way. */
function askAgain(attempt: Attempt, reason: RetryReason, overTcp: boolean): void {
  const { running, upstream } = attempt;
  forget(attempt);
  running.rules.onRetry(reason);
  ask(running, upstream, overTcp);
}

function onFailure(attempt: Attempt, failure: NetworkFailure): void {
  const { running, upstream } = attempt;
  if (failure.stale === true) {
    askAgain(attempt, "stale", true);
    return;
  }
  upstream.health.onTrouble();
  running.failures++;
  running.lastFailure = failure;
  // Another upstream may answer at once; the same one deserves the pause that the schedule has.
  if (running.tried + 1 < running.upstreams.length) retry(running, "network");
  else if (!isWaiting(running) && isExhausted(running)) giveUp(running, "network", failure, upstream.text);
}

/** Whether an attempt is still open. */
function isWaiting(running: Running): boolean {
  for (let one = running.newest; one !== undefined; one = one.older) if (one.carrier !== undefined) return true;
  return false;
}

/** Whether no more attempts follow, or none need to. */
const isExhausted = ({ rules, failures, step, spare }: Running): boolean =>
  spare !== undefined || (rules.maxFailures > 0 && failures >= rules.maxFailures) || step >= rules.steps.length - 1;
