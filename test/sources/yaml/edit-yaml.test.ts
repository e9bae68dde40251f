import { describe, expect, test } from "vitest";
import type { FieldEdit, JsonValue } from "../../../src/model/edit.ts";
import type { FieldPath } from "../../../src/model/field-path.ts";
import { editYaml } from "../../../src/sources/yaml/edit-yaml.ts";
import { parseYaml } from "../../../src/sources/yaml/parse-yaml.ts";

/** The text after the edits of its object at `index`, or why they were refused. */
function edit(text: string, edits: readonly FieldEdit[], index = 0): string {
  const raw = parseYaml({ text, file: "f.yaml" }).documents[index]?.raw;
  const edited = editYaml({ text, file: "f.yaml" }, [{ index, edits, raw }]);
  return "text" in edited ? edited.text : `REFUSED: ${edited.refused.map(({ reason }) => reason).join("; ")}`;
}

const set = (path: FieldPath, value: JsonValue): FieldEdit => ({ op: "set", path, value });
const remove = (...path: FieldPath): FieldEdit => ({ op: "remove", path });

/** Replaces the first `from` in the string at `k`. */
function replace(text: string, from: string, to: string, path: FieldPath = ["k"]): FieldEdit {
  const raw = parseYaml({ text, file: "f.yaml" }).documents[0]?.raw;
  const value = String(path.reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], raw));
  const start = value.indexOf(from);
  if (start === -1) throw new Error(`${JSON.stringify(value)} does not hold ${from}`);
  return { op: "replace-text", path, range: { start, end: start + from.length }, text: to };
}

describe("text in a scalar", () => {
  test.each([
    ["plain", "k: a b c # note\n", "b", "x", "k: a x c # note\n"],
    ["plain before blanks and a tab", "k: a b c \t # note\n", "c", "x", "k: a b x \t # note\n"],
    ["plain over lines", "k: a b\n  c d\nl: 1\n", "c", "x", "k: a b\n  x d\nl: 1\n"],
    ["plain that must be quoted for a colon", "k: a b # n\n", "b", "x: w", 'k: "a x: w" # n\n'],
    ["plain that must be quoted for a hash", "k: ab\n", "b", " #b", 'k: "a #b"\n'],
    ["plain that would be a number", "k: a1\n", "a", "", 'k: "1"\n'],
    ["plain that would be true for kubectl", "k: yes_\n", "_", "", 'k: "yes"\n'],
    ["plain that would be empty", "k: a\n", "a", "", 'k: ""\n'],
    ["plain that would start with a sign", "k: ab\n", "a", "*", 'k: "*b"\n'],
    ["plain with double quotes that must be quoted", 'k: a "b"\n', "a", "{x", "k: '{x \"b\"'\n"],
    ["plain in a flow map", "{k: a b, l: 1}\n", "b", "x", "{k: a x, l: 1}\n"],
    ["plain in a flow map, with a comma", "{k: a b, l: 1}\n", "b", "x,w", '{k: "a x,w", l: 1}\n'],
    ["plain with brackets in a block map", "k: a b\n", "b", "x['w'], z", "k: a x['w'], z\n"],
    ["single quotes", "k: 'a ''b'' c' # n\n", "b", "it's", "k: 'a ''it''s'' c' # n\n"],
    ["single quotes that cannot hold a line break", "k: 'a b'\n", " ", "\n", 'k: "a\\nb"\n'],
    ["single quotes over lines", "k: 'a\n  b\n\n  c'\n", "b", "x", "k: 'a\n  x\n\n  c'\n"],
    ["double quotes", 'k: "a \\"b\\" \\u0041 c" # n\n', "c", '"x"', 'k: "a \\"b\\" \\u0041 \\"x\\"" # n\n'],
    ["double quotes, an escape", 'k: "a\\tb"\n', "\t", " ", 'k: "a b"\n'],
    ["double quotes over lines", 'k: "a\n  b \\\n  c"\n', "b", "x", 'k: "a\n  x \\\n  c"\n'],
    ["a literal", "k: | # n\n  a\n   b c\n\n  d\nl: 1\n", "b", "x", "k: | # n\n  a\n   x c\n\n  d\nl: 1\n"],
    ["a literal, with more lines", "k: |-\n  a b\nl: 1\n", " ", "\n\n", "k: |-\n  a\n\n  b\nl: 1\n"],
    ["a literal with an indentation digit", "k: |2\n   a\n  b\n", "b", "x", "k: |2\n   a\n  x\n"],
    ["a literal that keeps its last breaks", "k: |+\n  a b\n\nl: 1\n", "a", "x", "k: |+\n  x b\n\nl: 1\n"],
    ["a literal that loses its last break", "k: |\n  a\n  b\nl: 1\n", "\nb\n", "\nx", "k: |-\n  a\n  x\nl: 1\n"],
    ["a literal that starts with a blank", "k: |\n  a\n  b\nl: 1\n", "a", " a", 'k: " a\\nb\\n"\nl: 1\n'],
    ["a literal with a comment", "k: | # n\n  a\n  b\nl: 1\n", "\nb\n", "", "k: |- # n\n  a\nl: 1\n"],
    ["a folded scalar", "k: >-\n  a\n  b c\n\n  d\nl: 1\n", "b c", "x w", "k: >-\n  a\n  x w\n\n  d\nl: 1\n"],
    ["a folded scalar with a new line break", "k: >-\n  a\n  b c\nl: 1\n", "b ", "b\n", "k: |-\n  a b\n  c\nl: 1\n"],
    ["JSON", '{"k": "a b"}', "b", '"x"', '{"k": "a \\"x\\""}'],
    ["with an anchor and a tag", "k: &a !!str a b\n", "b", "x", "k: &a !!str a x\n"],
    ["at the end of a text without a line break", "k: a b", "b", "x", "k: a x"],
  ])("is replaced in %s", (_, text, from, to, expected) => {
    expect(edit(text, [replace(text, from, to)])).toBe(expected);
    const crlf = text.replaceAll("\n", "\r\n");
    expect(edit(crlf, [replace(crlf, from, to)])).toBe(expected.replaceAll("\n", "\r\n"));
  });

  test("is replaced at several places at once, those of the text as it was", () => {
    const text = "k: aa bb cc\n";
    expect(edit(text, [replace(text, "aa", "x"), replace(text, "cc", "yyyy")])).toBe("k: x bb yyyy\n");
  });
});

