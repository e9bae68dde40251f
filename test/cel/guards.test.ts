import { describe, expect, test } from "vitest";
import { type PresenceRules, proofsBy, union, valueKey } from "../../src/cel/guards.ts";
import { parsed } from "./parsed.ts";

/** has() proves everything but what lies below `h`. */
const RULES: PresenceRules = { hasProves: ({ segments }) => segments[0].name !== "h" };

const keys = (...paths: readonly string[]): readonly string[] =>
  paths.map((path) => (path.includes(" ") ? path : JSON.stringify(path.split(".")))).toSorted();

const proofs = (text: string) => {
  const { whenTrue, whenFalse } = proofsBy(RULES);
  const condition = parsed(text);
  return { whenTrue: [...whenTrue(condition)].toSorted(), whenFalse: [...whenFalse(condition)].toSorted() };
};

const NONE: readonly string[] = [];

test.each<readonly [string, readonly string[], readonly string[]]>([
  ["'k' in m", ["m.k"], NONE],
  ["'k' in m.n", ["m.n.k"], NONE],
  ["1 in m", NONE, NONE],
  ["k in m", NONE, NONE],
  ["'k' in ['k']", NONE, NONE],
  ["'k' in has(m.n)", NONE, NONE],
  ["has(a.b)", ["a.b"], NONE],
  ["has(h.b)", NONE, NONE],
  ["has(f(a).b)", NONE, NONE],
  ["a.b", NONE, NONE],
  ["!has(a.b)", NONE, ["a.b"]],
  ["!!has(a.b)", ["a.b"], NONE],
  ["-a.b", NONE, NONE],
  ["-('k' in m)", NONE, NONE],
  ["a == 'x'", ["a"], NONE],
  ["'x' == a", ["a"], NONE],
  ["a == null", NONE, ["a"]],
  ["null == a", NONE, ["a"]],
  ["a != null", ["a"], NONE],
  ["null != a", ["a"], NONE],
  ["a != 'x'", NONE, ["a"]],
  ["'x' != a", NONE, ["a"]],
  ["a == b", NONE, NONE],
  ["a != b", NONE, NONE],
  ["'x' == 'y'", NONE, NONE],
  ["f() == 'y'", NONE, NONE],
  ["has(a.b) == true", NONE, NONE],
  ["a < 'x'", NONE, NONE],
  ["a + 'x'", NONE, NONE],
  ["has(a.x) && has(b.x)", ["a.x", "b.x"], NONE],
  ["has(a.x) && has(a.x)", ["a.x"], NONE],
  ["has(a.x) || has(b.x)", NONE, NONE],
  ["has(a.x) || has(a.x)", ["a.x"], NONE],
  ["has(a.x) || (has(a.x) && has(b.x))", ["a.x"], NONE],
  ["(has(a.x) && has(b.x)) || has(b.x)", ["b.x"], NONE],
  ["!has(a.x) || !has(b.x)", NONE, ["a.x", "b.x"]],
  ["!has(a.x) && !has(b.x)", NONE, NONE],
  ["!has(a.x) && !has(a.x)", NONE, ["a.x"]],
  ["(!has(a.x) || !has(b.x)) && !has(b.x)", NONE, ["b.x"]],
  ["a == null || b == null", NONE, ["a", "b"]],
  ["m.exists(k, k == 'x')", ["m.x"], NONE],
  ["m.exists(k, 'x' == k)", ["m.x"], NONE],
  ["m.exists_one(k, k == 'x')", ["m.x"], NONE],
  ["m.existsOne(k, k == 'x')", ["m.x"], NONE],
  ["m.all(k, k == 'x')", NONE, NONE],
  ["m.exists(k, v, k == 'x')", NONE, NONE],
  ["m.exists(k, v, v == 'x')", NONE, NONE],
  ["m.exists(k, k != 'x')", NONE, NONE],
  ["m.exists(k, j == 'x')", NONE, NONE],
  ["m.exists(k, 'x' == j)", NONE, NONE],
  ["m.exists(k, 'x' == 'x')", NONE, NONE],
  ["m.exists(k, k.name == 'x')", NONE, NONE],
  ["m.exists(k, k == n)", NONE, NONE],
  ["m.exists(k, f(k))", NONE, NONE],
  ["[m].exists(k, k == 'x')", NONE, NONE],
  ["requestBodyJSON('/a') != null", ["requestBodyJSON /a"], NONE],
  ["responseBodyJSON('/a') == 1", ["responseBodyJSON /a"], NONE],
  ["f('/a') == 1", NONE, NONE],
])("%s proves, when true, that %j are present, and when false, %j", (text, whenTrue, whenFalse) => {
  expect(proofs(text)).toEqual({ whenTrue: keys(...whenTrue), whenFalse: keys(...whenFalse) });
});

test("a condition that is asked again is not walked again", () => {
  let asked = 0;
  const { whenTrue } = proofsBy({ hasProves: () => ++asked > 0 });
  const condition = parsed("has(a.b)");
  expect(whenTrue(condition)).toBe(whenTrue(condition));
  expect(asked).toBe(1);
});

describe("the value that a place reads", () => {
  test.each([
    ["a.b", '["a","b"]'],
    ["a['b']", '["a","b"]'],
    ["a[0]", '["a","0"]'],
    ["a[0u]", '["a","0"]'],
    ["has(a.b)", undefined],
    ["x || a[b].c", undefined],
    ["requestBodyJSON('/a')", "requestBodyJSON /a"],
    ["responseBodyJSON('/a')", "responseBodyJSON /a"],
    ["requestBodyJSON(a)", undefined],
    ["requestBodyJSON()", undefined],
    ["string('/a')", undefined],
    ["'a'", undefined],
  ])("%s is known as %s", (text, key) => {
    expect(valueKey(parsed(text))).toBe(key);
  });

  test("behind a computed index is known by its place only", () => {
    expect(valueKey(parsed("  a[b].c"))).toBe("dynamic at 2");
  });
});

describe("what two conditions prove together", () => {
  const [few, many, other, none] = [new Set(["a"]), new Set(["a", "b"]), new Set(["c", "a"]), new Set<string>()];

  test.each([
    ["the larger one when it holds the smaller", few, many, many],
    ["the larger one, whichever comes first", many, few, many],
    ["the one that is not empty", none, few, few],
    ["the one that is not empty, whichever comes first", few, none, few],
  ])("is %s, and no new set", (_title, a, b, expected) => {
    expect(union(a, b)).toBe(expected);
  });

  test("is everything of both otherwise", () => {
    expect([...union(many, other)].toSorted()).toEqual(["a", "b", "c"]);
    expect([...union(few, new Set(["c", "b"]))].toSorted()).toEqual(["a", "b", "c"]);
  });
});
