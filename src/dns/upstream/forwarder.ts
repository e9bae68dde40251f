import { formatUpstream, type UpstreamAddress } from "./address.ts";
import {
  DEFAULT_SCHEDULE,
  type ExchangeOutcome,
  type RetryReason,
  runExchange,
  type Schedule,
  type Upstream,
} from "./exchange.ts";
import { createRandomInteger } from "./random.ts";
import { createSocketPool } from "./socket-pool.ts";
import type { UpstreamQuestion } from "./upstream-query.ts";

/** Questions under way at once, over all clients of one worker; more are refused so that memory stays bounded. */
export const MAX_CONCURRENT = 1_000;
/** Attempts in a row that came to nothing before an upstream is asked last (CoreDNS: max_fails 2). */
const MAX_FAILURES = 2;
/** How long an upstream that came to nothing is asked last. */
const DOWN_MILLISECONDS = 5_000;

export type ForwardOutcome =
  | ExchangeOutcome
  | { readonly ok: false; readonly reason: "overload"; readonly error: string };

/** Sends questions on and shares answers: one exchange for all clients that ask the same at the same time. */
export type Forwarder = {
  /** Never rejects. */
  ask(question: UpstreamQuestion): Promise<ForwardOutcome>;
  /** Exchanges under way. */
  pending(): number;
  close(): void;
};

export type ForwarderOptions = {
  /** At least one. */
  readonly upstreams: readonly UpstreamAddress[];
  readonly schedule?: Schedule;
  readonly maxConcurrent?: number;
  readonly onRetry?: (reason: RetryReason) => void;
};

const OVERLOAD: ForwardOutcome = { ok: false, reason: "overload", error: "too many questions are under way" };

type Member = Upstream & { readonly down: () => boolean };

function createMember(address: UpstreamAddress, random: ReturnType<typeof createRandomInteger>): Member {
  let failures = 0;
  let downUntil = 0;
  return {
    address,
    pool: createSocketPool(address, random),
    report(answered) {
      failures = answered ? 0 : failures + 1;
      downUntil = failures >= MAX_FAILURES ? Date.now() + DOWN_MILLISECONDS : 0;
    },
    down: () => downUntil > Date.now(),
  };
}

/** What makes two questions one: also RD, AD and CD, which change the answer (RFC 4035 section 4.7). */
const sharingKey = (asked: UpstreamQuestion): string =>
  `${asked.type} ${asked.flags & 0x0130} ${asked.dnssecOk ? 1 : 0} ${asked.key}`;

export function createForwarder(options: ForwarderOptions): Forwarder {
  const { schedule = DEFAULT_SCHEDULE, maxConcurrent = MAX_CONCURRENT, onRetry = () => undefined } = options;
  const random = createRandomInteger();
  const members = options.upstreams.map((address) => createMember(address, random));
  const underWay = new Map<string, Promise<ForwardOutcome>>();
  return {
    ask(asked) {
      const key = sharingKey(asked);
      const shared = underWay.get(key);
      if (shared !== undefined) return shared;
      if (underWay.size >= maxConcurrent) return Promise.resolve(OVERLOAD);
      const upstreams = [...members.filter((one) => !one.down()), ...members.filter((one) => one.down())];
      const exchange = runExchange({ asked, upstreams, schedule, random, onRetry }).then((outcome) => {
        underWay.delete(key);
        return outcome;
      });
      underWay.set(key, exchange);
      return exchange;
    },
    pending: () => underWay.size,
    close() {
      for (const member of members) member.pool.close();
    },
  };
}

/** `10.96.0.10:53, 10.96.0.11:53`, for logs. */
export const formatUpstreams = (upstreams: readonly UpstreamAddress[]): string =>
  upstreams.map(formatUpstream).join(", ");
