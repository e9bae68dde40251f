import { isCollection, isScalar, isSeq, type Node } from "yaml";
import type { JsonValue } from "../../model/edit.ts";
import { columnOfSpot, type EditContext, writesJson } from "./edit-context.ts";
import type { Spot } from "./edit-target.ts";
import { putString, rewritten, type WrittenString } from "./replace-text.ts";
import { type Collection, indicatorEnd, isFlow, isWritten, nodeEnd } from "./source-tokens.ts";
import { columnOf, lineBreakAt, lineEnd, lineStart, type Splice } from "./splice.ts";
import { blockLines, flowText, inlineText, isInline } from "./write-value.ts";
import { rangeOf } from "./yaml-node.ts";

const startOf = (node: Node | null): number => rangeOf(node)?.start ?? 0;

const isBlockCollection = (node: Node | null): node is Collection => isCollection(node) && node.flow !== true;

/** Lines joined with the line breaks of their surroundings; the first follows what stands before it. */
function joined(lines: readonly string[], column: number, lineBreak: string, indentFirst: boolean): string {
  const indent = " ".repeat(column);
  return lines
    .map((line, index) => (line === "" || (index === 0 && !indentFirst) ? line : indent + line))
    .join(lineBreak);
}

/** The column that the lines of a spot's value stand at. */
function innerColumn({ text, layout }: EditContext, spot: Spot, value: JsonValue): number {
  const column = columnOfSpot(spot, text);
  if (isSeq(spot.parent)) return column + 2;
  return Array.isArray(value) && !layout.listsIndented ? column : column + layout.step;
}

/** A value that fits on the line of its key or dash, written as its surroundings are. */
function beside(context: EditContext, spot: Spot, value: JsonValue): WrittenString {
  const { node } = spot;
  const json = writesJson(context, spot.parent);
  if (typeof value === "string") {
    const flow = spot.flow || !context.layout.literals;
    const place = { flow, json, column: innerColumn(context, spot, value), depth: spot.depth };
    const before = isScalar(node) && typeof node.value === "string" && isWritten(node) ? node : undefined;
    return rewritten(value, before, place);
  }
  const flow = spot.flow || json || !isInline(value);
  const head = flow ? flowText(value, flowStyleAt(context, spot.parent, startOf(node))) : inlineText(value);
  return { head, body: [] };
}

/** How new text inside a flow collection is laid out: as what is there. */
export function flowStyleAt(context: EditContext, collection: Collection | undefined, offset: number) {
  const { text, layout } = context;
  const json = writesJson(context, collection);
  const range = rangeOf(collection ?? null);
  const inside = range === undefined ? "" : text.slice(range.start, Math.min(range.end, range.start + 2000));
  const compact = json && /":\S/.test(inside) && !/":\s/.test(inside);
  if (!json || !context.json || !inside.includes("\n")) return { json, compact };
  const start = lineStart(text, offset);
  const indent = /^[ \t]*/.exec(text.slice(start, offset))?.[0] ?? "";
  const step = Math.max(1, jsonStep(text) || layout.step);
  return { json, compact, lines: { indent, step, lineBreak: lineBreakAt(text, offset) } };
}

const jsonStep = (text: string): number => /^\s*[{[]\r?\n( +)/.exec(text)?.[1]?.length ?? 0;

/** In place of what is written, or after the colon or dash where nothing is. */
function putBeside({ text }: EditContext, spot: Spot, written: WrittenString): readonly Splice[] {
  const { node, depth } = spot;
  const { head, body } = written;
  const after = spot.item === undefined ? undefined : indicatorEnd(spot.item);
  if (node === null || !isWritten(node)) {
    const at = after ?? (spot.item?.key === undefined ? startOf(node) : keyEnd(spot));
    const colon = after === undefined && spot.item?.key !== undefined ? ":" : "";
    const line = body.length === 0 ? at : lineEnd(text, at);
    const under = body.map((each) => lineBreakAt(text, at) + each).join("");
    return [
      { start: at, end: at, text: `${colon} ${head}`, depth: depth + 1 },
      { start: line, end: line, text: under, depth },
    ];
  }
  const start = startOf(node);
  if (!isBlockCollection(node) || after === undefined || lineEnd(text, after) >= start) {
    return putString(text, node, written, depth);
  }
  const rest = lineEnd(text, after);
  const under = body.map((each) => lineBreakAt(text, after) + each).join("");
  return [
    { start: after, end: after, text: ` ${head}`, depth },
    { start: rest, end: lineEnd(text, nodeEnd(node)), text: under, depth },
  ];
}

const keyEnd = ({ item }: Spot): number => {
  const key = item?.key;
  return key === undefined || key === null ? 0 : key.offset + ("source" in key ? key.source.length : 0);
};

/** A map or list with lines of its own, under its key or beside its dash. */
function putBlock(context: EditContext, spot: Spot, value: JsonValue): readonly Splice[] {
  const { text, layout } = context;
  const { node, depth, item } = spot;
  const after = (item === undefined ? undefined : indicatorEnd(item)) ?? startOf(node);
  const lineBreak = lineBreakAt(text, after);
  const lines = blockLines(value, layout);
  const column = innerColumn(context, spot, value);
  const under = lineBreak + joined(lines, column, lineBreak, true);
  const rest = lineEnd(text, after);
  // After an anchor or a tag no block can start on the same line.
  const besideDash = isSeq(spot.parent) && columnOf(text, after) === columnOfSpot(spot, text) + 1;
  if (node === null || !isWritten(node)) {
    if (besideDash) {
      return [{ start: after, end: after, text: ` ${joined(lines, column, lineBreak, false)}`, depth }];
    }
    return [{ start: rest, end: rest, text: under, depth }];
  }
  const start = startOf(node);
  const end = isBlockCollection(node) ? lineEnd(text, nodeEnd(node)) : nodeEnd(node);
  const sameKind = isBlockCollection(node) && isSeq(node) === Array.isArray(value);
  if (besideDash || sameKind || (start > rest && !isBlockCollection(node))) {
    return [{ start, end, text: joined(lines, columnOf(text, start), lineBreak, false), depth }];
  }
  if (start > rest) return [{ start: rest, end, text: under, depth }];
  const line = lineEnd(text, end);
  return [
    { start: after, end, text: "", depth },
    { start: line, end: line, text: under, depth },
  ];
}

/** The splices that give a spot a new value. The document's own root has none. */
export function replaceValue(context: EditContext, spot: Spot, value: JsonValue): readonly Splice[] | undefined {
  const { node } = spot;
  if (spot.item === undefined || node?.tag?.startsWith("!") === true) return undefined;
  const keepsFlow = isFlow(node) && !isInlineNode(node);
  const inline = isInline(value) || spot.flow || context.json || keepsFlow;
  return inline ? putBeside(context, spot, beside(context, spot, value)) : putBlock(context, spot, value);
}

const isInlineNode = (node: Node | null): boolean => isCollection(node) && node.items.length === 0;