describe("a field that is there", () => {
  test.each<[string, string, FieldPath, JsonValue, string]>([
    ["a number", "a:\n  b: 1 # n\n  c: 2\n", ["a", "b"], 5, "a:\n  b: 5 # n\n  c: 2\n"],
    ["a text in the quotes that it has", "a: 'x'\n", ["a"], "it's", "a: 'it''s'\n"],
    ["a plain text", "a: x\n", ["a"], "w z", "a: w z\n"],
    ["a text for a number", "a: 1\n", ["a"], "2", 'a: "2"\n'],
    ["a text of several lines", "a:\n  b: x # n\n", ["a", "b"], "1\n2\n", "a:\n  b: | # n\n    1\n    2\n"],
    ["a map for a scalar", "a: 1 # n\nb: 2\n", ["a"], { x: { w: [1] } }, "a: # n\n  x:\n    w:\n      - 1\nb: 2\n"],
    ["a scalar for a map", "a: # n\n  # inside\n  x: 1 # m\nb: 2\n", ["a"], 5, "a: 5 # n\nb: 2\n"],
    ["a map for a map", "a: # n\n  # inside\n  x: 1\nb: 2\n", ["a"], { w: 2 }, "a: # n\n  # inside\n  w: 2\nb: 2\n"],
    ["a list for a map", "a:\n  x: 1\nb: 2\n", ["a"], [1, 2], "a:\n  - 1\n  - 2\nb: 2\n"],
    ["nothing", "a:\nb: 2\n", ["a"], 5, "a: 5\nb: 2\n"],
    ["nothing before a comment", "a: # n\nb: 2\n", ["a"], { x: 1 }, "a: # n\n  x: 1\nb: 2\n"],
    ["null", "a: null # n\n", ["a"], { x: 1 }, "a: # n\n  x: 1\n"],
    ["~ in a list", "a:\n- ~\n- 1\n", ["a", 0], { x: 1, w: 2 }, "a:\n- x: 1\n  w: 2\n- 1\n"],
    ["nothing in a list", "a:\n-\n- 1\n", ["a", 0], { x: 1, w: [2] }, "a:\n- x: 1\n  w:\n  - 2\n- 1\n"],
    ["an empty map", "a: {} # n\nb: 1\n", ["a"], { x: 1 }, "a: # n\n  x: 1\nb: 1\n"],
    ["an empty list", "a:\n- 1\nb: []\n", ["b"], [{ x: 1 }], "a:\n- 1\nb:\n- x: 1\n"],
    ["a flow map, which stays one", "a: {x: 1, w: 2}\n", ["a"], { x: [1] }, "a: {x: [1]}\n"],
    ["a value inside a flow map", "a: {x: 1, w: 2}\n", ["a", "x"], "p, q", 'a: {x: "p, q", w: 2}\n'],
    ["a key without a value in a flow map", "a: {x, w: 2}\n", ["a", "x"], 1, "a: {x: 1, w: 2}\n"],
    ["an item of a list", "a:\n- 1 # n\n- 2\n", ["a", 0], 3, "a:\n- 3 # n\n- 2\n"],
    ["a map beside its dash", "a:\n- x: 1\n  w: 2 # n\n- 2\n", ["a", 0], { z: 1 }, "a:\n- z: 1\n- 2\n"],
    ["JSON", '{"a": {"x": 1}}', ["a", "x"], { w: "é" }, '{"a": {"x": {"w": "é"}}}'],
    ["the value that it has already", "a: 0x10 # n\n", ["a"], 16, "a: 0x10 # n\n"],
    ["a field behind an unused anchor", "a: &x 1\n", ["a"], 2, "a: &x 2\n"],
  ])("gets %s", (_, text, path, value, expected) => {
    expect(edit(text, [set(path, value)])).toBe(expected);
    const crlf = text.replaceAll("\n", "\r\n");
    expect(edit(crlf, [set(path, value)])).toBe(expected.replaceAll("\n", "\r\n"));
  });
});

