import { valueAt } from "../model/field-path.ts";
import { fail, ok, type Result } from "../model/result.ts";
import { parseReviewJson } from "./review-json.ts";

const API_VERSION = "admission.k8s.io/v1";
const KIND = "AdmissionReview";

/** The kind of an object, or the resource of a request, in one API version. */
export type GroupVersionKind = { readonly group: string; readonly version: string; readonly kind: string };

/** What the API server asks. Text that is absent is "". Objects are untyped and may be null. */
export type AdmissionRequest = {
  readonly uid: string;
  /** The kind that our registration asked for; what the user wrote may be another version of it. */
  readonly kind: GroupVersionKind;
  readonly subResource: string;
  /** For people: the name, or `<generateName>*` for a pod that has none yet. */
  readonly displayName: string;
  readonly namespace: string;
  readonly operation: string;
  readonly groups: readonly string[];
  /** Whether nothing will be stored. `options.dryRun` is another field and not read. */
  readonly dryRun: boolean;
  readonly object: unknown;
  readonly oldObject: unknown;
  /** Keys left out of the objects, see parseReviewJson. */
  readonly droppedKeys: number;
};

const textAt = (value: unknown, ...path: readonly string[]): string => {
  const found = valueAt(value, path);
  return typeof found === "string" ? found : "";
};

/**
 * Reads an AdmissionReview. What the contract makes a decision impossible without (version, kind, uid, operation) has
 * to be there; the rest is taken as far as it is right. A problem means that no review can be answered: HTTP 400.
 */
export function parseReview(bytes: Buffer): Result<AdmissionRequest> {
  if (bytes.length === 0) return fail("the body is empty, an AdmissionReview is needed");
  const json = parseReviewJson(bytes);
  if (!json.ok) return json;
  const { value, droppedKeys } = json.value;
  const [apiVersion, kind] = [textAt(value, "apiVersion"), textAt(value, "kind")];
  if (kind !== KIND) return fail(`kind must be ${KIND}, got ${quote(kind)}`);
  if (apiVersion !== API_VERSION) return fail(`apiVersion must be ${API_VERSION}, got ${quote(apiVersion)}`);
  const request = valueAt(value, ["request"]);
  if (textAt(request, "uid") === "") return fail("request.uid is missing, an answer could not be matched");
  if (textAt(request, "operation") === "") return fail("request.operation is missing");
  return ok(readRequest(request, droppedKeys));
}

/** At most 60 characters of what somebody else wrote, on one line. */
const quote = (text: string): string => JSON.stringify(text.slice(0, 60));

function readRequest(request: unknown, droppedKeys: number): AdmissionRequest {
  const object = valueAt(request, ["object"]) ?? null;
  const oldObject = valueAt(request, ["oldObject"]) ?? null;
  const groups = valueAt(request, ["userInfo", "groups"]);
  return {
    uid: textAt(request, "uid"),
    kind: {
      group: textAt(request, "kind", "group"),
      version: textAt(request, "kind", "version"),
      kind: textAt(request, "kind", "kind"),
    },
    subResource: textAt(request, "subResource"),
    displayName: displayName(request, object ?? oldObject),
    namespace: textAt(request, "namespace"),
    operation: textAt(request, "operation"),
    groups: Array.isArray(groups) ? groups.filter((group) => typeof group === "string") : [],
    dryRun: valueAt(request, ["dryRun"]) === true,
    object,
    oldObject,
    droppedKeys,
  };
}

function displayName(request: unknown, object: unknown): string {
  const name = textAt(request, "name") || textAt(object, "metadata", "name");
  const generateName = textAt(object, "metadata", "generateName");
  return name !== "" || generateName === "" ? name : `${generateName}*`;
}
