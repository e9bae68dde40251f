import { MAX_EXPRESSION_LENGTH, parseExpression } from "../../cel/parse.ts";
import { firstComment, tokenize } from "../../cel/tokens.ts";
import type { Mend } from "../../model/edit.ts";
import type { CelSite } from "../expressions/expression-sites.ts";
import { type Replacement, replaced, replacing } from "./text-changes.ts";

const UNSAFE = /["\\\n\r]/;

/**
 * Double quotes that become single ones, and line breaks between words that become blanks. A quoted text that holds a
 * single quote or a backslash says something else in the other quotes.
 */
function replacementsIn(text: string): readonly Replacement[] {
  const tokens = tokenize(text);
  const quoted = tokens
    .filter(({ kind, text: written }) => kind === "string" && /^"(?!"")[^"'\\\n\r]*"$/.test(written))
    .map(({ start, end, text: written }) => ({ start, end, text: `'${written.slice(1, -1)}'` }));
  const breaks = [...text.matchAll(/\s+/g)]
    .filter(({ 0: found }) => /[\n\r]/.test(found))
    .map(({ index, 0: found }) => ({ start: index, end: index + found.length, text: " " }))
    .filter(({ start, end }) => !tokens.some((token) => token.start < end && start < token.end));
  return [...quoted, ...breaks];
}

/** A counter that means the same and can be pasted as it is; undefined when there is none. */
export function safeCounter({ path, text }: CelSite): Mend | undefined {
  const inner = text.trim();
  if (inner === "" || inner.length > MAX_EXPRESSION_LENGTH) return undefined;
  const comment = firstComment(inner);
  // What follows a comment on the next line would become a part of it.
  if (comment !== undefined && inner.includes("\n", comment.end)) return undefined;
  const replacements = replacementsIn(inner);
  const safe = replaced(inner, replacements);
  if (UNSAFE.test(safe) || !parseExpression(safe).ok) return undefined;
  const title = inner === safe ? "trim the counter" : "write the counter on one line, with single quotes";
  const edits = inner === text ? replacing(path, replacements) : [{ op: "set" as const, path, value: safe }];
  return { title, edits };
}
