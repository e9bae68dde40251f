import type { RunningLimit } from "../pipeline/serve.ts";

/** Lines of `forward` that are told apart in one worker; later ones share numbers with the first. */
const LINES = 256;

/** Octets that all workers count in together. */
export const underWayOctets = (workers: number): number => workers * LINES * Int32Array.BYTES_PER_ELEMENT;

/**
 * Limits that hold for all workers together: each counts its own in shared memory and looks at the numbers of all. Two
 * workers that look at the same moment may both find the last place free, so that a limit may be passed by as many as there
 * are workers. A worker that has died leaves numbers behind: the next one with its place begins at zero.
 */
export function createRunningLimits(buffer: SharedArrayBuffer, worker: number, workers: number) {
  const counts = new Int32Array(buffer);
  counts.fill(0, worker * LINES, (worker + 1) * LINES);
  return (line: number, most: number): RunningLimit => {
    const slot = line % LINES;
    const own = worker * LINES + slot;
    return {
      full() {
        let running = 0;
        for (let at = slot; at < workers * LINES; at += LINES) running += counts[at] as number;
        return running >= most;
      },
      change(by) {
        counts[own] = (counts[own] as number) + by;
      },
    };
  };
}
