import { parseExpression } from "../../cel/parse.ts";
import type { Mend } from "../../model/edit.ts";
import { predicateProves } from "../auth/auth-guards.ts";
import type { ItemRead } from "../auth/auth-sites.ts";
import { spellPath, spellPresence } from "../expressions/attribute-reads.ts";
import { conditionAt, replaced, replacing } from "./text-changes.ts";

/** Values that one guard is to protect. A policy of the guides has one. */
const MAX_VALUES = 4;
/** Characters of a guard. That of the guides has 34. */
const MAX_LENGTH = 1024;

/** `has()` of something above the values that headers need, made a test of the values themselves. */
export function deepenedGuard(place: ItemRead, values: readonly (readonly string[])[]): Mend | undefined {
  const { site, read, patternRef, alternative } = place;
  // A named pattern is used by others as well, and beside an alternative the guard does not decide.
  if (
    alternative ||
    !("tree" in site) ||
    !read.tested ||
    read.open ||
    patternRef !== undefined ||
    values.length > MAX_VALUES ||
    site.text.length > MAX_LENGTH
  ) {
    return undefined;
  }
  // Elements of a list have no keys to be tested.
  if (values.some((names) => names.some((name) => /^\d+$/.test(name)))) return undefined;
  const condition = values.map((names) => `${spellPresence(names)} && ${spellPath(names)} != ''`).join(" && ");
  const { start, end } = read;
  const replacement = { start, end, text: conditionAt(condition, site.text, { start, end }) };
  const after = replaced(site.text, [replacement]);
  const holds = parseExpression(after).ok && values.every((names) => predicateProves(after, names));
  if (!holds) return undefined;
  const [first = []] = values;
  return {
    title: values.length > 1 ? "test the values that the headers read" : `test \`${spellPath(first)}\` itself`,
    edits: replacing(site.path, [replacement]),
  };
}
