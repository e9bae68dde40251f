import { isDeepStrictEqual } from "node:util";
import { isCollection, isScalar } from "yaml";
import { applyEdits } from "../../model/apply-edits.ts";
import type { FieldEdit, JsonValue } from "../../model/edit.ts";
import { type FieldPath, formatPath, valueAt } from "../../model/field-path.ts";
import { fail, ok, type Result } from "../../model/result.ts";
import { appendEntries, type NewEntry } from "./append-entry.ts";
import { columnOfSpot, type EditContext, writesJson } from "./edit-context.ts";
import { anchorInUse, findTarget, type Spot } from "./edit-target.ts";
import type { SourceTree } from "./parse-yaml.ts";
import { removeEntries } from "./remove-entry.ts";
import { replaceText } from "./replace-text.ts";
import { replaceValue } from "./set-field.ts";
import type { Splice } from "./splice.ts";

type Planned = Result<readonly Splice[]>;

/** What is to be done to one map or list, collected from several edits. */
type Gathered<T> = { readonly spot: Spot; readonly path: FieldPath; readonly parts: T[] };

const keyOf = (path: FieldPath): string => JSON.stringify(path);

/** Adds a part to what is gathered at `path`. */
function gather<T>(
  into: Map<string, Gathered<T>>,
  at: { readonly spot: Spot; readonly path: FieldPath },
  part: T,
): void {
  const known = into.get(keyOf(at.path));
  if (known === undefined) into.set(keyOf(at.path), { ...at, parts: [part] });
  else known.parts.push(part);
}

const cannot = (path: FieldPath) => fail(`${formatPath(path)} is written in a way that cannot be changed in place`);

type TextEdit = Extract<FieldEdit, { op: "replace-text" }>;

function planText(context: EditContext, { spot, path, parts }: Gathered<TextEdit>, after: unknown): Planned {
  const { node } = spot;
  const value = valueAt(after, path);
  if (!isScalar(node) || typeof node.value !== "string" || typeof value !== "string") {
    return fail(`${formatPath(path)} is no text`);
  }
  const column = columnOfSpot(spot, context.text) + context.layout.step;
  const flow = spot.flow || !context.layout.literals;
  const place = { flow, json: writesJson(context, spot.parent), column, depth: spot.depth };
  return ok(replaceText(context.text, node, parts, value, place));
}

function planValue(context: EditContext, spot: Spot, path: FieldPath, value: JsonValue): Planned {
  const used = anchorInUse(spot.node, context.tree);
  if (used !== undefined) return fail(`${formatPath(path)} holds an anchor that is used elsewhere, at ${used}`);
  const splices = replaceValue(context, spot, value);
  return splices === undefined ? cannot(path) : ok(splices);
}

function planEntries(context: EditContext, gathered: Gathered<NewEntry>, after: unknown): Planned {
  const { spot, path, parts } = gathered;
  const filled = isCollection(spot.node) && spot.node.items.length > 0;
  if (!filled) return planValue(context, spot, path, valueAt(after, path) as JsonValue);
  const inOrder = parts.toSorted((a, b) => (typeof a.step === "number" ? a.step - Number(b.step) : 0));
  const splices = appendEntries(context, spot, inOrder);
  return splices === undefined ? cannot(path) : ok(splices);
}

/** Every splice, or the first problem of each plan. */
function together(plans: readonly Planned[]): Planned {
  const problems = plans.flatMap((plan) => (plan.ok ? [] : plan.problems));
  return problems.length > 0 ? fail(...problems) : ok(plans.flatMap((plan) => (plan.ok ? plan.value : [])));
}

type Writing = {
  readonly texts: Map<string, Gathered<TextEdit>>;
  readonly values: Map<string, Gathered<JsonValue>>;
  readonly entries: Map<string, Gathered<NewEntry>>;
};

/** Sorts one edit in; a problem when its field is written for several places. */
function sortIn(writing: Writing, document: SourceTree, edit: FieldEdit, after: unknown): readonly string[] {
  const found = findTarget(document.tree, [...document.path, ...edit.path]);
  if (!found.ok) return found.problems;
  const { spot, missing } = found.value;
  const path = edit.path.slice(0, edit.path.length - missing.length);
  const [step] = missing;
  if (edit.op === "replace-text") gather(writing.texts, { spot, path: edit.path }, edit);
  else if (step === undefined) {
    const value = valueAt(after, path);
    // However it is written: it says what is meant.
    if (!isDeepStrictEqual(value, valueAt(document.raw, path))) {
      gather(writing.values, { spot, path }, value as JsonValue);
    }
  } else {
    const part = { step, value: valueAt(after, [...path, step]) as JsonValue };
    const known = writing.entries.get(keyOf(path))?.parts.some((other) => other.step === step) === true;
    if (!known) gather(writing.entries, { spot, path }, part);
  }
  return [];
}

/** The splices of one object's `replace-text` and `set` edits. */
export function planWrites(context: EditContext, document: SourceTree, edits: readonly FieldEdit[]): Planned {
  const writes = edits.filter(({ op }) => op !== "remove");
  const after = writes.length === 0 ? document.raw : applyEdits(document.raw, writes);
  if (after === undefined) return fail("a field to be changed is not there, or is no text");
  const writing: Writing = { texts: new Map(), values: new Map(), entries: new Map() };
  const problems = writes.flatMap((edit) => sortIn(writing, document, edit, after));
  if (problems.length > 0) return fail(...problems);
  return together([
    ...[...writing.texts.values()].map((gathered) => planText(context, gathered, after)),
    ...[...writing.values.values()].map(({ spot, path, parts }) => planValue(context, spot, path, parts[0] ?? null)),
    ...[...writing.entries.values()].map((gathered) => planEntries(context, gathered, after)),
  ]);
}

/** The splices of one object's `remove` edits. */
export function planRemovals(context: EditContext, document: SourceTree, edits: readonly FieldEdit[]): Planned {
  const lists = new Map<string, Gathered<number>>();
  const problems = edits
    .filter(({ op }) => op === "remove")
    .flatMap(({ path }) => {
      const full = [...document.path, ...path];
      const own = findTarget(document.tree, full);
      const above = findTarget(document.tree, full.slice(0, -1));
      if (!own.ok) return own.problems;
      if (!above.ok) return above.problems;
      if (own.value.missing.length > 0) return [`${formatPath(path)} is not there to be removed`];
      gather(lists, { spot: above.value.spot, path: path.slice(0, -1) }, own.value.spot.position);
      return [];
    });
  if (problems.length > 0) return fail(...problems);
  return together(
    [...lists.values()].map(({ spot, path, parts }) => {
      const splices = removeEntries(context, spot, new Set(parts));
      return typeof splices === "string" ? fail(`${formatPath(path)}: ${splices}`) : ok(splices);
    }),
  );
}
