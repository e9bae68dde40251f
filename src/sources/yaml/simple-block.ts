import { flowAt, MAX_SIMPLE_DEPTH } from "./simple-flow.ts";
import { keyAt, NOT_SIMPLE, plainValue, quotedAt, type Simple, type SimpleText } from "./simple-scalar.ts";

const SPACE = 0x20;
const NEWLINE = 0x0a;
const HASH = 0x23;
const DASH = 0x2d;

/**
 * Goes to the first visible character of the next line that says something, and gives its column; -1 at the end. Only
 * at the start of a line.
 */
function nextLine(state: SimpleText): number {
  const { text, end } = state;
  let at = state.at;
  while (at < end) {
    const start = at;
    while (text.charCodeAt(at) === SPACE) at++;
    const first = text.charCodeAt(at);
    if (at < end && first !== NEWLINE && first !== HASH) {
      state.at = at;
      return at - start;
    }
    at = endOfLine(text, at, end) + 1;
  }
  state.at = end;
  return -1;
}

function endOfLine(text: string, at: number, end: number): number {
  const newline = text.indexOf("\n", at);
  return newline === -1 || newline > end ? end : newline;
}

/** Passes over blanks and a comment to the start of the next line; false when something else stands there. */
function finishLine(state: SimpleText): boolean {
  const { text, end } = state;
  let at = state.at;
  while (text.charCodeAt(at) === SPACE) at++;
  if (at < end && text.charCodeAt(at) !== NEWLINE) {
    if (text.charCodeAt(at) !== HASH || text.charCodeAt(at - 1) !== SPACE) return false;
    at = endOfLine(text, at, end);
  }
  state.at = Math.min(at + 1, end);
  return true;
}

const isItem = (text: string, at: number): boolean =>
  text.charCodeAt(at) === DASH && (text.charCodeAt(at + 1) === SPACE || text.charCodeAt(at + 1) === NEWLINE);

/** Characters that begin something else than a plain scalar; a dash may, when no blank follows it. */
const INDICATORS = new Set("&*!|>%@`#,?:[]{}\"'");

/** Without the spaces at its end; no other character is a blank here. */
function withoutSpaces(line: string): string {
  let end = line.length;
  while (end > 0 && line.charCodeAt(end - 1) === SPACE) end--;
  return end === line.length ? line : line.slice(0, end);
}

/** A plain scalar on one line, up to its end or a comment. */
function plainAt(state: SimpleText): Simple<unknown> {
  const { text, at, end } = state;
  if (INDICATORS.has(text[at] ?? "") || isItem(text, at)) return NOT_SIMPLE;
  const lineEnd = endOfLine(text, at, end);
  const line = text.slice(at, lineEnd);
  const comment = line.indexOf(" #");
  const source = withoutSpaces(comment === -1 ? line : line.slice(0, comment));
  if (source === "-" || source.endsWith(":") || source.includes(": ")) return NOT_SIMPLE;
  state.at = Math.min(lineEnd + 1, end);
  return plainValue(source);
}

/** A value that begins on this line; `indent` is that of the block that it is in. Ends at the start of a line. */
function inlineValue(state: SimpleText, indent: number, depth: number): Simple<unknown> {
  const first = state.text[state.at];
  state.tokens += 6;
  if (first === "|" || first === ">") return blockScalar(state, indent);
  let value: Simple<unknown>;
  if (first === "[" || first === "{") value = flowAt(state, indent, depth);
  else if (first === '"' || first === "'") value = quotedAt(state);
  else return plainAt(state);
  return value !== NOT_SIMPLE && finishLine(state) ? value : NOT_SIMPLE;
}

const HEADER = /([|>])([-+]?)\n/y;

/** The lines of a block scalar's body, without their indentation and the blank lines behind the last one. */
type Body = { readonly lines: readonly string[]; readonly trailing: number };

function bodyAt(state: SimpleText, indent: number): Simple<Body> {
  const { text, end } = state;
  const lines: string[] = [];
  let width = 0;
  let filled = 0;
  while (state.at < end) {
    let at = state.at;
    while (text.charCodeAt(at) === SPACE) at++;
    const column = at - state.at;
    const lineEnd = endOfLine(text, at, end);
    // Without a line break at its end the last line means something else in some programs.
    if (lineEnd >= end && at < end) return NOT_SIMPLE;
    if (at >= lineEnd) {
      if (column > width) return NOT_SIMPLE;
      lines.push("");
    } else {
      if (filled === 0 && lines.length > 0) return NOT_SIMPLE;
      if (filled === 0) width = column;
      if (width <= indent) return NOT_SIMPLE;
      if (column < width) {
        if (column > indent) return NOT_SIMPLE;
        break;
      }
      lines.push(text.slice(state.at + width, lineEnd));
      filled = lines.length;
    }
    state.at = Math.min(lineEnd + 1, end);
  }
  return filled === 0 ? NOT_SIMPLE : { lines: lines.slice(0, filled), trailing: lines.length - filled };
}

