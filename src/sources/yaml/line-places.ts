import type { Place } from "../../model/place.ts";

/** Turns offsets (UTF-16 units from 0) of one text into places of its file. */
export type LinePlaces = {
  readonly file: string;
  readonly text: string;
  /** The place of a stretch; `end` is exclusive and may equal `start`. Offsets outside the text are clamped. */
  place(start: number, end: number): Place;
  /** The offset at which the line of `offset` ends, before its line break. */
  endOfLine(offset: number): number;
};

/** The last index of `starts` whose value is not above `offset`. */
function lineOf(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Lines end with LF or CRLF, as editors count them. */
export function linePlaces(file: string, text: string): LinePlaces {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  const clamp = (offset: number) => Math.min(Math.max(offset, 0), text.length);
  return {
    file,
    text,
    place(start, end) {
      const from = clamp(start);
      const to = Math.max(from, clamp(end));
      const line = lineOf(starts, from);
      const endLine = lineOf(starts, to);
      return {
        file,
        line: line + 1,
        column: from - (starts[line] ?? 0) + 1,
        endLine: endLine + 1,
        endColumn: to - (starts[endLine] ?? 0) + 1,
      };
    },
    endOfLine(offset) {
      const newline = text.indexOf("\n", clamp(offset));
      if (newline === -1) return text.length;
      return text[newline - 1] === "\r" ? newline - 1 : newline;
    },
  };
}
