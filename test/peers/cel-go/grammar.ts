import { readFileSync } from "node:fs";
import { join } from "node:path";

const WRITTEN = readFileSync(join(import.meta.dirname, "grammar.jsonl"), "utf8")
  .trim()
  .split("\n")
  .flatMap((line) => (JSON.parse(line) as { readonly expressions: readonly string[] }).expressions);

const nested = (open: string, inner: string, close: string, depth: number): string =>
  `${open.repeat(depth)}${inner}${close.repeat(depth)}`;

const DEEP: readonly string[] = [
  ...[10, 60, 200].flatMap((depth) => [
    nested("(", "1", ")", depth),
    nested("[", "1", "]", depth),
    nested("{1: ", "1", "}", depth),
    nested("a[", "0", "]", depth),
    nested("f(", "1", ")", depth),
  ]),
  ...[100, 101, 1000].flatMap((depth) => [nested("!", "a", "", depth), nested("-", "1", "", depth)]),
  ...[nested("(", "1", "", 10), nested("", "1", ")", 3)],
  ...[100, 400].flatMap((length) =>
    [".b", "[0]", ".f()", " + 1", " && a", " || a", " == a", " ? b : a"].map((part) => `a${part.repeat(length)}`),
  ),
  ...[`'${"a".repeat(4000)}'`, `[${"1, ".repeat(1000)}1]`, `f(${"1, ".repeat(100)}1)`],
  `${"[1].map(x, ".repeat(10)}x${")".repeat(10)}`,
];

/**
 * Expressions by hand, over all of CEL's grammar and the edges of its lexer, and deep ones. Whether each is right is what
 * cel-go says; nothing is expected here.
 */
export const GRAMMAR: readonly string[] = [...WRITTEN, ...DEEP];