describe("a field that is absent", () => {
  test.each<[string, string, FieldPath, JsonValue, string]>([
    ["at the end of its map", "a:\n  x: 1 # n\nb: 2\n", ["a", "w"], 2, "a:\n  x: 1 # n\n  w: 2\nb: 2\n"],
    [
      "before comments of what follows",
      "a:\n  x: 1\n\n# b\nb: 2\n",
      ["a", "w"],
      2,
      "a:\n  x: 1\n  w: 2\n\n# b\nb: 2\n",
    ],
    ["after a block scalar", "a:\n  x: |\n    t\n\nb: 2\n", ["a", "w"], 2, "a:\n  x: |\n    t\n  w: 2\n\nb: 2\n"],
    [
      "after a kept block scalar",
      "a:\n  x: |+\n    t\n\nb: 2\n",
      ["a", "w"],
      2,
      "a:\n  x: |+\n    t\n\n  w: 2\nb: 2\n",
    ],
    ["after a key without a value", "a:\n  x: # n\nb: 2\n", ["a", "w"], 2, "a:\n  x: # n\n  w: 2\nb: 2\n"],
    ["without a line break at the end", "a:\n  x: 1", ["a", "w"], 2, "a:\n  x: 1\n  w: 2"],
    ["in the steps of the file", "a:\n    x: 1\n", ["b", "c"], 2, "a:\n    x: 1\nb:\n    c: 2\n"],
    ["with maps above it", "a:\n  x: 1\n", ["a", "w", "z", "q"], 2, "a:\n  x: 1\n  w:\n    z:\n      q: 2\n"],
    ["with a list above it", "a:\n  x: 1\n", ["a", "w", 0, "q"], 2, "a:\n  x: 1\n  w:\n    - q: 2\n"],
    [
      "as an item",
      "a:\n- x: 1 # n\n# end\nb: 1\n",
      ["a", 1],
      { x: 2, w: [3] },
      "a:\n- x: 1 # n\n- x: 2\n  w:\n  - 3\n# end\nb: 1\n",
    ],
    ["as an item of an indented list", "a:\n  - 1\n", ["a", 1], [2, 3], "a:\n  - 1\n  - - 2\n    - 3\n"],
    ["in a map beside a dash", "a:\n  -   x: 1\n  - 2\n", ["a", 0, "w"], 2, "a:\n  -   x: 1\n      w: 2\n  - 2\n"],
    ["in a flow map", "a: {x: 1} # n\n", ["a", "w"], "t", "a: {x: 1, w: t} # n\n"],
    ["in a flow map with blanks", "a: { x: 1 }\n", ["a", "w"], [1], "a: { x: 1, w: [1] }\n"],
    ["after a trailing comma", "a: [1, 2,]\n", ["a", 2], 3, "a: [1, 2, 3,]\n"],
    [
      "on a line of its own in a flow map",
      "a: {\n  x: 1 # n, m\n}\n",
      ["a", "w"],
      2,
      "a: {\n  x: 1, # n, m\n  w: 2\n}\n",
    ],
    ["in an empty map", "a: {}\n", ["a", "w", "z"], 2, "a:\n  w:\n    z: 2\n"],
    ["in an empty map of a flow map", "a: {b: {}}\n", ["a", "b", "z"], 2, "a: {b: {z: 2}}\n"],
    ["in a null", "a: null\n", ["a", "w"], 2, "a:\n  w: 2\n"],
    ["in dense JSON", '{"a":{"x":"1"}}', ["a", "w"], { b: ["t"] }, '{"a":{"x":"1","w":{"b":["t"]}}}'],
    [
      "in JSON with lines",
      '{\n  "a": {\n    "x": [\n      "1"\n    ]\n  }\n}\n',
      ["a", "w"],
      { b: ["t"] },
      '{\n  "a": {\n    "x": [\n      "1"\n    ],\n    "w": {\n      "b": [\n        "t"\n      ]\n    }\n  }\n}\n',
    ],
    ["in an empty JSON map", '{"a": {}}', ["a", "w"], 1, '{"a": {"w": 1}}'],
    ["with a key that needs quotes", "a:\n  x: 1\n", ["a", "no"], "*", 'a:\n  x: 1\n  "no": "*"\n'],
    ["as a text of several lines", "a:\n  x: 1\n", ["a", "w"], "1\n\n2", "a:\n  x: 1\n  w: |-\n    1\n\n    2\n"],
    ["after a map beside a brace", "a: {x: {w: 1}}\n", ["a", "z"], 1, "a: {x: {w: 1}, z: 1}\n"],
  ])("is added %s", (_, text, path, value, expected) => {
    expect(edit(text, [set(path, value)])).toBe(expected);
    const crlf = text.replaceAll("\n", "\r\n");
    expect(edit(crlf, [set(path, value)])).toBe(expected.replaceAll("\n", "\r\n"));
  });

  test("stands beside others that are added with the same map above them", () => {
    expect(
      edit("a:\n  x: 1\n", [set(["b", "c"], 1), set(["a", "l", 0], 1), set(["b", "d"], 2), set(["a", "l", 1], 2)]),
    ).toBe("a:\n  x: 1\n  l:\n    - 1\n    - 2\nb:\n  c: 1\n  d: 2\n");
  });
});

