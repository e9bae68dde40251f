import type { Place } from "../../model/place.ts";
import type { Report } from "./diagnostic.ts";
import { type Environment, expandVariables } from "./environment.ts";
import type { Token, TokenLine } from "./token.ts";

/** One file. The largest Corefiles in use (hosts pinned inline) hold some 100 KiB. */
export const MAX_FILE_CHARACTERS = 1024 * 1024;

export type LexInput = { readonly file: string; readonly text: string; readonly environment: Environment };

type Cursor = { offset: number; line: number; lineStart: number };

const isSpace = (character: string): boolean => /\s/.test(character);

/**
 * Cuts a Corefile into lines of tokens, as Caddy's lexer does (caddyfile/lexer.go): white space parts tokens, `#` starts a
 * comment even inside a word, `"` starts a quoted token only where a token starts, and only `\"` is an escape in it.
 */
export function lexCorefile({ file, text, environment }: LexInput, report: Report): readonly TokenLine[] {
  const cursor: Cursor = { offset: text.startsWith("\ufeff") ? 1 : 0, line: 1, lineStart: 0 };
  if (text.length > MAX_FILE_CHARACTERS) {
    const place = { file, line: 1, column: 1, endLine: 1, endColumn: 1 };
    report.error(place, `file holds more than ${MAX_FILE_CHARACTERS} characters; split it and use import`);
    return [];
  }
  const lines: [Token, ...Token[]][] = [];
  let previousLine = 0;
  for (;;) {
    skipBlank(text, cursor);
    if (cursor.offset >= text.length) return lines;
    const read = text[cursor.offset] === '"' ? readQuoted : readWord;
    const token = read({ file, text, environment }, cursor, report);
    if (token.place.line === previousLine) lines.at(-1)?.push(token);
    else lines.push([token]);
    previousLine = token.place.endLine;
  }
}

function newLine(cursor: Cursor): void {
  cursor.line += 1;
  cursor.lineStart = cursor.offset + 1;
}

/** Moves over white space and comments. */
function skipBlank(text: string, cursor: Cursor): void {
  let comment = false;
  for (; cursor.offset < text.length; cursor.offset += 1) {
    const character = text[cursor.offset] ?? "";
    if (character === "\n") {
      comment = false;
      newLine(cursor);
    } else if (character === "#") comment = true;
    else if (!comment && !isSpace(character)) return;
  }
}

function readWord({ file, text, environment }: LexInput, cursor: Cursor): Token {
  const start = { ...cursor };
  let raw = "";
  for (; cursor.offset < text.length; cursor.offset += 1) {
    const character = text[cursor.offset] ?? "";
    if (character === "\r") continue;
    if (character === "#" || isSpace(character)) break;
    raw += character;
  }
  return { ...expandVariables(raw, environment), quoted: false, place: placeOf(file, start, cursor) };
}

function readQuoted({ file, text, environment }: LexInput, cursor: Cursor, report: Report): Token {
  const start = { ...cursor };
  let raw = "";
  let closed = false;
  for (cursor.offset += 1; cursor.offset < text.length && !closed; cursor.offset += 1) {
    const character = text[cursor.offset] ?? "";
    const next = text[cursor.offset + 1];
    if (character === '"') closed = true;
    else if (character === "\n") {
      raw += character;
      newLine(cursor);
    } else if (character === "\\" && (next === '"' || next === "\\")) {
      raw += next === '"' ? '"' : "\\\\";
      cursor.offset += 1;
    } else if (character !== "\r") raw += character;
  }
  const place = placeOf(file, start, cursor);
  if (!closed) report.error(place, "missing the closing '\"' of the text that starts here");
  return { ...expandVariables(raw, environment), quoted: true, place };
}

const placeOf = (file: string, start: Cursor, end: Cursor): Place => ({
  file,
  line: start.line,
  column: start.offset - start.lineStart + 1,
  endLine: end.line,
  endColumn: end.offset - end.lineStart + 1,
});
