import { decideInjection, type InjectionDecision } from "../inject/decide.ts";
import type { ClusterFacts } from "../inject/facts.ts";
import { modeOf, type NamespaceFacts } from "../inject/mode.ts";
import { renderNotice } from "../inject/notice.ts";
import { buildPatch, checkPatch } from "../inject/patch.ts";
import type { FingerprintedProfile } from "../inject/profile.ts";
import { formatPath } from "../model/field-path.ts";
import { RETRY_AFTER_SECONDS, type ReviewOutcome, troubleOutcome } from "./outcome.ts";
import { type AdmissionResponse, allowed, denied, patched, withAudit, withWarnings } from "./response.ts";
import type { AdmissionRequest } from "./review.ts";
import { oneLine } from "./warnings.ts";

/** What injection needs to know, from memory: a review never waits for the network. */
export type InjectionFacts = {
  readonly cluster: ClusterFacts;
  readonly namespace: NamespaceFacts;
  readonly profile: FingerprintedProfile;
  readonly knownPreviousAddresses: readonly string[];
};

/** Gives the facts as they are now, for one namespace. */
export type InjectionFactsSource = (namespace: string) => InjectionFacts;

/** Answers one review at /mutate. Anything but the creation of a pod is allowed untouched. */
export function mutate(request: AdmissionRequest, facts: InjectionFacts): ReviewOutcome {
  if (request.kind.kind !== "Pod" || request.kind.group !== "") return untouched("unknown-kind");
  const decision = decideInjection({ ...facts, ...fromRequest(request) });
  const { reason } = decision;
  const warnings = [...decision.warnings.map(renderNotice), ...droppedKeyWarning(request)];
  const finish = (response: AdmissionResponse, word: ReviewOutcome["decision"]): ReviewOutcome => ({
    response: withAudit(withWarnings(response, warnings), decision.audit),
    decision: word,
    reason,
    deniedBy: word === "denied" ? [reason] : [],
    exempted: [],
  });
  switch (decision.action) {
    case "skip":
      return finish(allowed(), "skipped");
    case "unchanged":
      return finish(allowed(), "unchanged");
    case "deny":
      return finish(denied(denialStatus(decision, request)), "denied");
    case "inject": {
      const patch = buildPatch(request.object, decision, facts.profile);
      if (!checkPatch(request.object, patch, decision, facts.profile)) {
        return troubleOutcome("patch-check", decision.mode);
      }
      return finish(patched(patch), "injected");
    }
    default:
      return decision satisfies never;
  }
}

/** The mode by which trouble with a request is answered. */
export const modeOfRequest = ({ namespace }: InjectionFacts) => modeOf(namespace).mode;

const fromRequest = ({ object, operation, subResource, groups }: AdmissionRequest) => ({
  pod: object,
  operation,
  subResource,
  groups,
});

/** Said because what was left out was not looked at either. */
export const droppedKeyWarning = ({ droppedKeys }: AdmissionRequest): readonly string[] =>
  droppedKeys === 0 ? [] : [`dropped-keys: ${droppedKeys} keys named __proto__ or constructor were not looked at`];

const untouched = (reason: string): ReviewOutcome => ({
  response: withAudit(allowed(), { decision: "skipped", reason }),
  decision: "skipped",
  reason,
  deniedBy: [],
  exempted: [],
});

/** 403 for good, 503 with a time to try again for now. Controllers show the message in FailedCreate events. */
function denialStatus({ cause, temporary }: Extract<InjectionDecision, { action: "deny" }>, request: AdmissionRequest) {
  const place = cause.path.length === 0 ? "" : `${formatPath(cause.path)}: `;
  return {
    status: "Failure",
    code: temporary ? 503 : 403,
    reason: temporary ? "ServiceUnavailable" : "Forbidden",
    message: oneLine(`${cause.code}: ${place}${cause.title} - ${cause.hint} (sluice)`),
    details: {
      kind: request.kind.kind,
      name: request.displayName,
      ...(temporary ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {}),
    },
  } as const;
}
