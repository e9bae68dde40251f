import { setTimeout as delay } from "node:timers/promises";

const INTERVAL_MS = 50;

/**
 * Asks until the answer is neither `undefined` nor `false`, and gives it. Errors count as "not yet"; the last one is
 * told when time runs out.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutSeconds = 20,
): Promise<T> {
  const deadline = performance.now() + timeoutSeconds * 1000;
  let trouble: unknown;
  do {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      trouble = undefined;
    } catch (error) {
      trouble = error;
    }
    await delay(INTERVAL_MS);
  } while (performance.now() < deadline);
  const why = trouble instanceof Error ? `: ${trouble.message}` : "";
  throw new Error(`not within ${timeoutSeconds} s: ${what}${why}`, { cause: trouble });
}