describe("a field that goes", () => {
  test.each<[string, string, FieldPath, string]>([
    ["a line", "a: 1\nb: 2 # n\nc: 3\n", ["b"], "a: 1\nc: 3\n"],
    ["the last line", "a: 1\nb: 2", ["b"], "a: 1"],
    ["the first line", "# head\na: 1\nb: 2\n", ["a"], "# head\nb: 2\n"],
    ["a map with its comments", "a: # n\n  # in\n  x: 1\n  # after\n\n# b\nb: 2\n", ["a"], "\n# b\nb: 2\n"],
    ["a block scalar", "a: |\n  t\n\n  u\nb: 2\n", ["a"], "b: 2\n"],
    ["an item", "a:\n- 1\n- x: 2\n  w: 3 # n\n- 4\n", ["a", 1], "a:\n- 1\n- 4\n"],
    ["a key beside a dash", "a:\n- x: 1 # n\n  w: 2\n", ["a", 0, "x"], "a:\n- w: 2\n"],
    ["an item beside a dash", "a:\n- - 1\n  - 2\n", ["a", 0, 0], "a:\n- - 2\n"],
    ["the only key", "a:\n  x: 1 # n\nb: 2\n", ["a", "x"], "a: {}\nb: 2\n"],
    ["the only item", "a: # n\n- 1\nb: 2\n", ["a", 0], "a: [] # n\nb: 2\n"],
    ["the only key beside a dash", "a:\n- x: 1\n- 2\n", ["a", 0, "x"], "a:\n- {}\n- 2\n"],
    ["the first of a flow map", "a: {x: 1, w: 2, z: 3}\n", ["a", "x"], "a: {w: 2, z: 3}\n"],
    ["the last of a flow map", "a: {x: 1, w: 2, z: 3}\n", ["a", "z"], "a: {x: 1, w: 2}\n"],
    ["the only one of a flow map", "a: {x: 1}\n", ["a", "x"], "a: {}\n"],
    ["the last of a list with a comma", "a: [1, 2, ]\n", ["a", 1], "a: [1, ]\n"],
    ["a line of JSON", '{\n  "a": 1,\n  "b": 2,\n  "c": 3\n}\n', ["b"], '{\n  "a": 1,\n  "c": 3\n}\n'],
    ["the last line of JSON", '{\n  "a": 1,\n  "b": 2\n}\n', ["b"], '{\n  "a": 1\n}\n'],
    ["the first of dense JSON", '{"a":1,"b":2}', ["a"], '{"b":2}'],
    ["a use of an anchor", "a: &x 1\nb: 2\nc:\n  d: *x\n  e: 1\n", ["c", "e"], "a: &x 1\nb: 2\nc:\n  d: *x\n"],
  ])("takes %s", (_, text, path, expected) => {
    expect(edit(text, [remove(...path)])).toBe(expected);
    const crlf = text.replaceAll("\n", "\r\n");
    expect(edit(crlf, [remove(...path)])).toBe(expected.replaceAll("\n", "\r\n"));
  });

  test("goes together with others, each at the place that it had", () => {
    expect(
      edit("a: [1, 2, 3, 4]\nb:\n- 1\n- 2\n- 3\n", [remove("a", 0), remove("a", 3), remove("b", 0), remove("b", 2)]),
    ).toBe("a: [2, 3]\nb:\n- 2\n");
    expect(edit("a: [1, 2]\nb:\n- 1\n- 2\n", [remove("a", 1), remove("a", 0), remove("b", 0), remove("b", 1)])).toBe(
      "a: []\nb: []\n",
    );
  });

  test("goes beside a dash together with those after it", () => {
    expect(edit("a:\n- x: 1\n  w: 2\n  z: 3 # n\n", [remove("a", 0, "x"), remove("a", 0, "w")])).toBe(
      "a:\n- z: 3 # n\n",
    );
  });

  test("makes room for what is added in the same place", () => {
    expect(edit("a:\n- 1\n- 2\n", [remove("a", 0), set(["a", 2], 1)])).toBe("a:\n- 2\n- 1\n");
    expect(edit("a:\n  x: 1\n", [remove("a", "x"), set(["a", "w"], 1)])).toBe("a:\n  w: 1\n");
  });
});

