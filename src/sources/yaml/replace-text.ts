import { isScalar, type Node, type Scalar } from "yaml";
import type { TextRange } from "../../model/place.ts";
import { blockSource } from "./block-scalar-source.ts";
import { doubleQuotedSource, plainSource, singleQuotedSource } from "./flow-scalar-source.ts";
import type { ScalarSource } from "./scalar-source.ts";
import { nodeEnd } from "./source-tokens.ts";
import { applySplices, columnOf, lineBreakAt, lineEnd, type Splice } from "./splice.ts";
import {
  canBePlain,
  canBeSingleQuoted,
  doubleQuoted,
  doubleQuotedInside,
  literalLines,
  singleQuoted,
  writeString,
} from "./write-scalar.ts";
import { scalarSource } from "./yaml-locate.ts";
import { rangeOf } from "./yaml-node.ts";

/** New text for a stretch of a string's value. */
export type TextChange = { readonly range: TextRange; readonly text: string };

/** Where a scalar stands: how new quotes are chosen, and the column of the lines of a block scalar. */
export type ScalarPlace = {
  readonly flow: boolean;
  readonly json: boolean;
  readonly column: number;
  readonly depth: number;
};

const isBlockStyle = (scalar: Scalar): boolean => scalar.type === "BLOCK_LITERAL" || scalar.type === "BLOCK_FOLDED";

/** The value of a scalar's own text. */
function reread(written: string, scalar: Scalar, value: string): string | undefined {
  switch (scalar.type) {
    case "QUOTE_DOUBLE":
      return doubleQuotedSource(written, 0, written.length).value;
    case "QUOTE_SINGLE":
      return singleQuotedSource(written, 0, written.length).value;
    case "BLOCK_LITERAL":
    case "BLOCK_FOLDED":
      return blockSource(written, 0, written.length, value)?.value;
    default:
      return plainSource(written, 0, written.length).value;
  }
}

/** The column that a block scalar's content stands at, by its first line. */
function contentColumn(text: string, source: ScalarSource): number | undefined {
  for (let unit = 0; unit < source.value.length; unit++) {
    const startsLine = unit === 0 || source.value[unit - 1] === "\n";
    const start = source.starts[unit];
    if (startsLine && source.value[unit] !== "\n" && start !== undefined) return columnOf(text, start);
  }
  return undefined;
}

/** New text as the scalar's style writes it; undefined when the style cannot hold it. */
function escaped(added: string, scalar: Scalar, text: string, source: ScalarSource): string | undefined {
  if (scalar.type === "QUOTE_DOUBLE") return doubleQuotedInside(added);
  if (scalar.type === "QUOTE_SINGLE") return canBeSingleQuoted(added) ? added.replaceAll("'", "''") : undefined;
  if (!added.includes("\n")) return canBeSingleQuoted(added.replaceAll("\t", "")) ? added : undefined;
  const column = scalar.type === "BLOCK_LITERAL" ? contentColumn(text, source) : undefined;
  if (column === undefined || literalLines(`x${added}x`) === undefined) return undefined;
  const lineBreak = lineBreakAt(text, rangeOf(scalar)?.start ?? 0);
  return added.replaceAll(/\n(?!\n)/g, `\n${" ".repeat(column)}`).replaceAll("\n", lineBreak);
}

/** Whether every line under a block scalar's header that is not blank stands at its column or further in. */
const isIndented = (written: string, column: number): boolean =>
  written
    .split("\n")
    .slice(1)
    .every((line) => line.trim() === "" || line.startsWith(" ".repeat(column)));

