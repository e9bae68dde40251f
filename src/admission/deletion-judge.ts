import { setImmediate } from "node:timers/promises";
import { ALLOWED } from "../lint/change.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { JudgedVerdict, ProfileJudge } from "./profile-judge.ts";
import type { JudgedChange } from "./validate.ts";

/** Other reviews wait no longer than this for a deletion that is being looked at. */
const SLICE_MS = 5;

/** The part of the time that is left which looking may take. */
const SHARE_OF_TIME_LEFT = 0.5;

/**
 * Judges deletions: each asks every other object, which takes a second where there are thousands. Pods must not wait for
 * it, so it works in slices. When the time is up, what was found by then is told.
 */
export function deletionJudge(input: {
  readonly snapshot: Pick<Snapshot, "current">;
  readonly judge: Pick<ProfileJudge, "deletion">;
  /** Milliseconds that only go forward. */
  readonly now?: () => number;
}): (change: JudgedChange, patienceMs: number) => Promise<JudgedVerdict> {
  const { snapshot, judge, now = () => performance.now() } = input;
  return async (change, patienceMs) => {
    const deadline = now() + patienceMs * SHARE_OF_TIME_LEFT;
    const { steps, judging } = judge.deletion(change, snapshot.current());
    let sliceEnd = now() + SLICE_MS;
    for (;;) {
      const step = steps.next();
      if (step.done === true) return { ...step.value, judging };
      if (now() > deadline) return { ...ALLOWED, warned: [...step.value], inPart: "deadline", judging };
      if (now() <= sliceEnd) continue;
      await setImmediate();
      sliceEnd = now() + SLICE_MS;
    }
  };
}
