import type { AdmissionVerdict } from "../lint/change.ts";
import type { Finding } from "../model/finding.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { Topology } from "../model/topology.ts";
import type { JudgedVerdict } from "./profile-judge.ts";
import type { Judge, JudgedChange } from "./validate.ts";

export type SettledJudgeInput = {
  readonly snapshot: Pick<Snapshot, "current" | "subscribe">;
  readonly judge: (change: JudgedChange, topology: Topology) => JudgedVerdict;
  /** How long a refusal that needs another object waits for the picture to catch up. */
  readonly denialWaitMs?: number;
  /** The same for a mere warning. */
  readonly warningWaitMs?: number;
};

/**
 * A watch is some 100 ms behind the API server. A command that mends one object and creates the next would be judged
 * against the picture from before and refused for what it has just mended: a second is well within the webhook's 5 s,
 * and only refusals wait that long.
 */
const DENIAL_WAIT_MS = 1_000;

/** Long enough for a watch that is healthy; a warning is not worth more of anybody's time. */
const WARNING_WAIT_MS = 300;

const needsOthers = ({ scope }: Finding): boolean => scope !== "object";

/** The part of the time that is left which may be waited: the rest is for judging once more, and for the answer. */
const SHARE_OF_TIME_LEFT = 0.5;

/**
 * Judges a change, and judges it anew with each newer picture while the verdict rests on other objects, until it no
 * longer does or the time is up: ours, or half of what the API server leaves. What the object alone proves is refused
 * at once. Deletions are for `deletionJudge`.
 */
export function settledJudge({
  snapshot,
  judge,
  denialWaitMs = DENIAL_WAIT_MS,
  warningWaitMs = WARNING_WAIT_MS,
}: SettledJudgeInput): Judge {
  const patience = ({ denied, warned }: AdmissionVerdict): number => {
    if (denied.some((finding) => !needsOthers(finding))) return 0;
    if (denied.length > 0) return denialWaitMs;
    return warned.some(needsOthers) ? warningWaitMs : 0;
  };
  return (change, patienceMs) => {
    const started = performance.now();
    const first = judge(change, snapshot.current());
    const waitMs = (verdict: AdmissionVerdict): number =>
      Math.min(patience(verdict), patienceMs * SHARE_OF_TIME_LEFT) - (performance.now() - started);
    if (patience(first) === 0 || waitMs(first) <= 0) return first;
    return new Promise((resolve, reject) => {
      let verdict: JudgedVerdict = first;
      const finish = (): void => {
        clearTimeout(timer);
        unsubscribe();
        resolve(verdict);
      };
      let timer = setTimeout(finish, waitMs(first));
      const unsubscribe = snapshot.subscribe((topology) => {
        try {
          verdict = judge(change, topology);
        } catch (error) {
          clearTimeout(timer);
          unsubscribe();
          reject(error);
          return;
        }
        const left = waitMs(verdict);
        if (left <= 0) return finish();
        clearTimeout(timer);
        timer = setTimeout(finish, left);
      });
    });
  };
}
