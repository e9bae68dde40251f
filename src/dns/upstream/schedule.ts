/** When a question that nobody answers is asked again. */
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

/** CoreDNS's default for `read_timeout`: the schedule is made for it. */
const USUAL_READ_TIMEOUT_MILLISECONDS = 2_000;

/**
 * What happens when, in milliseconds from the beginning: each attempt but the first, then giving up. A `readTimeoutMs`
 * below the usual one is the longest that an attempt is waited for before the next step (`read_timeout` of `forward`).
 */
export function stepsOf({ attemptsAtMilliseconds, giveUpAtMilliseconds }: Schedule, readTimeoutMs: number): number[] {
  const longest = readTimeoutMs < USUAL_READ_TIMEOUT_MILLISECONDS ? readTimeoutMs : Number.POSITIVE_INFINITY;
  const steps: number[] = [];
  let previous = 0;
  for (const at of [...attemptsAtMilliseconds.slice(1), giveUpAtMilliseconds]) {
    previous = Math.min(at, previous + longest);
    steps.push(previous);
  }
  return steps;
}
