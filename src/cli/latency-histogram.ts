/** Latencies with an error below one percent, in memory that does not grow: buckets double, each in equal parts. */
export type LatencyHistogram = {
  /** Milliseconds from 0 to about an hour; what is longer counts as that. */
  record(milliseconds: number): void;
  /** Milliseconds below or at which the fraction (0 to 1) of all records lies; 0 without any. */
  quantile(fraction: number): number;
  readonly count: () => number;
  /** The longest, exact. */
  readonly max: () => number;
};

const PART_BITS = 7;
const PARTS = 1 << PART_BITS;
const MAX_MICROSECONDS = 2 ** 32 - 1;
const BUCKETS = PARTS * (32 - PART_BITS + 1);

function bucketOf(microseconds: number): number {
  if (microseconds < PARTS) return microseconds;
  const exponent = 31 - Math.clz32(microseconds) - PART_BITS;
  return exponent * PARTS + (microseconds >>> exponent);
}

/** The largest value of a bucket. */
function topOf(bucket: number): number {
  if (bucket < 2 * PARTS) return bucket;
  const exponent = Math.floor(bucket / PARTS) - 1;
  return (bucket - exponent * PARTS + 1) * 2 ** exponent - 1;
}

export function createLatencyHistogram(): LatencyHistogram {
  const counts = new Uint32Array(BUCKETS);
  let count = 0;
  let max = 0;
  return {
    record(milliseconds) {
      const microseconds = Math.min(MAX_MICROSECONDS, Math.max(0, Math.round(milliseconds * 1_000)));
      const bucket = bucketOf(microseconds);
      counts[bucket] = (counts[bucket] as number) + 1;
      count++;
      if (microseconds > max) max = microseconds;
    },
    quantile(fraction) {
      const wanted = Math.max(1, Math.ceil(fraction * count));
      let seen = 0;
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        seen += counts[bucket] as number;
        if (seen >= wanted) return Math.min(topOf(bucket), max) / 1_000;
      }
      return 0;
    },
    count: () => count,
    max: () => max / 1_000,
  };
}
