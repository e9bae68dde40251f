import { performance } from "node:perf_hooks";
/** Something that happens at a time, unless it is removed before. One object is armed at most once at a time. */
export type Timed = {
  /** Set by the wheel: the tick at which it is due, and its neighbours in the slot. `dueTick` is -1 while not armed. */
  dueTick: number;
  before: Timed | undefined;
  after: Timed | undefined;
  /** Gets the object itself, so that many share one function. It may arm and remove any. */
  onDue(timed: Timed): void;
};

export type TimerWheel = {
  /** Arms for `at`, a time of the clock; never early, at most one tick late. Arming again replaces. */
  arm(timed: Timed, at: number): void;
  remove(timed: Timed): void;
};

/** Milliseconds from any beginning, and one call later on; the function that is given back prevents it. */
export type Clock = {
  readonly now: () => number;
  readonly after: (milliseconds: number, call: () => void) => () => void;
};

export const TICK_MILLISECONDS = 50;
/** 6.4 s: one turn holds every deadline of a question. What is due later stays for further turns. */
const SLOTS = 128;

const REAL_CLOCK: Clock = {
  now: () => performance.now(),
  after: (milliseconds, call) => {
    const timer = setTimeout(call, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** For an object that is to be armed later. */
export const UNARMED = { dueTick: -1, before: undefined, after: undefined } as const;

/**
 * Deadlines of many questions on one timer: arming and removing is a handful of assignments. It does not tick while
 * nothing is armed, and keeps the process alive while something is.
 */
export function createTimerWheel(clock: Clock = REAL_CLOCK): TimerWheel {
  const slots: (Timed | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  let armed = 0;
  let reached = 0;
  let stop: (() => void) | undefined;

  const unlink = (timed: Timed): void => {
    const { before, after, dueTick } = timed;
    if (before !== undefined) before.after = after;
    else slots[dueTick % SLOTS] = after;
    if (after !== undefined) after.before = before;
    timed.dueTick = -1;
    timed.before = undefined;
    timed.after = undefined;
    armed--;
  };

  const tickLater = (): void => {
    const wait = (reached + 1) * TICK_MILLISECONDS - clock.now();
    stop = clock.after(Math.max(1, Math.ceil(wait)), tick);
  };

  /** Ticks that were missed while the process was busy are made up for, one turn at most. */
  const tick = (): void => {
    stop = undefined;
    const current = Math.floor(clock.now() / TICK_MILLISECONDS);
    const due: Timed[] = [];
    for (let at = Math.max(reached + 1, current - SLOTS + 1); at <= current; at++) {
      for (let one = slots[at % SLOTS]; one !== undefined; one = one.after) if (one.dueTick <= current) due.push(one);
    }
    reached = Math.max(reached, current);
    for (const one of due) {
      // One that is due may have removed or armed again another that was.
      if (one.dueTick === -1 || one.dueTick > current) continue;
      unlink(one);
      one.onDue(one);
    }
    if (armed > 0 && stop === undefined) tickLater();
  };

  const remove = (timed: Timed): void => {
    if (timed.dueTick === -1) return;
    unlink(timed);
    if (armed > 0) return;
    stop?.();
    stop = undefined;
  };

  return {
    arm(timed, at) {
      if (timed.dueTick !== -1) unlink(timed);
      if (armed === 0 && stop === undefined) reached = Math.floor(clock.now() / TICK_MILLISECONDS);
      const dueTick = Math.max(Math.ceil(at / TICK_MILLISECONDS), reached + 1);
      const first = slots[dueTick % SLOTS];
      timed.dueTick = dueTick;
      timed.after = first;
      if (first !== undefined) first.before = timed;
      slots[dueTick % SLOTS] = timed;
      armed++;
      if (stop === undefined) tickLater();
    },
    remove,
  };
}
