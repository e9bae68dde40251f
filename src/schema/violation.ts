import type { Mend } from "../model/edit.ts";
import type { FieldPath } from "../model/field-path.ts";

/** What kind of mistake it is. */
export type ViolationKind =
  | "unknown-field"
  | "wrong-type"
  | "not-listed"
  | "missing"
  | "too-long"
  | "too-many"
  | "invalid"
  | "repeated"
  | "rule"
  | "name"
  | "version";

/** One reason for which an API server refuses an object. */
export type Violation = {
  readonly kind: ViolationKind;
  readonly path: FieldPath;
  /** What is wrong, one sentence without a full stop. */
  readonly message: string;
  readonly hint: string;
  /** Set when the key is at fault. */
  readonly at?: "key";
  /** Only where there is one right way to mend it. */
  readonly mend?: Mend;
};

/**
 * After one of these an API server does not evaluate a definition's rules: they may rely on what is wrong.
 * SOURCE: apiextensions-apiserver, pkg/registry/customresource/strategy.go, hasBlockingErr.
 */
const BLOCKING: ReadonlySet<ViolationKind> = new Set(["wrong-type", "not-listed", "missing", "too-long", "too-many"]);

export const isBlocking = ({ kind }: Violation): boolean => BLOCKING.has(kind);

/** One line for each kind, at most 80 characters. */
export const TITLES: Readonly<Record<ViolationKind, string>> = {
  "unknown-field": "The API knows no such field",
  "wrong-type": "The value has a type that the API does not take",
  "not-listed": "The value is none of those that the API takes",
  missing: "A field that the API requires is missing",
  "too-long": "The value is longer than the API takes",
  "too-many": "There are more entries than the API takes",
  invalid: "The value has a form that the API does not take",
  repeated: "Two entries are the same where each must be another",
  rule: "The object breaks a rule of its API",
  name: "The API server takes no such name, label or annotation",
  version: "The cluster does not serve this version, kind or scope",
};

/** Where violations of one object go. Checks stop when there are too many of them. */
export type Violations = { readonly found: Violation[]; readonly limit: number };

/** One object shows at most this many; mending those usually mends more. */
export const MAX_VIOLATIONS = 50;

export function report({ found, limit }: Violations, violation: Violation): void {
  if (found.length < limit) found.push(violation);
}

/** A value as messages show it: short, strings in backquotes as they are written. */
export function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return `\`${text.length > 80 ? `${text.slice(0, 77)}…` : text}\``;
}

/** What a value is, in words. */
export const described = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "a list"
      : typeof value === "object"
        ? "a map"
        : typeof value === "boolean"
          ? `the boolean ${value}`
          : `the ${typeof value} ${shown(value)}`;
