import type { FieldEdit } from "../../model/edit.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { TextRange } from "../../model/place.ts";

/** New text for a stretch of a string. */
export type Replacement = TextRange & { readonly text: string };

/** The string with all replacements made; their ranges are those of the string as it is given, and do not overlap. */
export const replaced = (text: string, replacements: readonly Replacement[]): string =>
  replacements
    .toSorted((a, b) => b.start - a.start)
    .reduce((result, { start, end, text: by }) => result.slice(0, start) + by + result.slice(end), text);

/** The edits that make the replacements in the string at a path. */
export const replacing = (path: FieldPath, replacements: readonly Replacement[]): readonly FieldEdit[] =>
  replacements.map(({ start, end, text }) => ({ op: "replace-text", path, range: { start, end }, text }));

/** The one edit that makes the second string of the first, as short as can be. */
export function changing(path: FieldPath, before: string, after: string): FieldEdit {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before[start] === after[start]) start++;
  let same = 0;
  while (same < most - start && before.at(-1 - same) === after.at(-1 - same)) same++;
  const range = { start, end: before.length - same };
  return { op: "replace-text", path, range, text: after.slice(start, after.length - same) };
}

/** What may stand beside a condition without brackets: what binds less than it does. */
const LOOSE = ["(", ")", ",", "?", ":", "&&", "||"];

/** A condition as it must be written in place of a stretch of an expression: in brackets where an operator is next to it. */
export function conditionAt(condition: string, expression: string, { start, end }: TextRange): string {
  const before = expression.slice(0, start).trimEnd();
  const after = expression.slice(end).trimStart();
  const opens = before === "" || LOOSE.some((sign) => before.endsWith(sign));
  const closes = after === "" || LOOSE.some((sign) => after.startsWith(sign));
  return opens && closes ? condition : `(${condition})`;
}
