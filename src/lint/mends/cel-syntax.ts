import { MAX_EXPRESSION_LENGTH, parseExpression } from "../../cel/parse.ts";
import { pathOf } from "../../cel/path.ts";
import { type Token, tokenize } from "../../cel/tokens.ts";
import { celString } from "../expressions/quote.ts";
import { conditionAt, type Replacement, replaced } from "./text-changes.ts";

/** Rewrites one habit of another language that has exactly one counterpart in CEL. */
type Rewrite = (text: string, tokens: readonly Token[]) => readonly Replacement[];

/** Characters that make one sign of several: a lone `=` beside one of them may mean another sign. */
const SIGN = /[=<>!~&|+\-*/%^?:]/;

const isLone = (text: string, { start, end }: Token): boolean =>
  !SIGN.test(text.charAt(start - 1)) && !SIGN.test(text.charAt(end));

const SIGNS: ReadonlyMap<string, string> = new Map([
  ["=", "=="],
  ["&", "&&"],
  ["|", "||"],
]);

const loneSigns: Rewrite = (text, tokens) =>
  tokens.flatMap((token) => {
    const right = token.kind === "bad" && isLone(text, token) ? SIGNS.get(token.text) : undefined;
    return right === undefined ? [] : [{ start: token.start, end: token.end, text: right }];
  });

const WORDS: ReadonlyMap<string, string> = new Map([
  ["and", "&&"],
  ["or", "||"],
]);

/** `a and b`: a word between two values, which no attribute can be. */
const joiningWords: Rewrite = (_, tokens) =>
  tokens.flatMap((token, position) => {
    const right = token.kind === "word" ? WORDS.get(token.text.toLowerCase()) : undefined;
    const [before, after] = [tokens[position - 1], tokens[position + 1]];
    const between = before !== undefined && after !== undefined && before.text !== "." && after.text !== ".";
    return right === undefined || !between ? [] : [{ start: token.start, end: token.end, text: right }];
  });

const trailingSemicolon: Rewrite = (_, tokens) => {
  const last = tokens.at(-1);
  return last?.text === ";" ? [{ start: last.start, end: last.end, text: "" }] : [];
};

/** Only where there are no straight quotes: the two kinds would not tell where a text ends. */
const typographicQuotes: Rewrite = (text) =>
  /['"]/.test(text)
    ? []
    : [...text.matchAll(/[\u2018\u2019\u201c\u201d]/g)].map(({ index }) => ({
        start: index,
        end: index + 1,
        text: "'",
      }));

/** `request.headers.x-forwarded-for`, of which CEL reads a part as a keyword or a number. */
const dashedHeaders: Rewrite = (text, tokens) =>
  [...text.matchAll(/\brequest\.headers\.(\w+(?:-\w+)+)/g)].flatMap(({ index, 0: whole, 1: name = "" }) =>
    tokens.some(({ kind, start }) => kind === "word" && start === index) && text[index - 1] !== "."
      ? [{ start: index, end: index + whole.length, text: `request.headers[${celString(name.toLowerCase())}]` }]
      : [],
  );

/** `has(a['k'])`: has() takes a selection, and a key is looked up by `in`. */
const indexInHas: Rewrite = (text, tokens) =>
  tokens.flatMap((token, position) => {
    if (token.kind !== "word" || token.text !== "has" || tokens[position + 1]?.text !== "(") return [];
    const close = closingOf(tokens, position + 1);
    const [open, key, end, last] = [-3, -2, -1, 0].map((offset) => tokens[close + offset]);
    if (open?.text !== "[" || key?.kind !== "string" || end?.text !== "]" || last === undefined) return [];
    const map = text.slice(tokens[position + 1]?.end, open.start).trim();
    const parsed = parseExpression(map);
    if (!parsed.ok || pathOf(parsed.value) === undefined) return [];
    const range = { start: token.start, end: last.end };
    return [{ ...range, text: conditionAt(`${key.text} in ${map}`, text, range) }];
  });

/** The position of the bracket that closes the one at `open`, or -1. */
function closingOf(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let position = open; position < tokens.length; position++) {
    const { kind, text } = tokens[position] ?? { kind: "bad", text: "" };
    if (kind !== "operator") continue;
    if (text === "(") depth++;
    if (text === ")" && --depth === 0) return position;
  }
  return -1;
}

const REWRITES: readonly Rewrite[] = [
  typographicQuotes,
  trailingSemicolon,
  dashedHeaders,
  loneSigns,
  joiningWords,
  indexInHas,
];

/** The expression that was certainly meant by one that is not valid; undefined when that cannot be said. */
export function validForm(text: string): string | undefined {
  if (text.length > MAX_EXPRESSION_LENGTH) return undefined;
  if (parseExpression(text).ok) return undefined;
  let current = text;
  for (const rewrite of REWRITES) {
    const replacements = rewrite(current, tokenize(current));
    if (replacements.length === 0) continue;
    current = replaced(current, replacements);
    if (parseExpression(current).ok) return current;
  }
  return undefined;
}
