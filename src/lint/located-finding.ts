import type { Finding, RelatedPlace } from "../model/finding.ts";
import type { ObjectRef } from "../model/object-ref.ts";
import type { Place } from "../model/place.ts";

/** Another place that takes part; without an object it is a place of the file's text. */
export type ShownRelated = Omit<RelatedPlace, "object"> & { readonly object?: ObjectRef };

/**
 * A finding as it is shown. Without `object` it is about the text of a file, whatever objects that holds: a duplicate
 * key, a tab. Its `path` is empty then.
 */
export type ShownFinding = Omit<Finding, "object" | "related"> & {
  readonly object?: ObjectRef;
  readonly related?: readonly ShownRelated[];
};

/** A finding and where it is written; `related` places stand in the order of the finding's own. */
export type LocatedFinding = {
  readonly finding: ShownFinding;
  readonly place?: Place;
  /** The file of a finding without an object, also where it has no place in it. */
  readonly file?: string;
  readonly related?: readonly (Place | undefined)[];
};

export type LintSummary = {
  readonly errors: number;
  readonly warnings: number;
  readonly objects: number;
  readonly files: number;
  /** Whether objects of a cluster were looked at. */
  readonly cluster?: boolean;
  /** Findings that a settings file accepts. */
  readonly ignored?: number;
  /** Findings that are not shown because they were there at the base. */
  readonly older?: number;
};
