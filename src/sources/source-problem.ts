import type { FieldPath } from "../model/field-path.ts";
import type { ObjectRef } from "../model/object-ref.ts";
import type { Place } from "../model/place.ts";
import type { ProblemRule } from "./problem-rule.ts";

/**
 * Something in an input that the reader should know of. `error`: a document or file could not be used.
 * `warning`: it was used, but perhaps not as its author meant.
 */
export type SourceProblem = {
  readonly severity: "error" | "warning";
  readonly rule: ProblemRule;
  /** What is wrong, without the place; starts in lower case. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
  /** The file's path as it was given or found, or the name of the stream. */
  readonly file: string;
  /** Absent when the file as a whole is meant. */
  readonly place?: Place;
  /** The field at fault, where the problem is one of an object that was read nevertheless. */
  readonly field?: { readonly object: ObjectRef; readonly path: FieldPath };
  /** Another place that takes part, such as the first of two equal keys. */
  readonly related?: { readonly place: Place; readonly message: string };
};

/** `file:line:column`, or the bare file when the problem is the file itself. */
export const formatPlace = (place: Pick<Place, "file" | "line" | "column">): string =>
  `${place.file}:${place.line}:${place.column}`;

/** One problem as one line of text: place, severity, message, the other place, hint. */
export function formatProblem(problem: SourceProblem): string {
  const where = problem.place === undefined ? problem.file : formatPlace(problem.place);
  const related =
    problem.related === undefined ? "" : ` (${problem.related.message}: ${formatPlace(problem.related.place)})`;
  return `${where}: ${problem.severity}: ${problem.message}${related}; ${problem.hint}`;
}
