import { isDeepStrictEqual } from "node:util";
import type { Node } from "yaml";
import { applyEdits } from "../../model/apply-edits.ts";
import { decodeObject } from "../../model/decode.ts";
import type { FieldEdit } from "../../model/edit.ts";
import type { Result } from "../../model/result.ts";
import { type EditContext, isJson, layoutOf } from "./edit-context.ts";
import { type ParsedTrees, parseYamlTrees, type SourceTree, type YamlInput } from "./parse-yaml.ts";
import { planRemovals, planWrites } from "./plan-edits.ts";
import { applySplices, type Splice } from "./splice.ts";

/** Edits of one object of a text that are made together; `index` is its position among the text's objects, from 0. */
export type ObjectChange = {
  readonly index: number;
  readonly edits: readonly FieldEdit[];
  /** The object that the edits were made for; another one there now is left alone. */
  readonly raw: unknown;
};

/** A change that cannot be written, and why: a part of a sentence. */
export type RefusedChange = {
  readonly change: ObjectChange;
  readonly reason: string;
  /** Whether it would be refused alone too; otherwise it may be another one's fault. */
  readonly certain: boolean;
};

export type EditedYaml = { readonly text: string } | { readonly refused: readonly RefusedChange[] };

type Parsed = {
  readonly trees: ParsedTrees;
  readonly text: string;
  readonly contextOf: (document: SourceTree) => EditContext;
};

function parse(input: YamlInput, { json, literals }: Manner): Parsed {
  const trees = parseYamlTrees(input, { keepSourceTokens: true });
  const text = input.text.startsWith("\ufeff") ? input.text.slice(1) : input.text;
  const contexts = new Map<Node, EditContext>();
  const contextOf = ({ tree }: SourceTree): EditContext => {
    const known = contexts.get(tree.root);
    if (known !== undefined) return known;
    const made = { tree, text, json, layout: layoutOf(tree.root, text, literals) };
    contexts.set(tree.root, made);
    return made;
  };
  return { trees, text, contextOf };
}

const NOT_EXACT = "the text could not be changed so that it says exactly what is meant";
const CHANGED = "the file has changed meanwhile";

type Plan = (context: EditContext, document: SourceTree, edits: readonly FieldEdit[]) => Result<readonly Splice[]>;

/** Changes by the object that they are of. */
function byObject(changes: readonly ObjectChange[]): ReadonlyMap<number, readonly ObjectChange[]> {
  const grouped = new Map<number, ObjectChange[]>();
  for (const change of changes) {
    const known = grouped.get(change.index);
    if (known === undefined) grouped.set(change.index, [change]);
    else known.push(change);
  }
  return grouped;
}

/** Changes may share an edit; it is made once, as `applyEdits` does it. */
const distinct = (edits: readonly FieldEdit[]): readonly FieldEdit[] => [
  ...new Map(edits.map((edit) => [JSON.stringify(edit), edit])).values(),
];

/** Plans the changes of one object together; when that fails, each alone tells which of them are at fault. */
function planObject(parsed: Parsed, document: SourceTree, changes: readonly ObjectChange[], plan: Plan) {
  const context = parsed.contextOf(document);
  const edits = distinct(changes.flatMap((change) => change.edits));
  const planned = plan(context, document, edits);
  if (planned.ok) return { splices: planned.value, refused: [] };
  const alone = changes.flatMap((change) => {
    const own = plan(context, document, change.edits);
    return own.ok ? [] : [{ change, reason: own.problems.join("; "), certain: true }];
  });
  const reason = planned.problems.join("; ");
  const all = changes.map((change) => ({ change, reason, certain: changes.length === 1 }));
  return { splices: [], refused: alone.length > 0 ? alone : all };
}

