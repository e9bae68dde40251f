import type { CorefileLine } from "./corefile.ts";
import type { Report } from "./diagnostic.ts";
import { currentLine, type LineCursor, skipWord } from "./line-cursor.ts";
import { braceBalance, emptyArgument, isCloseBrace, isOpenBrace, type Token, unsetNote } from "./token.ts";

/** Blocks inside blocks. CoreDNS's own directives need one. */
const MAX_NESTING = 10;

export type BlockContext = {
  readonly report: Report;
  /** Whose block it is; undefined when the file is one server without braces, which ends with the file. */
  readonly owner: Token | undefined;
  /** `server`, or how many directives' blocks are open. */
  readonly level: "server" | number;
};

/** Reads lines up to the `}` that closes the block, and moves behind it. */
export function readBlock(cursor: LineCursor, context: BlockContext): readonly CorefileLine[] {
  const { report, owner } = context;
  const lines: CorefileLine[] = [];
  for (;;) {
    const tokens = currentLine(cursor);
    if (tokens === undefined) {
      reportOpenEnd(cursor, context);
      return lines;
    }
    if (isCloseBrace(tokens[0])) {
      if (owner === undefined) {
        cursor.next += 1;
        report.error(tokens[0].place, "unexpected '}': no block is open here");
      } else {
        skipWord(cursor);
        checkAfterClose(tokens, cursor, context);
        return lines;
      }
    } else {
      const line = readLine(tokens, cursor, context);
      if (line !== undefined) lines.push(line);
    }
  }
}

/** A file that ends inside a block. The wording is Caddy's, by level. */
function reportOpenEnd(cursor: LineCursor, { report, owner, level }: BlockContext): void {
  if (owner === undefined || cursor.endReported) return;
  cursor.endReported = true;
  const last = cursor.lines.at(-1)?.at(-1) ?? owner;
  const whose = `the block of '${owner.text}', line ${owner.place.line}`;
  if (level === "server") {
    const message = `Unexpected token '${last.text}', expecting '}' for ${whose}`;
    report.add({ severity: "error", kind: "syntax", place: last.place, message });
  } else {
    report.error(last.place, `Unexpected EOF: ${whose}, is not closed by '}'`);
  }
}

/** What follows the `}` of a server block on its line starts the next one; inside a server block nothing may. */
function checkAfterClose(line: readonly Token[], cursor: LineCursor, { report, level }: BlockContext): void {
  const next = line[1];
  if (next === undefined || level === "server" || isCloseBrace(next)) return;
  report.error(next.place, `unexpected '${next.text}' behind '}': put it on a line of its own`);
  cursor.next += 1;
}

function readLine(
  tokens: readonly [Token, ...Token[]],
  cursor: LineCursor,
  context: BlockContext,
): CorefileLine | undefined {
  const { report, level } = context;
  const [name] = tokens;
  cursor.next += 1;
  const opens = tokens.length > 1 && isOpenBrace(tokens.at(-1));
  const words = opens ? tokens.slice(0, -1) : tokens;
  const sound = checkWords(words, report);
  const line = sound ? { name, args: words.slice(1) } : undefined;
  if (!opens && (sound || braceBalance(tokens) <= 0)) return line;
  const depth = level === "server" ? 1 : level + 1;
  if (depth > MAX_NESTING) {
    skipBlock(cursor);
    return report.error(name.place, `blocks are nested more than ${MAX_NESTING} deep`);
  }
  const block = readBlock(cursor, { report, owner: name, level: depth });
  return line === undefined ? undefined : { ...line, block };
}

/** Moves behind the block that is open at the start, without looking at what is in it. */
function skipBlock(cursor: LineCursor): void {
  for (let open = 1; open > 0; cursor.next += 1) {
    const line = currentLine(cursor);
    if (line === undefined) return;
    open += braceBalance(line);
  }
}

/** Whether the words of a line are free of stray braces and of arguments that a variable has emptied. */
function checkWords(words: readonly Token[], report: Report): boolean {
  let sound = true;
  const refuse = (word: Token, message: string): void => {
    report.error(word.place, message);
    sound = false;
  };
  for (const word of words) {
    if (isOpenBrace(word))
      refuse(word, "'{' must be the last word of its line: put what follows it on lines of its own");
    else if (isCloseBrace(word)) refuse(word, "unexpected '}': it must be the first word of its line");
    else if (word.text === "" && word.unset.length > 0) refuse(word, emptyArgument(word));
    else if (word.unset.length > 0) report.warning(word.place, `'${word.text}' is what is left${unsetNote(word)}`);
  }
  return sound;
}
