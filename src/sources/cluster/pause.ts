/** A wait that ends early when the program stops or when something has happened that is worth trying again for. */
export type Pause = {
  /** Resolves after `ms`, on `wake()`, or when `signal` is aborted; never rejects, leaves no timer behind. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  wake(): void;
};

export function createPause(): Pause {
  let end: (() => void) | undefined;
  return {
    wait(ms, signal) {
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const finish = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", finish);
          end = undefined;
          resolve();
        };
        const timer = setTimeout(finish, ms);
        signal.addEventListener("abort", finish, { once: true });
        end = finish;
      });
    },
    wake: () => end?.(),
  };
}

/** Growing waits with full jitter, so that many clients of one API server do not come back in step. */
export type BackOff = { nextMs(): number; reset(): void };

/** SOURCE: "Exponential Backoff And Jitter", AWS Architecture Blog 2015: full jitter finishes soonest. */
export function createBackOff(options: {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly random: () => number;
}): BackOff {
  let ceiling = options.initialMs;
  return {
    nextMs() {
      const wait = options.random() * ceiling;
      ceiling = Math.min(ceiling * 2, options.maxMs);
      return wait;
    },
    reset() {
      ceiling = options.initialMs;
    },
  };
}