describe("a field that is written once for several places", () => {
  test.each<[string, string, FieldEdit, string]>([
    [
      "through an alias",
      "a: &x {v: 1}\nb: *x\n",
      set(["b", "v"], 2),
      "b is written once for several places, at f.yaml:1",
    ],
    [
      "at an anchor that is used",
      "a: &x {v: 1}\nb: *x\n",
      set(["a", "v"], 2),
      "a is written once for several places, at f.yaml:1",
    ],
    [
      "through a merge key",
      "a: &x {v: 1}\nb:\n  <<: *x\n  w: 1\n",
      set(["b", "v"], 2),
      "b.v is written once for several places, at f.yaml:1",
    ],
    ["as the value of an anchor", "a: &x 1\nb: *x\n", remove("a"), "a is written once for several places, at f.yaml:1"],
    [
      "around an anchor",
      "a:\n  b: &x 1\nc: *x\n",
      set(["a"], 2),
      "a holds an anchor that is used elsewhere, at f.yaml:2",
    ],
    ["around an anchor, removed", "a:\n  b: &x 1\nc: *x\n", remove("a"), "the object holds an anchor"],
  ])("is not changed %s", (_, text, change, reason) => {
    expect(edit(text, [change])).toContain(`REFUSED: ${reason.replace("the object holds", ": it holds")}`);
  });

  test("is changed where it is its own: beside a merge key, and where the anchor is used inside only", () => {
    expect(edit("a: &x {v: 1}\nb:\n  <<: *x\n  w: 1\n", [set(["b", "w"], 2)])).toBe(
      "a: &x {v: 1}\nb:\n  <<: *x\n  w: 2\n",
    );
    expect(edit("a:\n  b: &x 1\n  c: *x\nd: 1\n", [remove("a")])).toBe("d: 1\n");
  });
});

