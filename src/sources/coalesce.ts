import type { SourceLog } from "./source-log.ts";

/** Turns bursts of changes into single calls. */
export type Coalescer = {
  /** Asks for a call; further asks before it happens are part of it. */
  notify(): void;
  /** Ends it: a call that is due does not happen any more. */
  close(): void;
};

/**
 * Calls `run` once, `delayMs` after the first of a burst of `notify()`, so that a steady stream of changes cannot put
 * it off for ever. A `run` that throws is logged and changes nothing else.
 */
export function coalesce(options: {
  readonly delayMs: number;
  readonly run: () => void;
  readonly log: SourceLog;
}): Coalescer {
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const fire = () => {
    timer = undefined;
    try {
      options.run();
    } catch (error) {
      options.log.error({ err: error }, "a listener for changed objects failed");
    }
  };
  return {
    notify() {
      if (!closed) timer ??= setTimeout(fire, options.delayMs);
    },
    close() {
      closed = true;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
