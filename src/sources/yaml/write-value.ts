import type { JsonValue } from "../../model/edit.ts";
import type { Layout } from "./edit-context.ts";
import { literalLines, writeString } from "./write-scalar.ts";

type JsonMap = { readonly [key: string]: JsonValue };

const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);
const isMapValue = (value: JsonValue): value is JsonMap =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** Whether a value has no lines of its own: no map or list, or an empty one. */
export const isInline = (value: JsonValue): boolean =>
  isList(value) ? value.length === 0 : !isMapValue(value) || Object.keys(value).length === 0;

export type FlowStyle = {
  readonly json: boolean;
  /** No blanks after commas and colons. */
  readonly compact: boolean;
  /** JSON with one entry a line: the indentation of the line that the value starts on, and of one level. */
  readonly lines?: { readonly indent: string; readonly step: number; readonly lineBreak: string };
};

const indentLines = (lines: readonly string[], by: number): readonly string[] =>
  lines.map((line) => (line === "" ? "" : `${" ".repeat(by)}${line}`));

/** A key; always on one line. */
export const writeKey = (key: string, style: { readonly flow: boolean; readonly json: boolean }): string =>
  writeString(key, style);

function bracketed([open, close]: readonly [string, string], entries: readonly string[], style: FlowStyle): string {
  if (entries.length === 0) return open + close;
  const { lines } = style;
  if (lines === undefined) return `${open}${entries.join(style.compact ? "," : ", ")}${close}`;
  const inner = `${lines.lineBreak}${lines.indent}${" ".repeat(lines.step)}`;
  return `${open}${inner}${entries.join(`,${inner}`)}${lines.lineBreak}${lines.indent}${close}`;
}

const deeper = (style: FlowStyle): FlowStyle =>
  style.lines === undefined
    ? style
    : { ...style, lines: { ...style.lines, indent: style.lines.indent + " ".repeat(style.lines.step) } };

/** One entry of a flow map. */
export function flowEntry(key: string, value: JsonValue, style: FlowStyle): string {
  const written = writeKey(key, { flow: true, json: style.json });
  // `{a:1}` without quotes is one key; only after a quoted one may the blank be missing.
  const blank = style.compact && style.json ? "" : " ";
  return `${written}:${blank}${flowText(value, style)}`;
}

/** A value in flow style. */
export function flowText(value: JsonValue, style: FlowStyle): string {
  const inner = deeper(style);
  if (isList(value)) {
    return bracketed(
      ["[", "]"],
      value.map((item) => flowText(item, inner)),
      style,
    );
  }
  if (isMapValue(value)) {
    const entries = Object.entries(value).map(([key, each]) => flowEntry(key, each, inner));
    return bracketed(["{", "}"], entries, style);
  }
  return typeof value === "string" ? writeString(value, { flow: true, json: style.json }) : JSON.stringify(value);
}

/** A scalar or empty collection on one line of block style. */
export function inlineText(value: JsonValue): string {
  if (isList(value)) return "[]";
  if (isMapValue(value)) return "{}";
  return typeof value === "string" ? writeString(value, { flow: false, json: false }) : JSON.stringify(value);
}

/** The lines of `key:` or `-` with a value after it, `inner` columns further in. */
function entryLines(head: string, value: JsonValue, inner: number, layout: Layout): readonly string[] {
  const literal = typeof value === "string" && layout.literals ? literalLines(value) : undefined;
  const [header = "", ...body] = literal ?? [inlineText(value)];
  return [`${head} ${header}`, ...indentLines(body, inner)];
}

/** One entry of a block map as lines, not indented. */
export function mapEntryLines(key: string, value: JsonValue, layout: Layout): readonly string[] {
  const head = `${writeKey(key, { flow: false, json: false })}:`;
  if (isInline(value)) return entryLines(head, value, layout.step, layout);
  const by = isList(value) && !layout.listsIndented ? 0 : layout.step;
  return [head, ...indentLines(blockLines(value, layout), by)];
}

/** One item of a block list as lines, not indented. */
export function listItemLines(value: JsonValue, layout: Layout): readonly string[] {
  if (isInline(value)) return entryLines("-", value, 2, layout);
  const [first = "", ...rest] = blockLines(value, layout);
  return [`- ${first}`, ...indentLines(rest, 2)];
}

/** A value in block style as lines, not indented. */
export function blockLines(value: JsonValue, layout: Layout): readonly string[] {
  if (isInline(value)) return [inlineText(value)];
  if (isList(value)) return value.flatMap((item) => listItemLines(item, layout));
  return Object.entries(value as JsonMap).flatMap(([key, each]) => mapEntryLines(key, each, layout));
}
