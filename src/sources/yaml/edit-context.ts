import { isCollection, isMap, isPair, isScalar, isSeq, type Node } from "yaml";
import type { Spot } from "./edit-target.ts";
import { type Collection, isFlow, itemStart, itemTokens } from "./source-tokens.ts";
import { columnOf } from "./splice.ts";
import type { LocatedTree } from "./yaml-locate.ts";
import { pairsOf } from "./yaml-node.ts";

/** How a text is laid out; new lines are written alike. */
export type Layout = {
  /** Columns that an inner map stands further in. */
  readonly step: number;
  /** Whether a list's dashes stand further in than the key above them. */
  readonly listsIndented: boolean;
  /** Whether texts of several lines may be written as block scalars: a comment after one would become part of it. */
  readonly literals: boolean;
};

/** One document that is edited. */
export type EditContext = {
  readonly tree: LocatedTree;
  readonly text: string;
  readonly layout: Layout;
  /** The whole text is JSON and has to stay so. */
  readonly json: boolean;
};

type Found = { step?: number; listsIndented?: boolean };

/** The column of a block collection's first entry. */
export function columnOfEntries(collection: Collection, text: string): number | undefined {
  const first = itemTokens(collection)[0];
  const start = first === undefined ? undefined : itemStart(first);
  return start === undefined ? undefined : columnOf(text, start);
}

function look(node: Collection, text: string, found: Found): readonly (Node | null)[] {
  if (!isMap(node)) return (node.items as (Node | null)[]).filter((item) => !isPair(item));
  const values = pairsOf(node).map(({ value }) => value);
  const column = isFlow(node) ? undefined : columnOfEntries(node, text);
  for (const value of values) {
    if (column === undefined || !isCollection(value) || isFlow(value)) continue;
    const inner = columnOfEntries(value as Collection, text);
    if (inner === undefined) continue;
    if (isSeq(value)) found.listsIndented ??= inner > column;
    else found.step ??= inner - column;
  }
  return values;
}

/** The indentation that a document uses first; two columns, and dashes two further in, where it shows none. */
export function layoutOf(root: Node, text: string, literals: boolean): Layout {
  const found: Found = {};
  const queue: (Node | null)[] = [root];
  for (let next = 0; next < queue.length; next++) {
    const node = queue[next] ?? null;
    if (isCollection(node)) for (const inner of look(node as Collection, text, found)) queue.push(inner);
    if (found.step !== undefined && found.listsIndented !== undefined) break;
  }
  return { step: Math.max(1, found.step ?? 2), listsIndented: found.listsIndented ?? true, literals };
}

/** Whether a text is JSON as a whole. */
export function isJson(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a flow collection is written as JSON would be: by its first key, or else its first item. */
function looksLikeJson(collection: Collection | undefined): boolean {
  if (!isFlow(collection ?? null)) return false;
  const first = isMap(collection) ? pairsOf(collection)[0]?.key : collection?.items[0];
  return isScalar(first) && first.type === "QUOTE_DOUBLE";
}

/** Whether new text inside `collection`, or in the entry of a spot, is to be written as JSON. */
export const writesJson = (context: EditContext, collection: Collection | undefined): boolean =>
  context.json || looksLikeJson(collection);

/** The column that an entry's key or dash stands at. */
export function columnOfSpot({ item }: Spot, text: string): number {
  const start = item === undefined ? undefined : itemStart(item);
  return start === undefined ? 0 : columnOf(text, start);
}
