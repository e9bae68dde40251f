/**
 * New text for the stretch from `start` to `end` (exclusive; UTF-16 units). Of insertions at one offset the deeper
 * nested comes first: an item of an inner map stands before the next key of the outer one.
 */
export type Splice = { readonly start: number; readonly end: number; readonly text: string; readonly depth: number };

const inOrder = (a: Splice, b: Splice): number => a.start - b.start || a.end - b.end || b.depth - a.depth;

/** The text after its splices. Undefined when two of them overlap. */
export function applySplices(text: string, splices: readonly Splice[]): string | undefined {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, text: inserted } of splices.toSorted(inOrder)) {
    if (start < at || end < start) return undefined;
    parts.push(text.slice(at, start), inserted);
    at = end;
  }
  parts.push(text.slice(at));
  return parts.join("");
}

/** The offset at which the line of `offset` ends, before its line break. */
export function lineEnd(text: string, offset: number): number {
  const newline = text.indexOf("\n", offset);
  if (newline === -1) return text.length;
  return newline > offset && text[newline - 1] === "\r" ? newline - 1 : newline;
}

/** The offset at which the line of `offset` starts. */
export const lineStart = (text: string, offset: number): number => text.lastIndexOf("\n", offset - 1) + 1;

/** The offset after the line's break, or the end of the text. */
export function nextLine(text: string, offset: number): number {
  const newline = text.indexOf("\n", offset);
  return newline === -1 ? text.length : newline + 1;
}

/** The line break that is used at `offset`; of a last line without one, the text's first. */
export function lineBreakAt(text: string, offset: number): "\n" | "\r\n" {
  const here = text.indexOf("\n", offset);
  const newline = here === -1 ? text.indexOf("\n") : here;
  return newline > 0 && text[newline - 1] === "\r" ? "\r\n" : "\n";
}

/** Columns before `offset` on its line, from 0. */
export const columnOf = (text: string, offset: number): number => offset - lineStart(text, offset);

/** Whether nothing but blanks stands before `offset` on its line. */
export const isFirstOnLine = (text: string, offset: number): boolean =>
  text.slice(lineStart(text, offset), offset).trim() === "";

/** The end of the line before that of `offset`, before its line break. Only for offsets beyond the first line. */
export function previousLineEnd(text: string, offset: number): number {
  const newline = lineStart(text, offset) - 1;
  return text[newline - 1] === "\r" ? newline - 1 : newline;
}
