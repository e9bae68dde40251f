import { renderNotice } from "../inject/notice.ts";
import type { PreviewContext } from "../inject/preview.ts";
import { previewInjection, previewNotices } from "../inject/preview.ts";
import { sameJson } from "../inject/same-json.ts";
import { podSourceOf } from "../inject/workload.ts";
import type { ChangeRequest } from "../lint/change.ts";
import { LINT_LABEL } from "../lint/namespace-judging.ts";
import { formatPath } from "../model/field-path.ts";
import { compareSeverity, type Finding } from "../model/finding.ts";
import { auditOf } from "./audit-verdict.ts";
import { denialOf } from "./denial.ts";
import { hideSecrets } from "./hide-secrets.ts";
import { droppedKeyWarning } from "./mutate.ts";
import type { ReviewOutcome } from "./outcome.ts";
import type { JudgedVerdict } from "./profile-judge.ts";
import { allowed, denied, withAudit, withWarnings } from "./response.ts";
import type { AdmissionRequest } from "./review.ts";

/** One change to judge, as the linter wants it. */
export type JudgedChange = ChangeRequest & { readonly dryRun: boolean };

/** Judges a change against what is in memory. It may wait for news, but no longer than `patienceMs`. */
export type Judge = (change: JudgedChange, patienceMs: number) => JudgedVerdict | Promise<JudgedVerdict>;

/**
 * Answers one review at /validate: refuses what the judge refuses, warns of the rest; previews the pods of workloads,
 * which are never refused. Subresources and operations that bring no object are allowed unseen.
 */
export async function validate(
  request: AdmissionRequest,
  judge: Judge,
  context: PreviewContext,
  patienceMs: number,
): Promise<ReviewOutcome> {
  const { operation, subResource } = request;
  const judged = operation === "CREATE" || operation === "UPDATE" || operation === "DELETE";
  if (!judged || subResource !== "") return unseen([]);
  if (podSourceOf(request.object ?? request.oldObject) !== undefined) {
    return unseen([...previewWarnings(request, context), ...droppedKeyWarning(request)]);
  }
  const { object, oldObject, namespace, dryRun } = request;
  return outcome(request, await judge({ operation, object, oldObject, namespace, dryRun }, patienceMs));
}

/** What no rule has looked at. */
const unseen = (warnings: readonly string[]): ReviewOutcome => ({
  response: withWarnings(allowed(), warnings),
  decision: "allowed",
  reason: "",
  deniedBy: [],
  exempted: [],
});

/**
 * The answer when the object could not be judged: allowed and noted in the audit log. Our own ignorance refuses
 * nothing, and a warning about it would help nobody who applies a policy.
 */
export const unjudged = (reason: "internal-error" | "deadline", error?: unknown): ReviewOutcome => ({
  response: withAudit(allowed(), { decision: "allowed", reason }),
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

function outcome(request: AdmissionRequest, verdict: JudgedVerdict): ReviewOutcome {
  const { exempted, unknownKind, inPart = "", secrets = [] } = verdict;
  const denials = verdict.denied.map((finding) => hideSecrets(finding, secrets));
  const warned = verdict.warned.map((finding) => hideSecrets(finding, secrets));
  const warnings = [
    ...warned.toSorted(compareFindings).map(renderFinding),
    ...labelWarning(request, verdict),
    ...droppedKeyWarning(request),
  ];
  const refused = denials.length > 0;
  const response = refused ? denied(denialOf(denials, request)) : allowed();
  return {
    response: withAudit(withWarnings(response, warnings), auditOf(verdict, groupKind(request))),
    decision: refused ? "denied" : "allowed",
    reason: refused ? "findings" : unknownKind ? "unknown-kind" : inPart,
    deniedBy: [...new Set(denials.map(({ rule }) => rule))],
    exempted,
  };
}

const groupKind = ({ kind }: AdmissionRequest): string => `${kind.group}/${kind.kind}`;

/** A slip of the pen in the label would otherwise change nothing, in silence. */
const labelWarning = ({ namespace }: AdmissionRequest, { judging }: JudgedVerdict): readonly string[] =>
  judging?.unclearLabel === undefined
    ? []
    : [
        `lint-label: ${LINT_LABEL}=${judging.unclearLabel} of namespace ${namespace} means nothing and counts as absent`,
      ];
