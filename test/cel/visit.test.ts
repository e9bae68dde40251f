import { expect, test } from "vitest";
import { visit } from "../../src/cel/ast.ts";
import { parsed } from "./parsed.ts";

test("every node is met once, parents first, with the names bound around it", () => {
  const text = "a.map(b, c.all(d, b + d)) == [e]";
  const met: string[] = [];
  visit(parsed(text), ({ start, end }, bound) => met.push(`${text.slice(start, end)} {${[...bound].join()}}`));
  expect(met).toEqual([
    "a.map(b, c.all(d, b + d)) == [e] {}",
    "a.map(b, c.all(d, b + d)) {}",
    "a {}",
    "c.all(d, b + d) {b}",
    "c {b}",
    "b + d {b,d}",
    "b {b,d}",
    "d {b,d}",
    "[e] {}",
    "e {}",
  ]);
});
