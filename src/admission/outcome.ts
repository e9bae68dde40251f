import type { InjectionMode } from "../inject/mode.ts";
import { type AdmissionResponse, allowed, denied, withAudit, withWarnings } from "./response.ts";

/** An answer, and the words under which it is counted and logged. */
export type ReviewOutcome = {
  readonly response: AdmissionResponse;
  readonly decision: "injected" | "unchanged" | "skipped" | "denied" | "allowed";
  readonly reason: string;
  readonly deniedBy: readonly string[];
  readonly exempted: readonly string[];
  /** Set when the answer hides a bug of ours, for the log. */
  readonly error?: unknown;
  readonly patchCheckFailed?: true;
};

/** Trouble of our own, in one of the words that metrics are labelled with. */
export type InternalTrouble = "internal-error" | "deadline" | "patch-check";

const TROUBLE: Readonly<Record<InternalTrouble, string>> = {
  "internal-error": "Sluice failed to decide about this object",
  deadline: "Sluice had no time left to decide about this object",
  "patch-check": "Sluice's patch did not pass its own check and was not sent",
};

/** Long enough for a replica to recover, short enough for a controller that waits (webhook contract, M8). */
export const RETRY_AFTER_SECONDS = 5;

/**
 * The answer when our own fault prevents a decision: a strict namespace refuses the pod for now, any other lets it
 * pass and says so. Never an HTTP error by choice, which would leave the choice to the failurePolicy.
 */
export function troubleOutcome(trouble: InternalTrouble, mode: InjectionMode, error?: unknown): ReviewOutcome {
  const text = TROUBLE[trouble];
  const strict = mode === "strict";
  const response = strict
    ? denied({
        status: "Failure",
        code: 503,
        reason: "ServiceUnavailable",
        message: `internal-error: ${text} - try again in ${RETRY_AFTER_SECONDS} seconds (sluice)`,
        details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
      })
    : withWarnings(allowed(), [`internal-error: ${text}, it was let through as it is`]);
  const decision = strict ? "denied" : "skipped";
  return {
    response: withAudit(response, { decision, reason: trouble }),
    decision,
    reason: trouble,
    deniedBy: strict ? [trouble] : [],
    exempted: [],
    ...(error === undefined ? {} : { error }),
    ...(trouble === "patch-check" ? { patchCheckFailed: true as const } : {}),
  };
}
