import { diffLines, type LineChange } from "./diff-lines.ts";

/** A file before and after. */
export type FileChange = {
  /** Its path below the folder that the diff is for, with `/`. */
  readonly path: string;
  readonly before: string;
  readonly after: string;
};

export type DiffPart = "header" | "hunk" | "context" | "removed" | "added";

/** Paints one line of a diff, without its line break. */
export type PaintDiff = (part: DiffPart, line: string) => string;

const CONTEXT_LINES = 3;
const NO_LINE_BREAK = "\\ No newline at end of file";

/** A text as lines with their line breaks; the last may have none. */
const linesOf = (text: string): readonly string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/** Changes that stand so close that their contexts meet. */
function hunks(changes: readonly LineChange[]): readonly (readonly LineChange[])[] {
  const grouped: LineChange[][] = [];
  for (const change of changes) {
    const group = grouped.at(-1);
    const last = group?.at(-1);
    if (group !== undefined && last !== undefined && change.from - last.to <= 2 * CONTEXT_LINES) group.push(change);
    else grouped.push([change]);
  }
  return grouped;
}

/** A name as git writes it: quoted when it holds what would break the line, and ended by a tab when it holds a blank. */
function quoted(path: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are meant
  if (/["\\\u0000-\u001f\u007f]/.test(path)) {
    const escaped = [...path].map((sign) => {
      if (sign === '"' || sign === "\\") return `\\${sign}`;
      const code = sign.charCodeAt(0);
      return code < 0x20 || code === 0x7f ? `\\${code.toString(8).padStart(3, "0")}` : sign;
    });
    return `"${escaped.join("")}"`;
  }
  return path.includes(" ") ? `${path}\t` : path;
}

/** `start,count` of a hunk's header; an empty stretch is named by the line before it. */
const span = (from: number, to: number): string => {
  const count = to - from;
  return count === 1 ? `${from + 1}` : `${count === 0 ? from : from + 1},${count}`;
};

/**
 * One file's change in the unified format, with three lines of context, as `git apply` and `patch -p1` take it. Empty
 * when nothing changes.
 */
export function unifiedDiff({ path, before, after }: FileChange, paint: PaintDiff): string {
  const a = linesOf(before);
  const b = linesOf(after);
  const changes = diffLines(a, b);
  if (changes.length === 0) return "";
  const out = [
    `${paint("header", `--- ${quoted(`a/${path}`)}`)}\n`,
    `${paint("header", `+++ ${quoted(`b/${path}`)}`)}\n`,
  ];
  const put = (part: DiffPart, sign: string, line: string): void => {
    const whole = line.endsWith("\n");
    out.push(`${paint(part, sign + (whole ? line.slice(0, -1) : line))}\n`);
    if (!whole) out.push(`${NO_LINE_BREAK}\n`);
  };
  for (const hunk of hunks(changes)) writeHunk(hunk, { a, b }, put, (line) => out.push(`${paint("hunk", line)}\n`));
  return out.join("");
}

function writeHunk(
  hunk: readonly LineChange[],
  { a, b }: { readonly a: readonly string[]; readonly b: readonly string[] },
  put: (part: DiffPart, sign: string, line: string) => void,
  head: (line: string) => void,
): void {
  const first = hunk[0] ?? { from: 0, newFrom: 0 };
  const last = hunk.at(-1) ?? { to: 0, newTo: 0 };
  const lead = Math.min(CONTEXT_LINES, first.from);
  const tail = Math.min(CONTEXT_LINES, a.length - last.to);
  const [from, to] = [first.from - lead, last.to + tail];
  head(`@@ -${span(from, to)} +${span(first.newFrom - lead, last.newTo + tail)} @@`);
  let at = from;
  for (const change of hunk) {
    for (const line of a.slice(at, change.from)) put("context", " ", line);
    for (const line of a.slice(change.from, change.to)) put("removed", "-", line);
    for (const line of b.slice(change.newFrom, change.newTo)) put("added", "+", line);
    at = change.to;
  }
  for (const line of a.slice(at, to)) put("context", " ", line);
}
