import { type CST, isSeq } from "yaml";
import type { EditContext } from "./edit-context.ts";
import { anchorInUse, type Spot } from "./edit-target.ts";
import { replaceValue } from "./set-field.ts";
import {
  type Collection,
  closingBracket,
  isExplicit,
  isFlow,
  itemEnd,
  itemStart,
  itemTokens,
} from "./source-tokens.ts";
import { columnOf, isFirstOnLine, lineEnd, lineStart, nextLine, previousLineEnd, type Splice } from "./splice.ts";

type Extent = { readonly start: number; readonly end: number };

function extentOf(item: CST.CollectionItem | undefined): Extent | undefined {
  if (item === undefined || isExplicit(item)) return undefined;
  const start = itemStart(item);
  const end = itemEnd(item);
  return start === undefined || end === undefined ? undefined : { start, end };
}

/** Moves over comments that stand further in than the entry's own column: they are inside of it. */
function afterInnerComments(text: string, from: number, column: number): number {
  let to = from;
  for (let at = from; at < text.length; ) {
    const line = text.slice(at, lineEnd(text, at));
    const content = line.trimStart();
    if (content.startsWith("#") && line.length - content.length > column) to = nextLine(text, at);
    else if (content !== "") break;
    at = nextLine(text, at);
  }
  return to;
}

/** Whole lines; of a text that ends without a line break the one before them goes, so that it still has none. */
function wholeLines(text: string, { start, end }: Extent): Extent {
  const first = lineStart(text, start);
  const last = afterInnerComments(text, nextLine(text, end), columnOf(text, start));
  const open = last === text.length && text[last - 1] !== "\n";
  return open && first > 0 ? { start: previousLineEnd(text, first), end: last } : { start: first, end: last };
}

/** An entry that shares its line with a dash before it, as in `- name: a`. */
function besideDash(text: string, own: Extent, next: Extent | undefined): Extent {
  const line = nextLine(text, own.end);
  if (next !== undefined && lineStart(text, next.start) === line) return { start: own.start, end: next.start };
  return { start: own.start, end: lineEnd(text, own.end) };
}

/** An entry of a flow collection that others follow: it goes with its comma, and with its line if it has one. */
function flowExtent(text: string, own: Extent, next: Extent): Extent {
  const comma = text.indexOf(",", own.end);
  const after = comma === -1 || comma >= next.start ? own.end : comma + 1;
  if (next.start <= lineEnd(text, after)) return { start: own.start, end: next.start };
  return isFirstOnLine(text, own.start)
    ? { start: lineStart(text, own.start), end: nextLine(text, after) }
    : { start: own.start, end: after };
}

/** The last entries of a flow collection: they go with the comma before them. */
function flowTail(text: string, kept: Extent, gone: Extent, close: number): readonly Extent[] {
  const line = lineEnd(text, gone.end);
  const ownLines = isFirstOnLine(text, gone.start) && lineEnd(text, kept.end) < gone.start && line < close;
  const comma = text.indexOf(",", kept.end);
  if (!ownLines || comma === -1) return [{ start: kept.end, end: gone.end }];
  // A comma after the last entry stays valid where the entry before has one.
  const rest = text.slice(gone.end, line).includes(",") ? [] : [{ start: comma, end: comma + 1 }];
  return [...rest, { start: previousLineEnd(text, gone.start), end: line }];
}

const asSplice = (extent: Extent, depth: number): Splice => ({ ...extent, text: "", depth });

function removeFromFlow(text: string, extents: readonly Extent[], gone: ReadonlySet<number>, close: number) {
  const lastKept = extents.findLastIndex((_, position) => !gone.has(position));
  const inner = extents.flatMap((own, position) => {
    const next = extents[position + 1];
    return gone.has(position) && position < lastKept && next !== undefined ? [flowExtent(text, own, next)] : [];
  });
  const kept = extents[lastKept];
  const firstGone = extents[lastKept + 1];
  const lastGone = extents.at(-1);
  if (kept === undefined || firstGone === undefined || lastGone === undefined) return inner;
  return [...inner, ...flowTail(text, kept, { start: firstGone.start, end: lastGone.end }, close)];
}

/** The last of the entries that go one after the other from `position` on. */
function endOfRun(gone: ReadonlySet<number>, position: number): number {
  let last = position;
  while (gone.has(last + 1)) last++;
  return last;
}

function removeFromBlock(text: string, extents: readonly Extent[], gone: ReadonlySet<number>): readonly Extent[] {
  const stretches: Extent[] = [];
  for (let position = 0; position < extents.length; position++) {
    const own = extents[position];
    if (own === undefined || !gone.has(position)) continue;
    if (isFirstOnLine(text, own.start)) stretches.push(wholeLines(text, own));
    else {
      position = endOfRun(gone, position);
      stretches.push(besideDash(text, { ...own, end: extents[position]?.end ?? own.end }, extents[position + 1]));
    }
  }
  return stretches;
}

/**
 * The splices that take entries out of the map or list of a spot; one that becomes empty is written `{}` or `[]`.
 * A text when that cannot be done, why.
 */
export function removeEntries(
  context: EditContext,
  spot: Spot,
  positions: ReadonlySet<number>,
): readonly Splice[] | string {
  const collection = spot.node as Collection;
  const tokens = itemTokens(collection);
  const nodes = [...positions].map((position) => collection.items[position]);
  for (const node of nodes) {
    const used = anchorInUse(node as Spot["node"], context.tree);
    if (used !== undefined) return `it holds an anchor that is used elsewhere, at ${used}`;
  }
  if (positions.size === tokens.length) {
    return replaceValue(context, spot, isSeq(collection) ? [] : {}) ?? "nothing would be left of the document";
  }
  const extents = tokens.map(extentOf).filter((extent) => extent !== undefined);
  if (extents.length < tokens.length) return "it is written with `?` or stands in a list of pairs";
  const stretches = isFlow(collection)
    ? removeFromFlow(context.text, extents, positions, closingBracket(collection) ?? 0)
    : removeFromBlock(context.text, extents, positions);
  return stretches.map((extent) => asSplice(extent, spot.depth));
}
