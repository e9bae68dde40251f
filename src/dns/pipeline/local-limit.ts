import type { RunningLimit } from "./serve.ts";

/** A limit within one thread. */
export function localLimit(most: number): RunningLimit {
  let running = 0;
  return {
    full: () => running >= most,
    change(by) {
      running += by;
    },
  };
}
