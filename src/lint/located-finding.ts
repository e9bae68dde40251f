import type { Finding } from "../model/finding.ts";
import type { Place } from "../model/place.ts";

/** A finding and where it is written; `related` places stand in the order of the finding's own. */
export type LocatedFinding = {
  readonly finding: Finding;
  readonly place?: Place;
  readonly related?: readonly (Place | undefined)[];
};

export type LintSummary = {
  readonly errors: number;
  readonly warnings: number;
  readonly objects: number;
  readonly files: number;
};
