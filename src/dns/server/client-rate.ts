/** Forwarded questions a second that one client gets, and how many it may save up. */
export const DEFAULT_CLIENT_RATE: ClientRate = { perSecond: 500, burst: 1_000 };

export type ClientRate = { /** Infinity: no limit. */ readonly perSecond: number; readonly burst: number };

/** `refuse` says so to the client, `drop` no longer does: an answer to a forged source would hit the victim. */
export type RateVerdict = "pass" | "refuse" | "drop";

/**
 * Clients of one generation. Two are remembered; when the younger is full, the elder is forgotten, which are clients
 * that have not asked since the younger began. A forgotten client starts with a full bucket.
 */
const GENERATION = 5_000;
/** Questions over the rate, in a row, that are refused before they are dropped. */
const REFUSALS = 100;

type Bucket = { tokens: number; filledAt: number; refused: number };

/**
 * A token bucket for each client, over forwarded questions only: egress answers cost nothing and amplify nothing.
 * `now` gives milliseconds. Each worker counts for itself.
 */
export function createClientRate(rate: ClientRate, now: () => number): (client: string) => RateVerdict {
  if (rate.perSecond === Number.POSITIVE_INFINITY) return () => "pass";
  const bucketOf = createBuckets(rate.burst);
  return (client) => {
    const at = now();
    const bucket = bucketOf(client, at);
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

/** The buckets of the clients that asked last. A client of the younger generation costs one look. */
function createBuckets(burst: number): (client: string, at: number) => Bucket {
  let younger = new Map<string, Bucket>();
  let elder = new Map<string, Bucket>();
  return (client, at) => {
    const known = younger.get(client);
    if (known !== undefined) return known;
    const bucket = elder.get(client) ?? { tokens: burst, filledAt: at, refused: 0 };
    if (younger.size >= GENERATION) {
      elder = younger;
      younger = new Map();
    }
    younger.set(client, bucket);
    return bucket;
  };
}
