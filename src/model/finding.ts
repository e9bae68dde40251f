import type { Mend } from "./edit.ts";
import type { FieldPath } from "./field-path.ts";
import type { ObjectRef } from "./object-ref.ts";
import type { TextRange } from "./place.ts";

export type Severity = "error" | "warning" | "info";

/**
 * What a finding needs to be true. `object`: the object alone proves it. `conflict`: two objects that are both
 * present cannot work together. `absence`: something needed was not seen, which apply order may still mend.
 */
export type FindingScope = "object" | "conflict" | "absence";

/** Another object that takes part in a finding: "the AuthPolicy is here". */
export type RelatedPlace = { readonly object: ObjectRef; readonly path: FieldPath; readonly message: string };

/** One mistake in one object. `message` says what happens at run time, `hint` how to mend it. */
export type Finding = {
  readonly rule: string;
  readonly severity: Severity;
  readonly scope: FindingScope;
  readonly title: string;
  readonly message: string;
  readonly hint: string;
  readonly object: ObjectRef;
  readonly path: FieldPath;
  /** The stretch of the string at `path` that is at fault; without it the whole field is. */
  readonly range?: TextRange;
  /** Set when the key is at fault, not its value. */
  readonly at?: "key";
  /** Set when the stretch holds a credential: excerpts hide it, of this finding and of others on its lines. */
  readonly secret?: true;
  readonly related?: readonly RelatedPlace[];
  /** How `sluice lint --fix` mends it; absent where that is for a person to decide. */
  readonly mend?: Mend;
};

const RANK: Record<Severity, number> = { error: 0, warning: 1, info: 2 };

/** Orders severities from the worst down. */
export const compareSeverity = (a: Severity, b: Severity): number => RANK[a] - RANK[b];
