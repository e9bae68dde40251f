import { describe, expect, test } from "vitest";
import { fetchedNames, formatAttributePath, pathKey, pathOf, pathRange, startsWithNames } from "../../src/cel/path.ts";
import { AUTHORINO_PRESENCE, pathUses, readsHeadersWhole, wasmPresence } from "../../src/cel/path-uses.ts";
import { parsed } from "./parsed.ts";

const path = (text: string) => {
  const found = pathOf(parsed(text));
  if (found === undefined) throw new Error(`no path: ${text}`);
  return found;
};

test.each([
  ["a", "a", '["a"]', ["a"]],
  ["a.b.c", "a.b.c", '["a","b","c"]', ["a", "b", "c"]],
  ["a['b'].c", "a['b'].c", '["a","b","c"]', ["a"]],
  ["a[0]", "a[0]", '["a","0"]', ["a"]],
  ["a[12u]", "a[12]", '["a","12"]', ["a"]],
  ["a['1a']", "a['1a']", '["a","1a"]', ["a"]],
  ["a['a1']", "a['a1']", '["a","a1"]', ["a"]],
  ["a[b]", "a[…]", "dynamic at 0", ["a"]],
  ["a[b].c", "a[…].c", "dynamic at 0", ["a"]],
  ["a[true]", "a[…]", "dynamic at 0", ["a"]],
  ["a[1.5]", "a[…]", "dynamic at 0", ["a"]],
  ["a[b'x']", "a[…]", "dynamic at 0", ["a"]],
  ["a[null]", "a[…]", "dynamic at 0", ["a"]],
  ["a.b[c]", "a.b[…]", "dynamic at 0", ["a", "b"]],
  ["a.?b.c", "a.b.c", '["a","b","c"]', ["a", "b", "c"]],
])("%s is written as %s, known as %s and fetched as %j", (text, written, key, fetched) => {
  const found = path(text);
  expect([formatAttributePath(found), pathKey(found), fetchedNames(found)]).toEqual([written, key, fetched]);
});

test("a computed index has no name", () => {
  expect(path("a[true]").segments[1]).toEqual({ name: "", access: "dynamic", optional: false, start: 2, end: 6 });
  expect(path("a[?b]").segments[1]).toEqual({ name: "", access: "dynamic", optional: true, start: 3, end: 4 });
});

test.each(["'a'", "f(a)", "a + b", "has(a.b).c", "has(a.b)[0]", "f(a).b", "[a][0]", "{'a': b}.a"])(
  "%s spells no path",
  (text) => {
    expect(pathOf(parsed(text))).toBeUndefined();
  },
);

test("an index never tests", () => {
  expect([path("a['b']").test, path("a.b").test, path("has(a.b)").test]).toEqual([false, false, true]);
});

test.each([
  ["a.b", "a.b"],
  ["has(a.b)", "a.b"],
  ["has( a.b[0].c )", "a.b[0].c"],
])("the path of %s is written at %s", (text, written) => {
  const { start, end } = pathRange(path(text));
  expect(text.slice(start, end)).toBe(written);
});

test.each<readonly [string, readonly string[], boolean]>([
  ["a.b.c", ["a", "b"], true],
  ["a.b", ["a", "b"], true],
  ["a.b.c", [], true],
  ["a", ["a", "b"], false],
  ["a.c", ["a", "b"], false],
  ["c.b", ["a", "b"], false],
  ["a[b]", ["a", ""], false],
])("%s starts with %j: %s", (text, names, expected) => {
  expect(startsWithNames(path(text), ...names)).toBe(expected);
});

describe("the headers are read as a whole", () => {
  test.each([
    ["request.headers['x']", true],
    ["request.headers", true],
    ["request.headers.?x", false],
    ["'x' in request.headers", true],
    ["request.headers.x", false],
    ["request['headers'].x", false],
    ["request.query['x']", false],
    ["response.headers['x']", false],
    ["request", false],
  ])("in %s: %s", (text, expected) => {
    expect(readsHeadersWhole(parsed(text))).toBe(expected);
  });

  test("so that has() proves a header", () => {
    const single = wasmPresence(parsed("request.headers.x"));
    expect(wasmPresence(parsed("request.headers"))).toBe(AUTHORINO_PRESENCE);
    expect([single.hasProves(path("request.headers.x")), single.hasProves(path("auth.identity.x"))]).toEqual([
      false,
      true,
    ]);
  });
});

describe("the uses of a tree", () => {
  test("are found once for each set of rules", () => {
    const tree = parsed("a.b == c.d");
    const uses = pathUses(tree, AUTHORINO_PRESENCE);
    expect(pathUses(tree, AUTHORINO_PRESENCE)).toBe(uses);
    expect(pathUses(tree, { hasProves: () => false })).not.toBe(uses);
  });

  test("are in the order of the text, those inside an index too", () => {
    const text = "a.b[c.d].e[f] + g.h";
    const found = pathUses(parsed(text), AUTHORINO_PRESENCE).map((use) => text.slice(use.path.start, use.path.end));
    expect(found).toEqual(["a.b[c.d].e[f]", "c.d", "f", "g.h"]);
  });

  test("know the expression around them", () => {
    const text = "f(a.b) && c.d[e]";
    const around = pathUses(parsed(text), AUTHORINO_PRESENCE).map(({ parent }) =>
      parent === undefined ? "" : text.slice(parent.start, parent.end),
    );
    expect(around).toEqual(["f(a.b)", text, "c.d[e]"]);
  });

  test("beside other operators than && and || are guarded by nothing", () => {
    for (const text of ["has(a.b) == a.b", "has(a.b) + a.b", "has(a.b) < a.b"]) {
      expect(pathUses(parsed(text), AUTHORINO_PRESENCE).map(({ present }) => present.size)).toEqual([0, 0]);
    }
  });
});
