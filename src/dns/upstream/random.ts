import { randomFillSync } from "node:crypto";

/** Gives unpredictable integers from 0 to below `bound`, which is at most 65536. */
export type RandomInteger = (bound: number) => number;

const BATCH = 4096;

/**
 * A CSPRNG for message IDs and socket choice (RFC 5452 section 9.2), drawn in batches because each call into it costs
 * more than a query. 16 bits modulo a bound that is no power of two is biased by at most bound/65536, which is
 * irrelevant for choosing a socket; IDs use the full range.
 */
export function createRandomInteger(): RandomInteger {
  const batch = new Uint16Array(BATCH);
  let next = BATCH;
  return (bound) => {
    if (next === BATCH) {
      randomFillSync(batch);
      next = 0;
    }
    return (batch[next++] as number) % bound;
  };
}
