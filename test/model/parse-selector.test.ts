import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { selectorMatches } from "../../src/model/label-selector.ts";
import { parseSelector } from "../../src/model/parse-selector.ts";

const matches = (text: string, labels: Readonly<Record<string, string>>): boolean => {
  const selector = parseSelector(text);
  if (!selector.ok) throw new Error(selector.problems.join());
  return selectorMatches(selector.value, labels);
};

describe("a label selector on one line", () => {
  test.each([
    ["a=b", { a: "b" }, true],
    ["a==b", { a: "b" }, true],
    ["a = b", { a: "c" }, false],
    ["a=", { a: "" }, true],
    ["a=", {}, false],
    ["a!=b", { a: "b" }, false],
    ["a!=b", { a: "c" }, true],
    ["a!=b", {}, true],
    ["a", { a: "" }, true],
    ["a", {}, false],
    ["!a", { a: "b" }, false],
    ["!a", {}, true],
    ["a in (b, c)", { a: "c" }, true],
    ["a in (b,c)", { a: "d" }, false],
    ["a in (b)", {}, false],
    ["a notin (b, c)", { a: "b" }, false],
    ["a notin(b)", { a: "c" }, true],
    ["a notin (b)", {}, true],
    ["sluice.dev/egress-gateway=true", { "sluice.dev/egress-gateway": "true" }, true],
    ["a in (b, c) , !d ,e=f", { a: "b", e: "f" }, true],
    ["a in (b, c),!d,e=f", { a: "b", d: "", e: "f" }, false],
    ["in in (in)", { in: "in" }, true],
  ])("'%s' over %j is %s", (text, labels, expected) => {
    expect(matches(text, labels)).toBe(expected);
  });

  test.each([
    "",
    "a,",
    ",a",
    "a=b=c",
    "a in",
    "a in b",
    "a in (b",
    "a in (b))",
    "a b",
    "a>1",
    "=a",
    "!a=b",
    "a in (b;c)",
  ])("'%s' is none", (text) => {
    expect(parseSelector(text)).toMatchObject({ ok: false });
  });

  test("a text of any length and content is read in no time", () => {
    expect(parseSelector(`a in (${"b,".repeat(100_000)}`)).toMatchObject({ ok: false });
    expect(parseSelector(`${"a".repeat(4_000)}=b`)).toMatchObject({ ok: false });
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void parseSelector(text)));
  });
});
