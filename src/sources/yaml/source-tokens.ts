import { type CST, isCollection, type Node, type YAMLMap, type YAMLSeq } from "yaml";
import { pairsOf, rangeOf } from "./yaml-node.ts";

/** A map or list of the tree. */
export type Collection = YAMLMap | YAMLSeq;

/** Tokens between the contents; a comma belongs to the gap before its item. */
const GAPS: ReadonlySet<string> = new Set(["space", "newline", "comment", "comma"]);

const significant = (tokens: readonly CST.SourceToken[] | undefined): readonly CST.SourceToken[] =>
  (tokens ?? []).filter(({ type }) => !GAPS.has(type));

const endOf = (token: CST.SourceToken): number => token.offset + token.source.length;

const lastEnd = (tokens: readonly CST.SourceToken[] | undefined): number | undefined => {
  const last = significant(tokens).at(-1);
  return last === undefined ? undefined : endOf(last);
};

/** Blank lines at the end of a block scalar; those with many blanks may be content and stay. */
const BLANK_TAIL = /(?:\r?\n *)*$/;

/** The end of a block scalar's last line that counts, before its line break. */
function blockScalarEnd(token: CST.BlockScalar): number {
  const props = token.props.filter((prop): prop is CST.SourceToken => "source" in prop);
  const header = props.find(({ type }) => type === "block-scalar-header");
  const lastProp = props.at(-1);
  const start = lastProp === undefined ? token.offset : endOf(lastProp);
  const kept = header?.source.includes("+") === true;
  const body = kept ? token.source.replace(/\r?\n$/, "") : token.source.replace(BLANK_TAIL, "");
  if (!/[^ \r\n]/.test(body) && !kept) return header === undefined ? start : endOf(header);
  return start + body.length;
}

/** Where the last visible character of a value ends; comments and line breaks after it are left out. */
export function tokenEnd(token: CST.Token | null | undefined): number | undefined {
  switch (token?.type) {
    case "alias":
    case "scalar":
    case "single-quoted-scalar":
    case "double-quoted-scalar":
      return token.source === "" ? undefined : token.offset + token.source.length;
    case "block-scalar":
      return blockScalarEnd(token);
    case "block-map":
    case "block-seq":
      return lastItemEnd(token.items);
    case "flow-collection":
      return lastEnd(token.end.filter((each): each is CST.SourceToken => each.type.startsWith("flow-")));
    default:
      return undefined;
  }
}

function lastItemEnd(items: readonly CST.CollectionItem[]): number | undefined {
  for (const item of items.toReversed()) {
    const end = itemEnd(item);
    if (end !== undefined) return end;
  }
  return undefined;
}

/** Where an entry of a map or list ends. Undefined for one that holds comments only. */
export const itemEnd = ({ start, key, sep, value }: CST.CollectionItem): number | undefined =>
  tokenEnd(value) ?? lastEnd(sep) ?? tokenEnd(key) ?? lastEnd(start);

/** Where an entry starts: its dash, `?`, anchor or key. */
export const itemStart = ({ start, key, sep, value }: CST.CollectionItem): number | undefined =>
  significant(start)[0]?.offset ?? key?.offset ?? significant(sep)[0]?.offset ?? value?.offset;

/** Where what stands before an entry's value ends: its colon or dash, and its anchor or tag. */
export function indicatorEnd({ start, sep, key }: CST.CollectionItem): number | undefined {
  if (sep !== undefined) return lastEnd(sep);
  const isItem = key === undefined || key === null;
  return isItem ? lastEnd(start) : undefined;
}

/** Whether an entry is a key written with `?`. */
export const isExplicit = ({ start }: CST.CollectionItem): boolean =>
  start.some(({ type }) => type === "explicit-key-ind");

export const isFlow = (node: Node | null): boolean => isCollection(node) && node.flow === true;

/** The tokens of each entry, in the order of the tree's own. */
export function itemTokens(collection: Collection): readonly (CST.CollectionItem | undefined)[] {
  if ("items" in collection && collection.items.length === 0) return [];
  const first = collection.items[0];
  if (first !== null && typeof first === "object" && "key" in first) {
    return pairsOf(collection as YAMLMap).map(({ srcToken }) => srcToken);
  }
  const token = collection.srcToken as CST.BlockSequence | CST.FlowCollection | undefined;
  return collection.items.map((_, index) => token?.items[index]);
}

/** Where the bracket that closes a flow collection stands. */
export function closingBracket(collection: Collection): number | undefined {
  const end = tokenEnd(collection.srcToken as CST.Token | undefined);
  return end === undefined ? undefined : end - 1;
}

/** Whether a value is written at all: `key:` has none. */
export function isWritten(node: Node | null): boolean {
  const range = rangeOf(node);
  return range !== undefined && range.end > range.start;
}

/** Where a node's visible text ends. */
export function nodeEnd(node: Node): number {
  const range = rangeOf(node);
  return tokenEnd(node.srcToken as CST.Token | undefined) ?? range?.end ?? 0;
}
