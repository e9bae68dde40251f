/** Forwarded questions a second that one client gets, and how many it may save up. */
export const DEFAULT_CLIENT_RATE: ClientRate = { perSecond: 500, burst: 1_000 };

export type ClientRate = { readonly perSecond: number; readonly burst: number };

/** `refuse` says so to the client, `drop` no longer does: an answer to a forged source would hit the victim. */
export type RateVerdict = "pass" | "refuse" | "drop";

/** Clients that are remembered; the one that asked longest ago is forgotten first, and starts with a full bucket. */
const MAX_CLIENTS = 10_000;
/** Questions over the rate, in a row, that are refused before they are dropped. */
const REFUSALS = 100;

type Bucket = { tokens: number; filledAt: number; refused: number };

/**
 * A token bucket for each client, over forwarded questions only: egress answers cost nothing and amplify nothing.
 * `now` gives milliseconds. Each worker counts for itself.
 */
export function createClientRate(rate: ClientRate, now: () => number): (client: string) => RateVerdict {
  const buckets = new Map<string, Bucket>();
  return (client) => {
    const at = now();
    const bucket = buckets.get(client) ?? { tokens: rate.burst, filledAt: at, refused: 0 };
    buckets.delete(client);
    buckets.set(client, bucket);
    if (buckets.size > MAX_CLIENTS) {
      const oldest = buckets.keys().next();
      if (!oldest.done) buckets.delete(oldest.value);
    }
    bucket.tokens = Math.min(rate.burst, bucket.tokens + ((at - bucket.filledAt) / 1_000) * rate.perSecond);
    bucket.filledAt = at;
    if (bucket.tokens >= 1) {
      bucket.tokens--;
      bucket.refused = 0;
      return "pass";
    }
    return ++bucket.refused <= REFUSALS ? "refuse" : "drop";
  };
}
