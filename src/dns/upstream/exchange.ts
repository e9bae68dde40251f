import type { WireMessage } from "../wire/records.ts";
import { formatUpstream, type UpstreamAddress } from "./address.ts";
import type { RandomInteger } from "./random.ts";
import type { Sent, SocketPool } from "./socket-pool.ts";
import { startTcpExchange, type TcpExchange } from "./tcp-exchange.ts";
import { buildUpstreamQuery, checkReply, type UpstreamQuestion } from "./upstream-query.ts";

/** Why a question got another attempt. */
export type RetryReason = "timeout" | "network" | "truncated" | "no-edns";

/** One upstream as the exchange sees it. */
export type Upstream = {
  readonly address: UpstreamAddress;
  readonly pool: SocketPool;
  /** Called once for each attempt that succeeded or came to nothing. */
  readonly report: (answered: boolean) => void;
};

export type ExchangeOutcome =
  | { readonly ok: true; readonly message: WireMessage; readonly upstream: UpstreamAddress }
  /** `timeout`: nobody answered; `network`: the last word was a refused connection or an unreachable host. */
  | { readonly ok: false; readonly reason: "timeout" | "network"; readonly error: string };

export type Schedule = {
  /** When each attempt starts, from the beginning. */
  readonly attemptsAtMilliseconds: readonly number[];
  readonly giveUpAtMilliseconds: number;
};

/**
 * A second attempt at 0.8 s and a third at 2 s leave a lost datagram invisible to a stub resolver, and giving up at
 * 4.5 s comes before glibc does (5 s), so that the client learns why.
 */
export const DEFAULT_SCHEDULE: Schedule = { attemptsAtMilliseconds: [0, 800, 2_000], giveUpAtMilliseconds: 4_500 };

export type ExchangeInput = {
  readonly asked: UpstreamQuestion;
  /** In the order of preference; attempts go round. At least one. */
  readonly upstreams: readonly Upstream[];
  readonly schedule: Schedule;
  readonly random: RandomInteger;
  readonly onRetry: (reason: RetryReason) => void;
};

/** One exchange while it runs. */
type Run = ExchangeInput & {
  readonly startedAt: number;
  readonly usedSockets: Set<object>;
  readonly open: Set<Sent | TcpExchange>;
  readonly settle: (outcome: ExchangeOutcome) => void;
  edns: boolean;
  attempts: number;
  failures: number;
  lastError: string;
};

/**
 * Asks until one valid answer has come: each attempt on another socket and, when there are several, another upstream.
 * Earlier attempts stay open, so that a late answer counts. Settles exactly once; never rejects.
 */
export function runExchange(input: ExchangeInput): Promise<ExchangeOutcome> {
  const { attemptsAtMilliseconds, giveUpAtMilliseconds } = input.schedule;
  return new Promise((resolve) => {
    const timers: NodeJS.Timeout[] = [];
    const run: Run = {
      ...input,
      startedAt: Date.now(),
      usedSockets: new Set(),
      open: new Set(),
      settle(outcome) {
        for (const timer of timers) clearTimeout(timer);
        for (const one of run.open) "stop" in one ? one.stop() : one.forget();
        run.open.clear();
        resolve(outcome);
      },
      edns: true,
      attempts: 0,
      failures: 0,
      lastError: "",
    };
    for (const [index, at] of attemptsAtMilliseconds.entries()) {
      if (index > 0) timers.push(setTimeout(() => run.attempts <= index && startAttempt(run, "timeout"), at));
    }
    timers.push(setTimeout(() => run.settle(timedOut(run)), giveUpAtMilliseconds));
    startAttempt(run, undefined);
  });
}

const timedOut = (run: Run): ExchangeOutcome => ({
  ok: false,
  reason: "timeout",
  error: run.lastError || "no upstream answered in time",
});

function startAttempt(run: Run, reason: RetryReason | undefined): void {
  const { upstreams, attempts } = run;
  if (reason === "timeout") upstreams[(attempts - 1) % upstreams.length]?.report(false);
  if (reason !== undefined) run.onRetry(reason);
  run.attempts++;
  ask(run, upstreams[attempts % upstreams.length] as Upstream);
}

function ask(run: Run, upstream: Upstream): void {
  const { edns } = run;
  const waiter = {
    onDatagram: (bytes: Buffer) => takeDatagram(run, upstream, bytes, edns),
    onError: (error: Error) => failAttempt(run, upstream, error.message),
  };
  const sent = upstream.pool.send((id) => buildUpstreamQuery(run.asked, id, edns), waiter, run.usedSockets);
  run.usedSockets.add(sent.socket);
  run.open.add(sent);
}

function takeDatagram(run: Run, upstream: Upstream, bytes: Buffer, edns: boolean): boolean {
  const checked = checkReply(run.asked, bytes);
  if (checked.verdict === "mismatch") return false;
  if (checked.verdict === "no-edns" && edns) {
    run.edns = false;
    run.onRetry("no-edns");
    ask(run, upstream);
    return true;
  }
  if (checked.message === undefined) return false;
  if (checked.message.truncated) askOverTcp(run, upstream);
  else succeed(run, upstream, checked.message);
  return true;
}

function askOverTcp(run: Run, upstream: Upstream): void {
  run.onRetry("truncated");
  const id = run.random(0x10000);
  let message: WireMessage | undefined;
  const exchange = startTcpExchange({
    upstream: upstream.address,
    query: buildUpstreamQuery(run.asked, id, run.edns),
    timeoutMilliseconds: run.schedule.giveUpAtMilliseconds - (Date.now() - run.startedAt),
    accept(bytes) {
      const checked = checkReply(run.asked, bytes);
      message = checked.verdict === "mismatch" || bytes.readUInt16BE(0) !== id ? undefined : checked.message;
      return message !== undefined;
    },
    done(error) {
      run.open.delete(exchange);
      if (message !== undefined) succeed(run, upstream, message);
      else failAttempt(run, upstream, error ?? "no usable answer over TCP");
    },
  });
  run.open.add(exchange);
}

function succeed(run: Run, upstream: Upstream, message: WireMessage): void {
  upstream.report(true);
  run.settle({ ok: true, message, upstream: upstream.address });
}

function failAttempt(run: Run, upstream: Upstream, error: string): void {
  upstream.report(false);
  run.failures++;
  run.lastError = `${formatUpstream(upstream.address)}: ${error}`;
  const exhausted = run.attempts >= run.schedule.attemptsAtMilliseconds.length;
  if (exhausted && run.failures >= run.attempts) run.settle({ ok: false, reason: "network", error: run.lastError });
  // Another upstream may answer at once; the same one deserves the pause that the schedule has.
  else if (!exhausted && run.attempts < run.upstreams.length) startAttempt(run, "network");
}
