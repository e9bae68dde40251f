import { type ScalarSource, type ScalarWriter, scalarWriter } from "./scalar-source.ts";

/** One line of a block scalar's body: its indentation, then its content, then its line break. */
type BodyLine = {
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
  readonly breakEnd: number;
};

type Header = {
  readonly folded: boolean;
  readonly chomp: string;
  readonly indent: boolean;
  readonly bodyStart: number;
};

/** `|` or `>`, then an indentation digit and a chomping sign in either order, then perhaps a comment. */
function headerAt(text: string, start: number, end: number): Header {
  let at = start + 1;
  while (at < end && "+-0123456789".includes(text[at] ?? " ")) at++;
  const signs = text.slice(start + 1, at);
  const newline = text.indexOf("\n", at);
  return {
    folded: text[start] === ">",
    chomp: signs.includes("+") ? "+" : signs.includes("-") ? "-" : "",
    indent: /\d/.test(signs),
    bodyStart: newline === -1 || newline >= end ? end : newline + 1,
  };
}

/** The last line has no line break: it is what follows the last one, mostly nothing. */
function bodyLines(text: string, start: number, end: number): BodyLine[] {
  const lines: BodyLine[] = [];
  let from = start;
  for (;;) {
    const newline = text.indexOf("\n", from);
    const last = newline === -1 || newline >= end;
    const lineEnd = last ? end : text[newline - 1] === "\r" && newline > from ? newline - 1 : newline;
    let contentStart = from;
    while (contentStart < lineEnd && text[contentStart] === " ") contentStart++;
    lines.push({ start: from, contentStart, end: lineEnd, breakEnd: last ? end : newline + 1 });
    if (last) return lines;
    from = newline + 1;
  }
}

const isEmpty = (line: BodyLine): boolean => line.contentStart === line.end;
const indentOf = (line: BodyLine): number => line.contentStart - line.start;

/** The line break after `line`, as one unit of the value. */
const emitBreak = (writer: ScalarWriter, line: BodyLine, as: string) => writer.emit(as, line.end, line.breakEnd);

function writeLiteral(writer: ScalarWriter, lines: readonly BodyLine[], indent: number): void {
  lines.forEach((line, index) => {
    const before = lines[index - 1];
    if (before !== undefined) emitBreak(writer, before, "\n");
    writer.copy(Math.min(line.start + indent, line.contentStart), line.end);
  });
}

/**
 * Folds the lines between the first and the last with content. SOURCE: YAML 1.2.2, 8.1.3: the break between two
 * lines of text is a space, empty lines between them are line feeds, and lines that are indented further, or
 * start with a tab, keep every break around them.
 */
function writeFolded(writer: ScalarWriter, text: string, lines: readonly BodyLine[], indent: number): void {
  let pending: BodyLine[] = [];
  let previousKept = false;
  lines.forEach((line, index) => {
    if (index > 0 && isEmpty(line) && indentOf(line) <= indent) {
      pending.push(line);
      return;
    }
    const kept = indentOf(line) > indent || text[line.contentStart] === "\t";
    const [first, ...empty] = pending;
    if (first !== undefined && empty.length === 0) emitBreak(writer, first, kept || previousKept ? "\n" : " ");
    else if (first !== undefined && (kept || previousKept)) emitBreak(writer, first, "\n");
    for (const each of empty) emitBreak(writer, each, "\n");
    writer.copy(Math.min(line.start + indent, line.contentStart), line.end);
    pending = [line];
    previousKept = kept;
  });
  for (const each of pending.slice(1)) emitBreak(writer, each, "\n");
}

/** How many of `lines` belong to the content: empty lines at the end do not, unless they hold extra blanks. */
function contentEnd(lines: readonly BodyLine[], indent: number): number {
  const lastText = lines.findLastIndex((line) => !isEmpty(line));
  const lastDeep = lines.findLastIndex((line) => indentOf(line) > indent);
  return Math.max(lastText, lastDeep) + 1;
}

/** A block scalar read with a known number of blanks cut from each line. */
function withIndent(text: string, header: Header, lines: readonly BodyLine[], indent: number): ScalarSource {
  const writer = scalarWriter(text);
  const first = lines.findIndex((line) => !isEmpty(line));
  const end = contentEnd(lines, indent);
  for (const line of lines.slice(0, first)) {
    writer.copy(Math.min(line.start + indent, line.contentStart), line.end);
    emitBreak(writer, line, "\n");
  }
  const content = lines.slice(first, end);
  if (header.folded) writeFolded(writer, text, content, indent);
  else writeLiteral(writer, content, indent);
  const last = content.at(-1);
  if (header.chomp === "-" || last === undefined) return writer.done();
  emitBreak(writer, last, "\n");
  if (header.chomp === "+") writeKeptBreaks(writer, lines.slice(end), indent);
  return writer.done();
}

/** `+` keeps the empty lines at the end, each with its break; what follows the last break has none. */
function writeKeptBreaks(writer: ScalarWriter, rest: readonly BodyLine[], indent: number): void {
  rest.forEach((line, index) => {
    writer.copy(Math.min(line.start + indent, line.contentStart), line.end);
    if (index < rest.length - 1) emitBreak(writer, line, "\n");
  });
}

/** A body of blank lines only: its value is line feeds or nothing. */
function blankSource(text: string, header: Header, lines: readonly BodyLine[], value: string): ScalarSource {
  const writer = scalarWriter(text);
  const breaks = lines.filter((line, index) => index < lines.length - 1 || line.breakEnd > line.end);
  const written = header.chomp === "+" && breaks.length === 0 ? lines : breaks;
  for (const line of written.slice(0, value.length)) emitBreak(writer, line, "\n");
  return writer.done();
}

/**
 * A literal or folded block scalar; `start` is at its `|` or `>`. With an indentation digit the blanks to cut
 * depend on the parent's indentation, which is not known here: the one that gives `value` is the right one, as
 * two different cuts never give the same text.
 */
export function blockSource(text: string, start: number, end: number, value: string): ScalarSource | undefined {
  const header = headerAt(text, start, end);
  const lines = bodyLines(text, header.bodyStart, end);
  const firstText = lines.find((line) => !isEmpty(line));
  if (firstText === undefined) return blankSource(text, header, lines, value);
  const most = indentOf(firstText);
  for (let indent = most; indent >= (header.indent ? 0 : most); indent--) {
    const read = withIndent(text, header, lines, indent);
    if (read.value === value) return read;
  }
  return undefined;
}
