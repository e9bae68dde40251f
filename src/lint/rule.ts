import type { Mend } from "../model/edit.ts";
import type { FieldPath } from "../model/field-path.ts";
import type { FindingScope, RelatedPlace, Severity } from "../model/finding.ts";
import type { Kind, Kinds } from "../model/kinds.ts";
import type { TextRange } from "../model/place.ts";
import type { Topology } from "../model/topology.ts";

/** What a rule says about one field of the object it was given. It never reports on another object. */
export type Report = {
  readonly path: FieldPath;
  /** What happens at run time, one sentence. */
  readonly message: string;
  /** How to mend this case; default: the rule's `fix`. */
  readonly hint?: string;
  /** Severity of this variant; default: the rule's. */
  readonly severity?: Severity;
  /** Default: the rule's scope. */
  readonly scope?: FindingScope;
  /** The stretch of the string at `path` that is at fault. */
  readonly range?: TextRange;
  /** Set when the key at `path` is at fault, not its value. */
  readonly at?: "key";
  /** Set when the stretch holds a credential: excerpts hide it. */
  readonly secret?: true;
  readonly related?: readonly RelatedPlace[];
  /** Only where there is one right way to mend it. */
  readonly mend?: Mend;
};

/** One finding that a bad example must give, no more and no fewer. */
export type ExpectedFinding = {
  readonly path: string;
  /** The text under the caret, when the report has a range. */
  readonly text?: string;
  /** Default: the rule's severity. */
  readonly severity?: Severity;
  /**
   * What the field at `path` reads once it is mended, JSON where it is no text. Other fields follow after their path, those
   * of other objects after kind, name and path; `- path` is one that goes. Absent: there is no mend.
   */
  readonly mended?: string;
};

/** YAML documents as a user would write them; the rule runs on every object among them that is of its kinds. */
export type BadExample = { readonly name: string; readonly yaml: string; readonly finds: readonly ExpectedFinding[] };
export type GoodExample = { readonly name: string; readonly yaml: string };

/**
 * One mistake that the linter knows. Its examples are its tests and its documentation page.
 * Severity and scope follow the rule's own text in the catalogue.
 */
export type Rule<K extends Kind = Kind> = {
  /** File name, documentation page and suppression key at once. Never renamed, never reused. */
  readonly id: string;
  /** The only kinds that it may report on. */
  readonly kinds: readonly K[];
  /** Other kinds that it looks up in the topology: without them in view it may be silent or report an absence. */
  readonly reads: readonly Kind[];
  readonly severity: Severity;
  /** The most that a finding weighs in the `default` profile, where the guides' own manifests must pass. */
  readonly relaxed?: Severity;
  readonly scope: FindingScope;
  /** What is wrong, one line without a full stop; at most 80 characters (admission warnings are cut at 120). */
  readonly title: string;
  /** Why it hurts, one or two sentences. */
  readonly why: string;
  /** What to do, imperative. */
  readonly fix: string;
  /** What proves it: documentation, source or an observed run. */
  readonly sources: readonly string[];
  readonly since: string;
  /** Pure. A method, so that a rule of one kind fits a list of rules of any kind. */
  check(object: Kinds[K], topology: Topology): readonly Report[];
  readonly bad: readonly BadExample[];
  readonly good: readonly GoodExample[];
};

/** Whether `sluice lint --fix` mends some of what a rule finds, by its examples. */
export const isMendable = ({ bad }: Rule): boolean =>
  bad.some(({ finds }) => finds.some(({ mended }) => mended !== undefined));

/** Keeps the kinds of a rule in its type. */
export const defineRule = <const K extends Kind>(rule: Rule<K>): Rule<K> => rule;
