import { type ScalarSource, scalarWriter } from "./scalar-source.ts";

const isBlank = (character: string | undefined): boolean => character === " " || character === "\t";

/** Moves `from` right over blanks, not beyond `to`. */
function skipBlanks(text: string, from: number, to: number): number {
  let at = from;
  while (at < to && isBlank(text[at])) at++;
  return at;
}

/** Moves `to` left over blanks, not before `from`. */
function trimBlanks(text: string, from: number, to: number): number {
  let at = to;
  while (at > from && isBlank(text[at - 1])) at--;
  return at;
}

type Line = { readonly start: number; readonly end: number; readonly breakEnd: number };

/** The lines of a stretch; `end` is before the line break, `breakEnd` after it. */
function linesOf(text: string, start: number, end: number): Line[] {
  const lines: Line[] = [];
  let from = start;
  for (let at = text.indexOf("\n", from); at !== -1 && at < end; at = text.indexOf("\n", from)) {
    const lineEnd = at > from && text[at - 1] === "\r" ? at - 1 : at;
    lines.push({ start: from, end: lineEnd, breakEnd: at + 1 });
    from = at + 1;
  }
  lines.push({ start: from, end, breakEnd: end });
  return lines;
}

/**
 * Plain scalars and the inside of single-quoted ones. SOURCE: YAML 1.2.2, 6.5 Line Folding and 7.3: one line
 * break becomes a space, n breaks become n - 1 line feeds, blanks around a break are dropped.
 */
function unfolded(text: string, start: number, end: number): ScalarSource {
  const lines = linesOf(text, start, end);
  const writer = scalarWriter(text);
  const first = lines[0];
  if (first === undefined || lines.length === 1) {
    writer.copy(start, end);
    return writer.done();
  }
  writer.copy(first.start, trimBlanks(text, first.start, first.end));
  let breaks: Line[] = [first];
  lines.slice(1).forEach((line, index) => {
    const last = index === lines.length - 2;
    const from = skipBlanks(text, line.start, line.end);
    const to = last ? line.end : trimBlanks(text, from, line.end);
    if (from === to && !last) {
      breaks.push(line);
      return;
    }
    const [only, ...more] = breaks;
    if (only !== undefined && more.length === 0) writer.emit(" ", only.end, only.breakEnd);
    for (const kept of more) writer.emit("\n", kept.end, kept.breakEnd);
    writer.copy(from, to);
    breaks = [line];
  });
  return writer.done();
}

/** A plain scalar written from `start` to `end`. */
export const plainSource = (text: string, start: number, end: number): ScalarSource => unfolded(text, start, end);

/** A single-quoted scalar; `start` and `end` take in the quotes. A doubled quote is one quote. */
export function singleQuotedSource(text: string, start: number, end: number): ScalarSource {
  const inside = unfolded(text, start + 1, end - 1);
  const writer = scalarWriter(text);
  for (let unit = 0; unit < inside.value.length; unit++) {
    const doubled = inside.value[unit] === "'" && inside.value[unit + 1] === "'";
    const from = inside.starts[unit] ?? start;
    if (doubled) unit++;
    writer.emit(inside.value[unit] ?? "", from, inside.ends[unit] ?? end);
  }
  return writer.done();
}

/** SOURCE: YAML 1.2.2, 5.7 Escaped Characters. */
const ESCAPES: Readonly<Record<string, string>> = {
  "0": "\0",
  a: "\x07",
  b: "\b",
  e: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  N: "\u0085",
  _: "\u00a0",
  L: "\u2028",
  P: "\u2029",
  " ": " ",
  '"': '"',
  "/": "/",
  "\\": "\\",
  "\t": "\t",
};

const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** What the escape at `at` (a backslash) stands for, and where it ends. An escaped line break stands for nothing. */
function escapeAt(text: string, at: number, end: number): { readonly value: string; readonly end: number } {
  const code = text[at + 1] ?? "";
  const simple = Object.hasOwn(ESCAPES, code) ? ESCAPES[code] : undefined;
  if (simple !== undefined) return { value: simple, end: at + 2 };
  const lineBreak = code === "\r" && text[at + 2] === "\n" ? at + 3 : code === "\n" ? at + 2 : undefined;
  if (lineBreak !== undefined) return { value: "", end: skipBlanks(text, lineBreak, end) };
  const digits = HEX_DIGITS[code] ?? 0;
  const point = Number.parseInt(text.slice(at + 2, at + 2 + digits), 16);
  return { value: point <= 0x10ffff ? String.fromCodePoint(point) : "", end: at + 2 + digits };
}

/** Where a run of blanks and line breaks that starts at `at` ends, and the line breaks in it. */
function foldAt(text: string, at: number, end: number): { readonly breaks: readonly Line[]; readonly end: number } {
  const breaks: Line[] = [];
  let to = at;
  for (;;) {
    const blanksEnd = skipBlanks(text, to, end);
    const width = text[blanksEnd] === "\n" ? 1 : text.startsWith("\r\n", blanksEnd) ? 2 : 0;
    if (width === 0 || blanksEnd >= end) return { breaks, end: blanksEnd };
    breaks.push({ start: to, end: blanksEnd, breakEnd: blanksEnd + width });
    to = blanksEnd + width;
  }
}

/** A double-quoted scalar; `start` and `end` take in the quotes. SOURCE: YAML 1.2.2, 7.3.1. */
export function doubleQuotedSource(text: string, start: number, end: number): ScalarSource {
  const writer = scalarWriter(text);
  const inner = end - 1;
  let at = start + 1;
  while (at < inner) {
    const character = text[at];
    if (character === "\\") {
      const escaped = escapeAt(text, at, inner);
      writer.emit(escaped.value, at, escaped.end);
      at = escaped.end;
    } else if (isBlank(character) || character === "\n" || text.startsWith("\r\n", at)) {
      const fold = foldAt(text, at, inner);
      const [only, ...more] = fold.breaks;
      if (only === undefined) writer.copy(at, fold.end);
      else if (more.length === 0) writer.emit(" ", only.end, only.breakEnd);
      for (const kept of more) writer.emit("\n", kept.end, kept.breakEnd);
      at = fold.end;
    } else {
      writer.copy(at, at + 1);
      at++;
    }
  }
  return writer.done();
}
