import { renderNotice } from "../inject/notice.ts";
import type { PreviewContext } from "../inject/preview.ts";
import { previewInjection, previewNotices } from "../inject/preview.ts";
import { sameJson } from "../inject/same-json.ts";
import { podSourceOf } from "../inject/workload.ts";
import type { AdmissionVerdict, ChangeRequest } from "../lint/admission.ts";
import { formatPath } from "../model/field-path.ts";
import { compareSeverity, type Finding } from "../model/finding.ts";
import { denialOf } from "./denial.ts";
import { droppedKeyWarning } from "./mutate.ts";
import type { ReviewOutcome } from "./outcome.ts";
import { allowed, denied, withAudit, withWarnings } from "./response.ts";
import type { AdmissionRequest } from "./review.ts";

/** One change to judge, as the linter wants it. */
export type JudgedChange = ChangeRequest & { readonly dryRun: boolean };

/** Judges a change against what is in memory. */
export type Judge = (change: JudgedChange) => AdmissionVerdict | Promise<AdmissionVerdict>;

const NOTHING: AdmissionVerdict = { denied: [], warned: [], exempted: [], unknownKind: false };

/**
 * Answers one review at /validate: refuses what the judge refuses, warns of the rest; previews the pods of workloads,
 * which are never refused. Subresources and operations that bring no object are allowed unseen.
 */
export async function validate(
  request: AdmissionRequest,
  judge: Judge,
  context: PreviewContext,
): Promise<ReviewOutcome> {
  const { operation, subResource } = request;
  const judged = operation === "CREATE" || operation === "UPDATE" || operation === "DELETE";
  if (!judged || subResource !== "") return outcome(request, NOTHING, []);
  if (podSourceOf(request.object ?? request.oldObject) !== undefined) {
    return outcome(request, NOTHING, previewWarnings(request, context));
  }
  const { object, oldObject, namespace, dryRun } = request;
  return outcome(request, await judge({ operation, object, oldObject, namespace, dryRun }), []);
}

/**
 * The answer when the object could not be judged: allowed and noted in the audit log. Our own ignorance refuses
 * nothing, and a warning about it would help nobody who applies a policy.
 */
export const unjudged = (reason: "internal-error" | "deadline", error?: unknown): ReviewOutcome => ({
  response: withAudit(allowed(), { reason }),
  decision: "allowed",
  reason,
  deniedBy: [],
  exempted: [],
  ...(error === undefined ? {} : { error }),
});

/** What the author of a workload should know of its pods; nothing when an update leaves the template as it was. */
function previewWarnings({ operation, object, oldObject }: AdmissionRequest, context: PreviewContext) {
  if (operation === "UPDATE" && sameJson(podSourceOf(object)?.pod, podSourceOf(oldObject)?.pod)) return [];
  const preview = previewInjection(object, context);
  return preview === undefined ? [] : previewNotices(preview).map(renderNotice);
}

/** `<rule id>: <path>: <title>`; the message and the fix are the CLI's to tell. */
const renderFinding = ({ rule, path, title }: Finding): string =>
  path.length === 0 ? `${rule}: ${title}` : `${rule}: ${formatPath(path)}: ${title}`;

const compareFindings = (a: Finding, b: Finding): number =>
  compareSeverity(a.severity, b.severity) || (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0);

function outcome(request: AdmissionRequest, verdict: AdmissionVerdict, preview: readonly string[]): ReviewOutcome {
  const { exempted, unknownKind } = verdict;
  const refused = verdict.denied.length > 0;
  const rules = [...new Set(verdict.denied.map(({ rule }) => rule))];
  const warnings = [
    ...verdict.warned.toSorted(compareFindings).map(renderFinding),
    ...preview,
    ...droppedKeyWarning(request),
  ];
  const response = refused ? denied(denialOf(verdict.denied, request)) : allowed();
  return {
    response: withAudit(withWarnings(response, warnings), {
      ...(refused ? { decision: "denied", reason: rules.join(",") } : {}),
      ...(exempted.length > 0 ? { exempted: exempted.join(",") } : {}),
      ...(unknownKind ? { "unknown-kind": `${request.kind.group}/${request.kind.kind}` } : {}),
    }),
    decision: refused ? "denied" : "allowed",
    reason: refused ? "findings" : unknownKind ? "unknown-kind" : "",
    deniedBy: rules,
    exempted,
  };
}
