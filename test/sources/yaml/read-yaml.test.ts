import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { parseYaml } from "../../../src/sources/yaml/parse-yaml.ts";
import { readYaml } from "../../../src/sources/yaml/read-yaml.ts";
import { simpleDocuments } from "../../../src/sources/yaml/simple-documents.ts";

const SIMPLE: readonly (readonly [name: string, text: string])[] = [
  ["a map", "kind: Gateway\nmetadata:\n  name: egress\n"],
  ["comments and blank lines", "# first\n\nkind: Gateway # why\n\n  # between\nspec:\n\n  a: 1\n# last\n"],
  ["a list as far left as its key", "spec:\n- a\n- b: 1\n  c: 2\nkind: X\n"],
  ["lists inside lists", "spec:\n  - - a\n    - b\n  -\n    - c\n"],
  ["empty values", "a:\nb: # none\nc:\n  d:\ne: 1\n"],
  ["quoted texts and keys", "\"a b\": 'it''s'\n'c': \"x\\ny \\u00e9\"\n"],
  ["brackets", 'a: [1, "b: c", {d: e, f: [g]}, h i]\nb: {}\nc: []\nd: {k: http://a.example/b?c=d}\n'],
  ["brackets over several lines", "a: [\n    1,\n    2\n  ]\nb: {\n  c: d,\n\n  e: f\n  }\n"],
  ["a literal block", "a: |\n  one\n    two\n\n  three\n\n\nb: |-\n  x\nc: |+\n  y\n\nd: 1\n"],
  ["a folded block", "a: >-\n  one\n  two\nb: >\n  three\n"],
  ["a block in a list", "a:\n  - |\n    x\n    y\n  - >-\n    z\n"],
  ["numbers, truth and nothing", "a: 1\nb: -2\nc: 1.5\nd: true\ne: null\nf: ~\ng: False\nh: 0\n"],
  ["texts that only look like numbers", "a: 24h\nb: 10.0.0.1\nc: 2026-01-01\nd: 1m\ne: v1\nf: -x\ng: .example\n"],
  ["several documents", "---\na: 1\n---\n# nothing\n---\nb: 2\n--- \nc: 3"],
  ["an indented document", "  a: 1\n  b:\n    - 2\n"],
  ["a list at the top", "- kind: A\n  apiVersion: v1\n- kind: B\n  apiVersion: v1\n"],
  ["a typed list", "kind: GatewayList\napiVersion: v1\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n"],
  ["colons, dashes and hashes inside texts", "a: b:c\nb: x - y\nc: a#b\nd: http://a.example/#x\n"],
];

const BEYOND: readonly (readonly [name: string, text: string])[] = [
  ["anchors and aliases", "a: &x 1\nb: *x\n"],
  ["tags", "a: !x 1\n"],
  ["a merge key", "a: {b: 1}\n<<: {c: 2}\n"],
  ["a key that is written twice", "a: 1\na: 2\n"],
  ["a key that is written twice in brackets", "a: {b: 1, b: 2}\n"],
  ["a tab", "a:\tb\n"],
  ["CRLF", "a: 1\r\n"],
  ["a control character", "a: x\u0000y\n"],
  ["a byte order mark", "\ufeffa: 1\n"],
  ["a plain text over several lines", "a: b\n  c\n"],
  ["a quoted text over several lines", 'a: "b\n  c"\n'],
  ["an unclosed quote", 'a: "b\n'],
  ["an unclosed bracket", "a: [b\n"],
  ["a value that kubectl reads otherwise", "a: yes\n"],
  ["an octal number", "a: 0777\n"],
  ["a hexadecimal number", "a: 0x1f\n"],
  ["a large number", "a: 12345678901234567890\n"],
  ["an exponent", "a: 1e3\n"],
  ["infinity", "a: .inf\n"],
  ["a key that is no text", "true: 1\n"],
  ["a key without a value", "a: 1\nb\n"],
  ["a nested key on one line", "a: b: c\n"],
  ["wrong indentation", "a:\n    b: 1\n  c: 2\n"],
  ["a directive", "%YAML 1.1\n---\na: 1\n"],
  ["the end of a document", "a: 1\n...\nb: 2\n"],
  ["text behind a separator", "--- a: 1\n"],
  ["`__proto__`", "__proto__: {a: 1}\n"],
  ["`__proto__` in brackets", 'a: {"__proto__": 1}\n'],
  ["a block with an indentation sign", "a: |2\n    x\n"],
  ["a folded block with a blank line", "a: >\n  x\n\n  y\n"],
  ["a block that ends without a line break", "a: |\n  x"],
  ["deep nesting", `${"- ".repeat(60)}a\n`],
  ["a text alone", "hello\n"],
  ["a complex key", "? a\n: b\n"],
];

