import type { TokenLine } from "./token.ts";

/** Where reading is. Lines are read once, front to back; what is left of a line may be put back in its place. */
export type LineCursor = {
  readonly lines: TokenLine[];
  next: number;
  /** Whether the missing end of a block is reported: the blocks around it are open for the same reason. */
  endReported: boolean;
};

export const currentLine = ({ lines, next }: LineCursor): TokenLine | undefined => lines[next];

/** Moves behind the current line's first word: to the next word of the line, or to the next line. */
export function skipWord(cursor: LineCursor): void {
  const [, ...tail] = cursor.lines[cursor.next] ?? [];
  const [next, ...others] = tail;
  if (next === undefined) cursor.next += 1;
  else cursor.lines[cursor.next] = [next, ...others];
}
