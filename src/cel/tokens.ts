import type { TextRange } from "../model/place.ts";

/**
 * `bad`: a character that CEL does not know. `unclosed`: a quote that is never closed, to the end of the text.
 * `in` is an operator here, other words (true, false, null too) are words.
 */
export type TokenKind = "word" | "number" | "string" | "operator" | "bad" | "unclosed";
export type Token = TextRange & { readonly kind: TokenKind; readonly text: string };

// Every pattern is sticky and linear: alternatives inside a repetition start with different characters.
const BLANK = /(?:[ \t\n\r\f]|\/\/[^\n]*)+/y;
const RAW_STRING = /[bB]?[rR](?:"""(?:[^"]|"(?!""))*"""|'''(?:[^']|'(?!''))*'''|"(?!"")[^"\n\r]*"|'(?!'')[^'\n\r]*')/y;
const STRING =
  /[bB]?(?:"""(?:[^"\\]|\\[\s\S]|"(?!""))*"""|'''(?:[^'\\]|\\[\s\S]|'(?!''))*'''|"(?!"")(?:[^"\\\n\r]|\\[^\n\r])*"|'(?!'')(?:[^'\\\n\r]|\\[^\n\r])*'|""|'')/y;
const OPEN_QUOTE = /[bBrR]{0,2}["'][\s\S]*/y;
const NUMBER = /(?:0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[uU]?/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const OPERATOR = /&&|\|\||==|!=|<=|>=|[-+*/%<>!()[\]{}.,:?]/y;

const ENDS_A_VALUE = new Set([")", "]", "}"]);

/** Whether a token can be the end of a value, so that a dot after it selects a field. */
export const endsValue = (token: Token | undefined): boolean =>
  token !== undefined && (token.kind !== "operator" || ENDS_A_VALUE.has(token.text));

function matchAt(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset;
  return pattern.test(text) ? pattern.lastIndex : offset;
}

function tokenAt(text: string, offset: number, previous: Token | undefined): Token {
  const token = (kind: TokenKind, end: number): Token => ({
    kind,
    text: text.slice(offset, end),
    start: offset,
    end,
  });
  for (const pattern of [RAW_STRING, STRING]) {
    const end = matchAt(pattern, text, offset);
    if (end > offset) return token("string", end);
  }
  const unclosed = matchAt(OPEN_QUOTE, text, offset);
  if (unclosed > offset) return token("unclosed", unclosed);
  const word = matchAt(WORD, text, offset);
  if (word > offset) return token(text.slice(offset, word) === "in" ? "operator" : "word", word);
  const number = matchAt(NUMBER, text, offset);
  if (number > offset && !(text[offset] === "." && endsValue(previous))) return token("number", number);
  const operator = matchAt(OPERATOR, text, offset);
  if (operator > offset) return token("operator", operator);
  const codePoint = text.codePointAt(offset) ?? 0;
  return token("bad", offset + (codePoint > 0xffff ? 2 : 1));
}

/** Splits any text into tokens, comments and blanks left out. Never fails: what CEL does not know becomes a `bad` token. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let offset = matchAt(BLANK, text, 0);
  while (offset < text.length) {
    const token = tokenAt(text, offset, tokens.at(-1));
    tokens.push(token);
    offset = matchAt(BLANK, text, token.end);
  }
  return tokens;
}

/** Whether the token before a position, or the two of `.?`, ask for the name of a field. */
const selects = (tokens: readonly Token[], position: number): boolean =>
  tokens[position - 1]?.text === "." || (tokens[position - 1]?.text === "?" && tokens[position - 2]?.text === ".");

/** Whether the dot at this position starts a name (`.request.path`, an absolute name) and selects nothing. */
export const isLeadingDot = (tokens: readonly Token[], position: number): boolean =>
  tokens[position]?.text === "." &&
  tokens[position]?.kind === "operator" &&
  !endsValue(tokens[position - 1]) &&
  !selects(tokens, position) &&
  tokens[position + 1]?.kind === "word";

/**
 * The pairs of round brackets that only group: token position of the opening one to that of the closing one. The
 * brackets of a call follow a word and are left out.
 */
export function groupingPairs(tokens: readonly Token[]): ReadonlyMap<number, number> {
  const pairs = new Map<number, number>();
  const open: number[] = [];
  for (const [position, token] of tokens.entries()) {
    if (token.kind !== "operator") continue;
    if (token.text === "(") open.push(position);
    if (token.text !== ")") continue;
    const start = open.pop();
    if (start !== undefined && tokens[start - 1]?.kind !== "word") pairs.set(start, position);
  }
  return pairs;
}

/** The first comment of a text, without the blanks behind it; two slashes inside a quoted text are none. */
export function firstComment(text: string): TextRange | undefined {
  let from = 0;
  for (const { start, end } of [...tokenize(text), { start: text.length, end: text.length }]) {
    const comment = text.indexOf("//", from);
    if (comment >= 0 && comment < start) {
      const line = text.indexOf("\n", comment);
      const rest = text.slice(comment, line < 0 ? text.length : line);
      return { start: comment, end: comment + rest.trimEnd().length };
    }
    from = end;
  }
  return undefined;
}
