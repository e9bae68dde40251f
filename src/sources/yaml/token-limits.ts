import { Lexer } from "yaml";
import { YAML_LIMITS } from "./yaml-limits.ts";

/** A limit that a text breaks, found before a tree is built from it. */
export type TokenLimitBreach = {
  readonly limit: "depth" | "documents" | "tokens";
  /** Offset of the token that is one too many. */
  readonly offset: number;
};

/** Tokens that are no part of the text: a scalar follows; a document starts; a flow collection is broken off. */
const SCALAR = "\u001f";
const MARKERS: ReadonlySet<string> = new Set([SCALAR, "\u0002", "\u0018"]);

const DOCUMENT_LINE = "---";

const OPENING: ReadonlySet<string> = new Set(["[", "{"]);
const CLOSING: ReadonlySet<string> = new Set(["]", "}"]);
/** Each of these opens one more collection when they follow each other on one line: `- - - a`. */
const NESTING: ReadonlySet<string> = new Set(["-", "?"]);

/**
 * Runs over the tokens of a text and stops at the first that breaks a limit. Without it the parser would build
 * everything first: 4 MiB of `[` cost 15 s. Block collections over several lines need no look here, as their
 * indentation makes the depth at most the square root of the size.
 */
export function findTokenLimitBreach(text: string): TokenLimitBreach | undefined {
  let offset = 0;
  let tokens = 0;
  let documents = 0;
  let flowDepth = 0;
  let lineDepth = 0;
  let previous = "";
  for (const token of new Lexer().lex(text)) {
    if (++tokens > YAML_LIMITS.tokens) return { limit: "tokens", offset };
    const scalar = previous === SCALAR;
    previous = token;
    if (scalar) {
      offset += token.length;
      continue;
    }
    if (token === DOCUMENT_LINE) flowDepth = 0;
    if (token === DOCUMENT_LINE && ++documents > YAML_LIMITS.documents) return { limit: "documents", offset };
    if (OPENING.has(token)) flowDepth++;
    else if (CLOSING.has(token)) flowDepth = Math.max(0, flowDepth - 1);
    else if (NESTING.has(token)) lineDepth++;
    else if (token.includes("\n")) lineDepth = 0;
    if (flowDepth > YAML_LIMITS.depth || lineDepth > YAML_LIMITS.depth) return { limit: "depth", offset };
    if (!MARKERS.has(token)) offset += token.length;
  }
  return undefined;
}