/** Only the stretches that change; undefined when the scalar would then not read as `value`. */
function inPlace(text: string, scalar: Scalar, changes: readonly TextChange[], value: string, place: ScalarPlace) {
  const source = scalarSource(text, scalar);
  const range = rangeOf(scalar);
  if (source === undefined || range === undefined || source.value !== scalar.value || source.value === "") {
    return undefined;
  }
  const splices: Splice[] = [];
  for (const { range: stretch, text: added } of changes) {
    const start = source.starts[stretch.start] ?? source.ends[source.value.length - 1] ?? 0;
    const end = stretch.end > stretch.start ? (source.ends[stretch.end - 1] ?? start) : start;
    const written = escaped(added, scalar, text, source);
    if (written === undefined) return undefined;
    splices.push({ start, end, text: written, depth: place.depth });
  }
  const moved = splices.map((splice) => ({
    ...splice,
    start: splice.start - range.start,
    end: splice.end - range.start,
  }));
  const written = applySplices(text.slice(range.start, range.end), moved);
  if (written === undefined || reread(written, scalar, value) !== value) return undefined;
  if (isBlockStyle(scalar) && !isIndented(written, contentColumn(text, source) ?? 0)) return undefined;
  const quoted = scalar.type?.startsWith("QUOTE") === true || isBlockStyle(scalar);
  return quoted || canBePlain(value, place.flow, written.includes("\n")) ? splices : undefined;
}

/** A string written anew: what stands beside its key or dash, and the lines under it, indented. */
export type WrittenString = { readonly head: string; readonly body: readonly string[] };

const oneLine = (head: string): WrittenString => ({ head, body: [] });

/** A string in the style of the scalar that it replaces, or in the nearest that can hold it. */
export function rewritten(value: string, scalar: Scalar | undefined, place: ScalarPlace): WrittenString {
  if (place.json || scalar?.type === "QUOTE_DOUBLE") return oneLine(doubleQuoted(value));
  if (scalar?.type === "QUOTE_SINGLE") {
    return oneLine(canBeSingleQuoted(value) ? singleQuoted(value) : doubleQuoted(value));
  }
  const isBlock = scalar !== undefined && isBlockStyle(scalar);
  const literal = place.flow ? undefined : literalLines(value, isBlock);
  if (literal === undefined) return oneLine(writeString(value, place));
  const [head = "", ...body] = literal;
  const indent = " ".repeat(place.column);
  // One line reads the same when it is folded.
  const keepsFolded = scalar?.type === "BLOCK_FOLDED" && body.length === 1;
  return {
    head: keepsFolded ? head.replace("|", ">") : head,
    body: body.map((line) => (line === "" ? line : indent + line)),
  };
}

const BLOCK_HEADER = /[|>][-+0-9]*/y;

/** The splices that put a string in the place of a written value; comments on the line of its key stay there. */
export function putString(text: string, node: Node, { head, body }: WrittenString, depth: number): readonly Splice[] {
  const start = rangeOf(node)?.start ?? 0;
  const end = nodeEnd(node);
  const lineBreak = lineBreakAt(text, start);
  const under = body.map((line) => lineBreak + line).join("");
  if (isScalar(node) && isBlockStyle(node)) {
    BLOCK_HEADER.lastIndex = start;
    const header = BLOCK_HEADER.exec(text)?.[0].length ?? 1;
    const from = lineEnd(text, start);
    return [
      { start, end: start + header, text: head, depth },
      { start: from, end: Math.max(from, end), text: under, depth },
    ];
  }
  const line = lineEnd(text, end);
  const own = { start, end, text: head, depth };
  return under === "" ? [own] : [own, { start: line, end: line, text: under, depth }];
}

/** The splices that give a string its new text; its other characters stay as they are written where that is possible. */
export function replaceText(
  text: string,
  scalar: Scalar,
  changes: readonly TextChange[],
  value: string,
  place: ScalarPlace,
): readonly Splice[] {
  const kept = inPlace(text, scalar, changes, value, place);
  if (kept !== undefined) return kept;
  const source = isBlockStyle(scalar) ? scalarSource(text, scalar) : undefined;
  const column = (source === undefined ? undefined : contentColumn(text, source)) ?? place.column;
  return putString(text, scalar, rewritten(value, scalar, { ...place, column }), place.depth);
}