/** `|` and `>` with lines of one indentation; a folded one without blank or further indented lines. */
function blockScalar(state: SimpleText, indent: number): Simple<string> {
  HEADER.lastIndex = state.at;
  const [header, style, chomp] = HEADER.exec(state.text) ?? [];
  if (header === undefined) return NOT_SIMPLE;
  state.at += header.length;
  const body = bodyAt(state, indent);
  if (body === NOT_SIMPLE) return NOT_SIMPLE;
  const { lines, trailing } = body;
  state.tokens += lines.length;
  const ending = chomp === "-" ? "" : chomp === "+" ? "\n".repeat(trailing + 1) : "\n";
  if (style === "|") return `${lines.join("\n")}${ending}`;
  const folds = lines.every((line) => line !== "" && !line.startsWith(" ") && !line.endsWith(" "));
  return folds ? `${lines.join(" ")}${ending}` : NOT_SIMPLE;
}

/** The value of a key or of a dash: on its line, or in the lines below that are indented more. */
function valueAfter(state: SimpleText, indent: number, depth: number, listMayAlign: boolean): Simple<unknown> {
  const { text } = state;
  while (text.charCodeAt(state.at) === SPACE) state.at++;
  const first = text.charCodeAt(state.at);
  const empty = state.at >= state.end || first === NEWLINE || first === HASH;
  if (!empty) return endsHere(state, inlineValue(state, indent, depth), indent);
  if (!finishLine(state)) return NOT_SIMPLE;
  const column = nextLine(state);
  if (column > indent || (column === indent && listMayAlign && isItem(text, state.at))) {
    return blockNode(state, column, { depth: depth + 1, around: indent });
  }
  if (column >= 0) state.at -= column;
  return null;
}

/** A value on one line ends there: what follows must not be indented more, or it would belong to it. */
function endsHere(state: SimpleText, value: Simple<unknown>, indent: number): Simple<unknown> {
  if (value === NOT_SIMPLE) return NOT_SIMPLE;
  const column = nextLine(state);
  if (column > indent) return NOT_SIMPLE;
  if (column >= 0) state.at -= column;
  return value;
}

function blockMap(state: SimpleText, column: number, depth: number): Simple<Record<string, unknown>> {
  const map: Record<string, unknown> = {};
  for (;;) {
    const key = keyAt(state);
    if (key === undefined || key === NOT_SIMPLE || Object.hasOwn(map, key)) return NOT_SIMPLE;
    state.tokens += 6;
    const value = valueAfter(state, column, depth, true);
    if (value === NOT_SIMPLE) return NOT_SIMPLE;
    map[key] = value;
    const next = nextLine(state);
    if (next > column) return NOT_SIMPLE;
    if (next < column) {
      if (next >= 0) state.at -= next;
      return map;
    }
    if (isItem(state.text, state.at)) {
      state.at -= next;
      return map;
    }
  }
}

function blockList(state: SimpleText, column: number, depth: number): Simple<unknown[]> {
  const items: unknown[] = [];
  for (;;) {
    const dash = state.at;
    state.at++;
    while (state.text.charCodeAt(state.at) === SPACE) state.at++;
    state.tokens += 4;
    const inner = column + (state.at - dash);
    const item = startsBlock(state)
      ? blockNode(state, inner, { depth: depth + 1, around: column })
      : valueAfter(state, column, depth, false);
    if (item === NOT_SIMPLE) return NOT_SIMPLE;
    items.push(item);
    const next = nextLine(state);
    if (next > column) return NOT_SIMPLE;
    if (next < column || !isItem(state.text, state.at)) {
      if (next >= 0) state.at -= next;
      return items;
    }
  }
}

/** Whether a map or a list begins behind a dash, on its own line. */
function startsBlock(state: SimpleText): boolean {
  if (isItem(state.text, state.at)) return true;
  const { at } = state;
  const key = keyAt(state);
  state.at = at;
  return typeof key === "string";
}

type Around = { readonly depth: number; readonly around: number };

/** What begins at a column: a list, a map, or one value. */
function blockNode(state: SimpleText, column: number, { depth, around }: Around): Simple<unknown> {
  if (depth > MAX_SIMPLE_DEPTH) return NOT_SIMPLE;
  if (isItem(state.text, state.at)) return blockList(state, column, depth);
  if (startsBlock(state)) return blockMap(state, column, depth);
  return endsHere(state, inlineValue(state, around, depth), around);
}

/** The map or list of one document; undefined when it is empty. */
export function blockDocument(state: SimpleText): Simple<unknown> {
  const column = nextLine(state);
  if (column < 0) return undefined;
  const value = blockNode(state, column, { depth: 1, around: -1 });
  if (value === NOT_SIMPLE || value === null || typeof value !== "object") return NOT_SIMPLE;
  return nextLine(state) === -1 ? value : NOT_SIMPLE;
}
