import type { FieldEdit } from "./edit.ts";
import type { FieldPath } from "./field-path.ts";

const startsWith = (path: FieldPath, prefix: FieldPath): boolean =>
  prefix.length <= path.length && prefix.every((step, index) => path[index] === step);

/**
 * Whether two edits of one object get in each other's way: one's field is the other's, or lies inside it. Stretches of
 * one text do not when they are apart, and equal edits do not, as they are made once.
 */
export function editsConflict(a: FieldEdit, b: FieldEdit): boolean {
  if (!startsWith(a.path, b.path) && !startsWith(b.path, a.path)) return false;
  if (JSON.stringify(a) === JSON.stringify(b)) return false;
  if (a.op !== "replace-text" || b.op !== "replace-text" || a.path.length !== b.path.length) return true;
  const [first, second] = a.range.start <= b.range.start ? [a.range, b.range] : [b.range, a.range];
  return first.end > second.start || first.start === second.start;
}
