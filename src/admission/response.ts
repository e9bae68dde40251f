import type { AddOperation } from "../inject/patch.ts";
import { clip, oneLine, sanitizeWarnings } from "./warnings.ts";

/** metav1.StatusCause: one field that is wrong. */
export type StatusCause = { readonly reason: "FieldValueInvalid"; readonly field: string; readonly message: string };

/** The part of metav1.Status that a denial carries. */
export type DenialStatus = {
  readonly status: "Failure";
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: {
    readonly group?: string;
    readonly kind?: string;
    readonly name?: string;
    readonly causes?: readonly StatusCause[];
    readonly retryAfterSeconds?: number;
  };
};

/** An answer to one review; the writer adds the uid. `patch` is never empty. */
export type AdmissionResponse = {
  readonly allowed: boolean;
  readonly status?: DenialStatus;
  readonly patch?: readonly AddOperation[];
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
};

export const allowed = (): AdmissionResponse => ({ allowed: true });

export const denied = (status: DenialStatus): AdmissionResponse => ({ allowed: false, status });

/** Allowed with a patch; without one when there is nothing to change, as the contract demands. */
export const patched = (patch: readonly AddOperation[]): AdmissionResponse =>
  patch.length === 0 ? allowed() : { allowed: true, patch };

/** Denials carry warnings as well: the API server reads them before the verdict. */
export function withWarnings(response: AdmissionResponse, warnings: readonly string[]): AdmissionResponse {
  const clean = sanitizeWarnings(warnings);
  return clean.length === 0 ? response : { ...response, warnings: clean };
}

/** The API server drops keys that are not of this form (it prefixes them with the webhook's name and a slash). */
const AUDIT_KEY = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

const MAX_AUDIT_CHARACTERS = 1024;

/** Values are kept on one line and at most 1024 characters long; keys of a wrong form are left out. */
export function withAudit(response: AdmissionResponse, values: Readonly<Record<string, string>>): AdmissionResponse {
  const kept = Object.entries(values)
    .filter(([key]) => AUDIT_KEY.test(key))
    .map(([key, value]) => [key, clip(oneLine(value), MAX_AUDIT_CHARACTERS)] as const);
  if (kept.length === 0) return response;
  return { ...response, auditAnnotations: { ...response.auditAnnotations, ...Object.fromEntries(kept) } };
}

/** The AdmissionReview that goes over the wire. `patch` and `patchType` come together or not at all. */
export function encodeReview(uid: string, { allowed: isAllowed, patch, ...rest }: AdmissionResponse): string {
  const encoded =
    patch === undefined || patch.length === 0
      ? {}
      : { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") };
  return JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    response: { uid, allowed: isAllowed, ...rest, ...encoded },
  });
}

const REASONS: Readonly<Record<number, string>> = {
  400: "BadRequest",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  413: "RequestEntityTooLarge",
  415: "UnsupportedMediaType",
  429: "TooManyRequests",
};

/** Body of an answer to what is no review: a metav1.Status, whose message the API server hands on. */
export const encodeError = (code: number, message: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Status",
    status: "Failure",
    code,
    reason: REASONS[code] ?? "InternalError",
    message: `sluice: ${oneLine(message)}`,
  });
