import { type ASTNode, Environment, ParseError } from "@marcbachmann/cel-js";
import type { TextRange } from "../model/place.ts";
import { fail, ok, type Result } from "../model/result.ts";
import type { Node } from "./ast.ts";
import { convert, MACRO_ARGUMENT, TOO_DEEP } from "./convert.ts";
import { lexicalRefusals } from "./lexical-refusals.ts";
import { mask } from "./mask.ts";
import { syntaxHint } from "./syntax-hints.ts";
import { type Token, tokenize } from "./tokens.ts";

/**
 * Why an expression has no tree. `offset` to `end` is the text at fault, in UTF-16 units; the range is empty at the
 * end of the text when something is missing there.
 * - `invalid`: no engine accepts it.
 * - `unchecked`: it is over one of our limits, or uses grammar that one of the engines may accept and the parser here
 *   does not. Nothing may be said about it, other than that nothing was checked.
 */
export type SyntaxProblem = {
  readonly certainty: "invalid" | "unchecked";
  readonly message: string;
  readonly hint?: string;
  readonly offset: number;
  readonly end: number;
};

/** UTF-16 units. The longest expression of the guides has 204. */
export const MAX_EXPRESSION_LENGTH = 4096;

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  // A text of the greatest length has fewer parts than these. Depth keeps the library's bound of 250, which is cel-go's.
  limits: {
    maxListElements: MAX_EXPRESSION_LENGTH,
    maxMapEntries: MAX_EXPRESSION_LENGTH,
    maxCallArguments: MAX_EXPRESSION_LENGTH,
  },
});

/** UTF-16 units of all texts whose trees are kept. A tree takes some 40 bytes for each of them, at worst 200. */
const KEPT_LENGTH = 131_072;
const kept = new Map<string, Result<Node, SyntaxProblem>>();
let keptLength = 0;

/**
 * Parses CEL in the union of the dialects of the engines. Never throws, whatever the text. Objects repeat each other's
 * expressions, and rules ask for the same ones: the trees of those seen last are kept.
 */
export function parseExpression(text: string): Result<Node, SyntaxProblem> {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const parsed = parseText(text);
  if (text.length > MAX_EXPRESSION_LENGTH) return parsed;
  if (keptLength + text.length > KEPT_LENGTH) {
    kept.clear();
    keptLength = 0;
  }
  kept.set(text, parsed);
  keptLength += text.length;
  return parsed;
}

function parseText(text: string): Result<Node, SyntaxProblem> {
  if (text.length > MAX_EXPRESSION_LENGTH) {
    const message = `the expression has ${text.length} characters, more than the ${MAX_EXPRESSION_LENGTH} that are checked`;
    return fail({ certainty: "unchecked", message, offset: MAX_EXPRESSION_LENGTH, end: text.length });
  }
  const tokens = tokenize(text);
  if (tokens.length === 0) {
    return fail({ certainty: "invalid", message: "the expression is empty", offset: 0, end: text.length });
  }
  try {
    // The library resolves types only when asked to, so that every name parses.
    const tree: ASTNode = environment.parse(mask(text, tokens)).ast;
    const { root, refusals } = convert(tree, text, tokens);
    const [first] = [...refusals, ...lexicalRefusals(tokens)].toSorted((a, b) => a.start - b.start);
    if (first === undefined) return ok(root);
    const { message, hint, start: offset, end } = first;
    const certainty = message === TOO_DEEP ? "unchecked" : "invalid";
    return fail({ certainty, message, ...(hint === undefined ? {} : { hint }), offset, end });
  } catch (error) {
    return fail(explain(error, text, tokens));
  }
}

/** Names of the library's tokens, as they are written. */
const SYMBOLS: Readonly<Record<string, string>> = {
  IDENTIFIER: "a name",
  RPAREN: "`)`",
  RBRACKET: "`]`",
  RBRACE: "`}`",
  COLON: "`:`",
};

const MESSAGES: Readonly<Record<string, string>> = {
  unterminated_string: "a quote is not closed",
  unterminated_triple_quoted_string: "a triple quote is not closed",
  newline_in_string: "a quoted text ends at the end of its line; the quote is not closed",
  invalid_macro_argument: MACRO_ARGUMENT,
  invalid_integer: "this is no whole number",
  invalid_hex_integer: "this is no hexadecimal number",
  invalid_exponent: "the exponent of a number is missing",
};

/** What the library refuses, or cannot represent, although CEL as such may allow it. */
function isBeyondTheLibrary(code: string, at: TextRange, text: string, tokens: readonly Token[]): boolean {
  if (code === "limit_exceeded" || code === "invalid_number") return true;
  if (code === "reserved_identifier") return ["__proto__", "prototype"].includes(text.slice(at.start, at.end));
  const token = tokens.find((candidate) => candidate.end > at.start);
  const previous = tokens.findLast((candidate) => candidate.end <= at.start);
  // Optional entries of lists and maps, messages, quoted field names.
  if (token?.text === "?" && ["[", "{", ","].includes(previous?.text ?? "")) return true;
  if (token?.text === "{" && previous?.kind === "word" && tokens[tokens.indexOf(token) - 2]?.text !== "in") return true;
  return token?.text.startsWith("`") === true;
}

function explain(error: unknown, text: string, tokens: readonly Token[]): SyntaxProblem {
  if (!(error instanceof ParseError)) {
    // A RangeError of the library's recursion, on thousands of nested operators.
    return { certainty: "unchecked", message: TOO_DEEP, offset: 0, end: text.length };
  }
  const at = error.node ?? error.range;
  const start = Math.min(at?.start ?? 0, text.length);
  const end = Math.min(Math.max(at?.end ?? start, start), text.length);
  if (isBeyondTheLibrary(error.code, { start, end }, text, tokens)) {
    const message = error.code === "limit_exceeded" ? TOO_DEEP : "this form of CEL is not known to the checker";
    return { certainty: "unchecked", message, offset: start, end };
  }
  const hint = syntaxHint(text, tokens, { start, end });
  const message = sentence(error, text.slice(start, end));
  return { certainty: "invalid", message, ...(hint === undefined ? {} : { hint }), offset: start, end };
}

function sentence(error: ParseError, found: string): string {
  const known = MESSAGES[error.code];
  if (known !== undefined) return known;
  if (error.code === "reserved_identifier") return `\`${found}\` is a reserved word`;
  const got = found.trim() === "" ? "the expression ends" : `\`${found}\` stands`;
  const expected = /^Expected ([A-Z]+),/.exec(error.summary)?.[1];
  if (expected !== undefined) return `${got} where ${SYMBOLS[expected] ?? "something else"} is expected`;
  if (error.code === "unexpected_token") return `${got} where a value is expected`;
  if (error.code === "unexpected_character") return `\`${found}\` does not belong here`;
  return error.summary.charAt(0).toLowerCase() + error.summary.slice(1);
}
