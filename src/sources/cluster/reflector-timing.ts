/** All times of a reflector; tests shorten them. */
export type ReflectorTiming = {
  readonly backOffInitialMs: number;
  readonly backOffMaxMs: number;
  /** Bounds of the wait before a kind that is not installed is looked for again. */
  readonly absentMinMs: number;
  readonly absentMaxMs: number;
  /** How long a kind that was served must be gone before its objects are dropped. */
  readonly absentConfirmMs: number;
  readonly forbiddenMs: number;
  /** A watch ends after this time, or up to a fifth sooner, so that watches do not end in step. */
  readonly watchSeconds: number;
  /** Must be above `watchSeconds`: then a watch that is merely quiet never looks dead. */
  readonly idleSeconds: number;
  /** After this time a list is made although the watch could go on: the net under all other nets. */
  readonly relistSeconds: number;
};

export const REFLECTOR_TIMING: ReflectorTiming = {
  // client-go starts at 800 ms; a resolver should know of a new address sooner.
  backOffInitialMs: 250,
  backOffMaxMs: 30_000,
  absentMinMs: 5_000,
  absentMaxMs: 60_000,
  // An API server that starts answers 404 for custom kinds for some seconds at most.
  absentConfirmMs: 30_000,
  forbiddenMs: 60_000,
  // 25 kinds make one request every 5 s, which is nothing to an API server, and a dead watch is noticed in 135 s
  // without relying on bookmarks.
  watchSeconds: 120,
  idleSeconds: 135,
  relistSeconds: 600,
};