describe("what cannot be written exactly is refused", () => {
  test.each<[string, string, FieldEdit]>([
    ["a key written twice, removed", "a: 1\nb: 1\na: 2\n", remove("a")],
    ["a key with a question mark, removed", "? a\n: 1\n? b\n: 2\n", remove("a")],
    ["a key that a merge would bring back", "x: &x {v: 1}\nb:\n  <<: *x\n  v: 2\n", remove("b", "v")],
    ["a field after a kept block scalar, with blank lines behind it", "a: |+\n  t\nb: 1\n\nc: 1\n", remove("b")],
    ["a field of a text", "a: t\n", set(["a", "b"], 1)],
    ["a position beyond the end", "a: [1]\n", set(["a", 3], 1)],
    ["a field that is not there", "a: 1\n", remove("b")],
    ["a whole document", "a: 1\n", remove("a")],
    ["a value with a tag", "a: !!int 1\nb: !x 2\n", set(["b"], { c: 1 })],
    ["text of a number", "a: 12\n", { op: "replace-text", path: ["a"], range: { start: 0, end: 1 }, text: "3" }],
  ])("%s", (_, text, change) => {
    expect(edit(text, [change])).toMatch(/^REFUSED: ./);
  });

  test("an object that is another one than the edits were made for", () => {
    const edited = editYaml({ text: "a: 2\n", file: "f" }, [{ index: 0, edits: [remove("a")], raw: { a: 1 } }]);
    expect(edited).toMatchObject({ refused: [{ reason: "the file has changed meanwhile" }] });
  });
});

describe("several documents", () => {
  const text =
    "\ufeff%YAML 1.2\n---\n# one\na: 1 # n\n---\n\n---\nkind: List\nitems:\n- a: &x {v: 1}\n- a: 2\n...\n# end\n";
  test("keep everything but the field, byte order mark and directives included", () => {
    expect(edit(text, [set(["a"], 5)], 2)).toBe(text.replace("- a: 2", "- a: 5"));
    expect(edit(text, [set(["a", "v"], 5)], 1)).toBe(text.replace("v: 1", "v: 5"));
    expect(edit(text, [set(["b"], 5)])).toBe(text.replace("a: 1 # n\n", "a: 1 # n\nb: 5\n"));
  });

  test("are changed together, or not at all", () => {
    const raws = parseYaml({ text, file: "f" }).documents.map(({ raw }) => raw);
    const changes = raws.map((raw, index) => ({ index, raw, edits: [set(["z"], index)] }));
    const edited = editYaml({ text, file: "f" }, changes);
    expect(
      "text" in edited ? parseYaml({ text: edited.text, file: "f" }).documents.map(({ raw }) => raw) : edited,
    ).toEqual([
      { a: 1, z: 0 },
      { a: { v: 1 }, z: 1 },
      { a: 2, z: 2 },
    ]);
    const bad = { index: 1, raw: raws[1], edits: [remove("q")] };
    expect(editYaml({ text, file: "f" }, [changes[0]!, bad, changes[2]!])).toMatchObject({
      refused: [{ change: bad }],
    });
  });

  test("an unreadable one beside them stays as it is", () => {
    const broken = 'a: 1\n---\nb: "x\n---\nc: 1\n';
    expect(edit(broken, [set(["a"], 2)])).toBe(broken.replace("a: 1", "a: 2"));
  });
});
