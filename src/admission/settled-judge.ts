import type { AdmissionVerdict } from "../lint/admission.ts";
import type { Finding } from "../model/finding.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { Topology } from "../model/topology.ts";
import type { Judge, JudgedChange } from "./validate.ts";

export type SettledJudgeInput = {
  readonly snapshot: Pick<Snapshot, "current" | "subscribe">;
  readonly judge: (change: JudgedChange, topology: Topology) => AdmissionVerdict;
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

/**
 * Judges a change, and judges it anew with each newer picture while the verdict rests on other objects, until it no
 * longer does or the time is up. What the object alone proves is refused at once.
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
  return (change) => {
    const first = judge(change, snapshot.current());
    if (change.operation === "DELETE" || patience(first) === 0) return first;
    const started = performance.now();
    return new Promise((resolve, reject) => {
      let verdict = first;
      const finish = (): void => {
        clearTimeout(timer);
        unsubscribe();
        resolve(verdict);
      };
      let timer = setTimeout(finish, patience(first));
      const unsubscribe = snapshot.subscribe((topology) => {
        try {
          verdict = judge(change, topology);
        } catch (error) {
          clearTimeout(timer);
          unsubscribe();
          reject(error);
          return;
        }
        const left = patience(verdict) - (performance.now() - started);
        if (left <= 0) return finish();
        clearTimeout(timer);
        timer = setTimeout(finish, left);
      });
    });
  };
}
