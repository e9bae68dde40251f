import type { JsonValue } from "../../model/edit.ts";
import { columnOfEntries, type EditContext } from "./edit-context.ts";
import type { Spot } from "./edit-target.ts";
import { flowStyleAt } from "./set-field.ts";
import { type Collection, closingBracket, isFlow, itemEnd, itemStart, itemTokens, nodeEnd } from "./source-tokens.ts";
import { isFirstOnLine, lineBreakAt, lineEnd, lineStart, type Splice } from "./splice.ts";
import { flowEntry, flowText, listItemLines, mapEntryLines } from "./write-value.ts";

/** A new entry: a key of a map, or the next position of a list. */
export type NewEntry = { readonly step: string | number; readonly value: JsonValue };

/** New lines after the last of a block collection, before the comments that follow it. */
function appendLines(context: EditContext, collection: Collection, entries: readonly NewEntry[], depth: number) {
  const { text, layout } = context;
  const at = lineEnd(text, nodeEnd(collection));
  const lineBreak = lineBreakAt(text, lineStart(text, at));
  const indent = " ".repeat(columnOfEntries(collection, text) ?? 0);
  const lines = entries.flatMap(({ step, value }) =>
    typeof step === "number" ? listItemLines(value, layout) : mapEntryLines(step, value, layout),
  );
  const added = lines.map((line) => lineBreak + (line === "" ? "" : indent + line)).join("");
  return [{ start: at, end: at, text: added, depth }];
}

/** The end of the comma after a flow collection's last entry, if there is one; comments are passed over. */
function trailingComma(text: string, from: number, to: number): number | undefined {
  for (let at = from; at < to; at++) {
    if (text[at] === ",") return at + 1;
    if (text[at] === "#") at = lineEnd(text, at);
  }
  return undefined;
}

/** New entries after the last of a flow collection that has some: on lines of their own where the last one is. */
function appendInBrackets(context: EditContext, collection: Collection, entries: readonly NewEntry[], depth: number) {
  const { text } = context;
  const last = itemTokens(collection).at(-1);
  const start = last === undefined ? undefined : itemStart(last);
  const end = last === undefined ? undefined : itemEnd(last);
  const close = closingBracket(collection);
  if (start === undefined || end === undefined || close === undefined) return undefined;
  const style = flowStyleAt(context, collection, start);
  const written = entries.map(({ step, value }) =>
    typeof step === "number" ? flowText(value, style) : flowEntry(step, value, style),
  );
  const comma = trailingComma(text, end, close);
  const ownLines = isFirstOnLine(text, start) && start > (collection.range?.[0] ?? 0);
  const indent = text.slice(lineStart(text, start), start);
  const gap = ownLines ? lineBreakAt(text, lineStart(text, start)) + indent : style.compact ? "" : " ";
  const added = gap + written.join(`,${gap}`) + (comma === undefined ? "" : ",");
  const line = lineEnd(text, comma ?? end);
  const at = ownLines && line < close ? line : (comma ?? end);
  const separator: readonly Splice[] = comma === undefined ? [{ start: end, end, text: ",", depth: depth + 1 }] : [];
  return [...separator, { start: at, end: at, text: added, depth }];
}

/** The splices that add entries at the end of a map or list that has some already. */
export function appendEntries(
  context: EditContext,
  spot: Spot,
  entries: readonly NewEntry[],
): readonly Splice[] | undefined {
  const collection = spot.node as Collection;
  const depth = spot.depth;
  return isFlow(collection)
    ? appendInBrackets(context, collection, entries, depth)
    : appendLines(context, collection, entries, depth);
}
