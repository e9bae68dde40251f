import { formatPath } from "../model/field-path.ts";
import type { Finding } from "../model/finding.ts";
import type { DenialStatus, StatusCause } from "./response.ts";
import type { AdmissionRequest } from "./review.ts";
import { clip, oneLine } from "./warnings.ts";

/** Keeps an answer far below 64 KiB, however many findings there are and whatever the user wrote. */
const MAX_CAUSES = 20;
const MAX_CAUSE_CHARACTERS = 700;
/** Keys of maps may be of any length; a real path is far shorter. */
const MAX_FIELD_CHARACTERS = 300;
const MAX_MESSAGE_CHARACTERS = 16_000;

/**
 * The status of an object that findings refuse. kubectl prints for 422 Invalid with kind, name and causes one line a
 * cause and nothing else, without the webhook's name: so each cause says everything and who says it. Tools that show
 * only the message (Argo CD, Flux, Terraform) find the same on one line. Measured with kubectl 1.32 and 1.36.
 */
export function denialOf(findings: readonly Finding[], request: AdmissionRequest): DenialStatus {
  const shown = findings.slice(0, MAX_CAUSES).map(causeOf);
  const more = findings.length - shown.length;
  const causes = more === 0 ? shown : [...shown, remaining(more)];
  return {
    status: "Failure",
    code: 422,
    reason: "Invalid",
    message: clip(
      causes.map(({ field, message }) => (field === "" ? message : `${field}: ${message}`)).join("; "),
      MAX_MESSAGE_CHARACTERS,
    ),
    details: {
      group: request.kind.group,
      kind: request.kind.kind,
      name: clip(request.displayName, MAX_FIELD_CHARACTERS),
      causes,
    },
  };
}

/** Without its full stop, because the hint follows. */
const sentence = (text: string): string => oneLine(text).replace(/\.$/, "");

function causeOf({ rule, path, message, hint }: Finding): StatusCause {
  const what = hint === "" ? sentence(message) : `${sentence(message)} - ${sentence(hint)}`;
  return {
    reason: "FieldValueInvalid",
    field: clip(oneLine(formatPath(path)), MAX_FIELD_CHARACTERS),
    message: `${rule}: ${clip(what, MAX_CAUSE_CHARACTERS)} (sluice)`,
  };
}

const remaining = (count: number): StatusCause => ({
  reason: "FieldValueInvalid",
  field: "",
  message: `${count} more ${count === 1 ? "finding" : "findings"}, run sluice lint for all (sluice)`,
});
