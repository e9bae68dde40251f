import type { FieldEdit } from "./edit.ts";
import { type FieldPath, formatPath, valueAt } from "./field-path.ts";

type Container = { [key: string]: unknown } | unknown[];
type TextEdit = Extract<FieldEdit, { readonly op: "replace-text" }>;
type SetEdit = Extract<FieldEdit, { readonly op: "set" }>;

const isContainer = (value: unknown): value is Container => typeof value === "object" && value !== null;

/**
 * The JSON of an object with all edits made, none of which is seen by another: their paths and ranges are those of the
 * object as it is given. An edit that is there twice is made once. Undefined when one does not fit: no text or no field
 * at its path, a range beyond the text or across another one, or a way that leads through a text or past a list's end.
 * The object that is given is not changed.
 */
export function applyEdits(root: unknown, edits: readonly FieldEdit[]): unknown {
  const different = [...new Map(edits.map((edit) => [JSON.stringify(edit), edit])).values()];
  const copy = structuredClone(root);
  const texts = Map.groupBy(
    different.filter((edit) => edit.op === "replace-text"),
    ({ path }) => formatPath(path),
  );
  const fits =
    [...texts.values()].every((same) => replaceTexts(copy, same)) &&
    different.filter((edit) => edit.op === "set").every((edit) => setField(copy, edit)) &&
    different
      .filter((edit) => edit.op === "remove")
      .toSorted((a, b) => compareFromTheEnd(a.path, b.path))
      .every(({ path }) => removeField(copy, path));
  return fits ? copy : undefined;
}

/** Later items of a list first, so that the positions of the others stay what they are. */
function compareFromTheEnd(a: FieldPath, b: FieldPath): number {
  const position = a.findIndex((step, index) => step !== b[index]);
  const [own, other] = [a[position], b[position]];
  return typeof own === "number" && typeof other === "number" ? other - own : 0;
}

function replaceTexts(root: unknown, edits: readonly TextEdit[]): boolean {
  const path = edits[0]?.path ?? [];
  const text = valueAt(root, path);
  const parent = valueAt(root, path.slice(0, -1));
  if (typeof text !== "string" || !isContainer(parent)) return false;
  const ordered = edits.toSorted((a, b) => a.range.start - b.range.start);
  let result = "";
  let from = 0;
  for (const { range, text: replacement } of ordered) {
    if (range.start < from || range.end < range.start || range.end > text.length) return false;
    result += text.slice(from, range.start) + replacement;
    from = range.end;
  }
  return write(parent, path.at(-1), result + text.slice(from));
}

function setField(root: unknown, { path, value }: SetEdit): boolean {
  let parent = root;
  for (const [index, step] of path.slice(0, -1).entries()) {
    if (!isContainer(parent)) return false;
    const made = typeof path[index + 1] === "number" ? [] : {};
    // A key without a value reads as null.
    if ((valueAt(parent, [step]) ?? null) === null && !write(parent, step, made)) return false;
    parent = valueAt(parent, [step]);
  }
  return isContainer(parent) && write(parent, path.at(-1), structuredClone(value));
}

function write(parent: Container, step: string | number | undefined, value: unknown): boolean {
  if (Array.isArray(parent)) {
    if (typeof step !== "number" || step < 0 || step > parent.length) return false;
    parent[step] = value;
    return true;
  }
  if (typeof step !== "string" || step === "__proto__") return false;
  parent[step] = value;
  return true;
}

function removeField(root: unknown, path: FieldPath): boolean {
  const parent = valueAt(root, path.slice(0, -1));
  const step = path.at(-1);
  if (step === undefined || !isContainer(parent) || !Object.hasOwn(parent, step)) return false;
  if (Array.isArray(parent)) parent.splice(Number(step), 1);
  else delete parent[String(step)];
  return true;
}