test.each(SIMPLE)("%s is read without the parser, to the same objects and places", (_name, text) => {
  expect(simpleDocuments(text)).toBeDefined();
  expectSame(text);
});

test.each(BEYOND)("%s is left to the parser", (_name, text) => {
  expect(simpleDocuments(text)).toBeUndefined();
  expectSame(text);
});

const paths = (value: unknown, path: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] =>
  value === null || typeof value !== "object"
    ? [path]
    : [
        path,
        ...Object.entries(value).flatMap(([key, one]) =>
          paths(one, [...path, Array.isArray(value) ? Number(key) : key]),
        ),
      ];

function expectSame(text: string): void {
  const own = readYaml({ text, file: "f.yaml" });
  const real = parseYaml({ text, file: "f.yaml" });
  expect(own.problems).toEqual(real.problems);
  expect(own.documents.map(({ raw, index }) => ({ raw, index }))).toEqual(
    real.documents.map(({ raw, index }) => ({ raw, index })),
  );
  expect(JSON.stringify(own.documents.map(({ raw }) => raw))).toBe(
    JSON.stringify(real.documents.map(({ raw }) => raw)),
  );
  for (const [index, document] of own.documents.entries()) {
    for (const path of paths(document.raw)) {
      expect(document.locate(path)).toEqual(real.documents[index]?.locate(path));
      expect(document.locate(path, "key")).toEqual(real.documents[index]?.locate(path, "key"));
    }
  }
}

/** Pieces of YAML that mean something, in any order: most of it wrong, much of it nearly right. */
const pieces = fc
  .array(
    fc.constantFrom(
      ..."a|b|key|kind|: |:|\n|\n  |\n    |\n- |- |-|# c| #|'|\"|[|]|{|}|, |,|>|>-\n|\\|\n".split("|"),
      ..."1|-1|1.0|0x1|yes|null|~|true|&a|*a|!t|<<|---\n|...\n|%|@|`|?|x y|x:y|\\n|é|\u00a0|\t| ".split("|"),
      "|\n",
      "|-\n",
      "|",
    ),
    { maxLength: 24 },
  )
  .map((parts) => parts.join(""));

describe("any text", () => {
  test("in pieces gives what the parser gives", () => {
    fc.assert(fc.property(pieces, expectSame), { numRuns: 4_000 });
  });

  test("that holds any JSON gives that JSON, however it is written", () => {
    const json = fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue({ maxDepth: 4 }), { minKeys: 1 });
    const styles = fc.constantFrom(
      (value: unknown) => stringify(value),
      (value: unknown) => stringify(value, { collectionStyle: "flow" }),
      (value: unknown) => JSON.stringify(value, undefined, 2),
    );
    fc.assert(
      fc.property(json, styles, (value, write) => expectSame(write({ kind: "X", value }))),
      { numRuns: 500 },
    );
  });
});

test("places are found in whichever order they are asked for, over more documents than are kept", () => {
  const text = Array.from({ length: 200 }, (_, index) => `kind: K${index}\nspec: {a: ${index}}\n`).join("---\n");
  const { documents } = readYaml({ text, file: "f.yaml" });
  for (const index of [199, 0, 100, 199, 1]) {
    expect(documents[index]?.locate(["spec", "a"])).toMatchObject({ line: index * 3 + 2, column: 11 });
  }
});