/** One pass over a text: what all its changes do to it. */
function pass(parsed: Parsed, changes: readonly ObjectChange[], plan: Plan): EditedYaml {
  const splices: Splice[] = [];
  const refused: RefusedChange[] = [];
  for (const [index, own] of byObject(changes)) {
    const document = parsed.trees.documents[index];
    if (document === undefined) {
      refused.push(...own.map((change) => ({ change, reason: CHANGED, certain: true })));
      continue;
    }
    const planned = planObject(parsed, document, own, plan);
    splices.push(...planned.splices);
    refused.push(...planned.refused);
  }
  if (refused.length > 0) return { refused };
  const text = applySplices(parsed.text, splices);
  return text === undefined ? refuseAll(changes) : { text };
}

const refuseAll = (changes: readonly ObjectChange[]): EditedYaml => ({
  refused: changes.map((change) => ({ change, reason: NOT_EXACT, certain: changes.length === 1 })),
});

/** Whether a document is what was judged, which leaves out what a Secret keeps to itself. */
function isStill(written: unknown, judged: unknown): boolean {
  const outcome = decodeObject(written);
  return isDeepStrictEqual(outcome.status === "decoded" ? outcome.decoded.raw : written, judged);
}

/** Whether the new text holds exactly what was meant, and nothing else has become different. */
function verify(before: ParsedTrees, text: string, file: string, changes: readonly ObjectChange[]): EditedYaml {
  const after = parseYamlTrees({ text, file }, { keepSourceTokens: false });
  const sameCount = after.documents.length === before.documents.length;
  if (!sameCount || after.problems.length > before.problems.length) return refuseAll(changes);
  const grouped = byObject(changes);
  const wrong = before.documents.flatMap(({ raw }, index) => {
    const own = grouped.get(index) ?? [];
    const edits = own.flatMap((change) => change.edits);
    const meant = edits.length === 0 ? raw : applyEdits(raw, edits);
    return meant !== undefined && isDeepStrictEqual(after.documents[index]?.raw, meant) ? [] : [own];
  });
  if (wrong.length === 0) return { text };
  const changed = wrong.flat();
  return refuseAll(changed.length > 0 ? changed : changes);
}

/** How a text is edited: as JSON, and whether texts may become block scalars. */
type Manner = { readonly json: boolean; readonly literals: boolean };

function attempt(input: YamlInput, changes: readonly ObjectChange[], manner: Manner): EditedYaml {
  const parsed = parse(input, manner);
  const stale = changes.filter(({ index, raw }) => !isStill(parsed.trees.documents[index]?.raw, raw));
  if (stale.length > 0) return { refused: stale.map((change) => ({ change, reason: CHANGED, certain: true })) };
  const written = pass(parsed, changes, planWrites);
  if ("refused" in written) return written;
  const removing = changes.some(({ edits }) => edits.some(({ op }) => op === "remove"));
  const again = removing ? parse({ text: written.text, file: input.file }, manner) : undefined;
  const edited = again === undefined ? written : pass(again, changes, planRemovals);
  if ("refused" in edited) return edited;
  if (manner.json && !isJson(edited.text)) return refuseAll(changes);
  return verify(parsed.trees, edited.text, input.file, changes);
}

const isInexact = (edited: EditedYaml): boolean =>
  "refused" in edited && edited.refused.some(({ reason }) => reason === NOT_EXACT);

/**
 * Makes changes in a text of YAML or JSON by splices: every character outside of the changed fields stays. All are
 * made or none; then those that are at fault are told with the reason. The changes of one object must not conflict
 * (`editsConflict`). The new text is read again, and given only when it holds exactly what the edits mean.
 */
export function editYaml(input: YamlInput, changes: readonly ObjectChange[]): EditedYaml {
  const mark = input.text.startsWith("\ufeff") ? "\ufeff" : "";
  const json = isJson(input.text.slice(mark.length));
  const first = attempt(input, changes, { json, literals: true });
  const edited = isInexact(first) ? attempt(input, changes, { json, literals: false }) : first;
  return "text" in edited ? { text: mark + edited.text } : edited;
}
