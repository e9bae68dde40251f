import { describe, expect, test } from "vitest";
import { formatProblem } from "../../../src/sources/source-problem.ts";
import { parseYaml } from "../../../src/sources/yaml/parse-yaml.ts";

const parse = (text: string) => parseYaml({ text, file: "f.yaml" });
const raws = (text: string) => parse(text).documents.map((document) => document.raw);
const lines = (text: string) => parse(text).problems.map(formatProblem);

describe("objects of a text", () => {
  const cases: readonly (readonly [string, string, readonly unknown[]])[] = [
    ["several documents", "a: 1\n---\nb: 2\n", [{ a: 1 }, { b: 2 }]],
    ["comments, empty documents and nulls are no objects", "# x\n---\n---\nnull\n---\n~\n---\na: 1\n", [{ a: 1 }]],
    ["nothing at all", "", []],
    ["JSON with tabs", '{\n\t"a": [\n\t\t1\n\t]\n}\n', [{ a: [1] }]],
    ["a JSON list at the top", '[{"a":1},null,{"b":2}]', [{ a: 1 }, { b: 2 }]],
    ["a List", "kind: List\napiVersion: v1\nitems: [{a: 1}, {b: 2}]", [{ a: 1 }, { b: 2 }]],
    [
      "a typed list gives its items their kind",
      "kind: GatewayList\napiVersion: g/v1\nitems: [{metadata: {name: x}}]",
      [{ apiVersion: "g/v1", kind: "Gateway", metadata: { name: "x" } }],
    ],
    ["a List inside a List", "kind: List\nitems: [{kind: List, items: [{a: 1}]}]", [{ a: 1 }]],
    [
      "a kind that ends in List without items is an object",
      "kind: AllowList\nspec: {}",
      [{ kind: "AllowList", spec: {} }],
    ],
    ["a byte order mark and CRLF", "\ufeffa: 1\r\nb: x\r\n", [{ a: 1, b: "x" }]],
    [
      "anchors and merge keys",
      "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  b: 3\n",
      [{ a: { b: 1, c: 2 }, d: { b: 3, c: 2 } }],
    ],
    [
      "merge of several maps, the first wins",
      "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}\n",
      [{ a: { x: 1 }, b: { x: 2, y: 2 }, c: { x: 1, y: 2 } }],
    ],
    ["a quoted << is a key", 'a: {"<<": 1}', [{ a: { "<<": 1 } }]],
    [
      "an anchor written again",
      "a: &x 1\nb: [&y [*x]]\nc: &x 2\nd: *y\ne: *x",
      [{ a: 1, b: [[1]], c: 2, d: [1], e: 2 }],
    ],
    ["keys that are no strings", "1: a\ntrue: b\nnull: c\n", [{ "1": "a", true: "b", null: "c" }]],
    ["%YAML 1.1 does not bring dates", "%YAML 1.1\n---\na: 2020-01-01\n", [{ a: "2020-01-01" }]],
    ["what JSON cannot hold stays text", "a: .inf\nb: -.inf\nc: .nan\n", [{ a: ".inf", b: "-.inf", c: ".nan" }]],
  ];
  test.each(cases)("%s", (_title, text, expected) => {
    expect(raws(text)).toEqual(expected);
    expect(parse(text).problems.filter((problem) => problem.severity === "error")).toEqual([]);
  });

  test("__proto__ is a key and changes no prototype", () => {
    const [raw] = raws('{"__proto__": {"polluted": 1}, "x": {"__proto__": 2}}') as Record<string, unknown>[];
    expect(Object.keys(raw ?? {})).toEqual(["__proto__", "x"]);
    expect(Object.getPrototypeOf(raw)).toBe(Object.prototype);
    expect((raw as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test("objects are numbered through the whole input", () => {
    const { documents } = parse("a: 1\n---\nkind: List\nitems: [{b: 1}, {c: 1}]\n---\nd: 1\n");
    expect(documents.map(({ index, file }) => [index, file])).toEqual([0, 1, 2, 3].map((index) => [index, "f.yaml"]));
  });
});

describe("a mistake names its place, and the other documents are used", () => {
  const after = "\n---\nb: 1\n";
  test.each([
    ["unclosed double quote", `a: "open${after}`, "f.yaml:1:4: error: a quote is opened here and not closed"],
    ["unclosed single quote", `x: 1\na: 'open${after}`, "f.yaml:2:4: error: a quote is opened here and not closed"],
    ["unclosed bracket", `a: [1,${after}`, "f.yaml:2:1: error: a bracket is opened and not closed"],
    ["unclosed brace", `a: {b: 1${after}`, "f.yaml:2:1: error: a bracket is opened and not closed"],
    ["colon in a plain value", `a: b: c${after}`, "f.yaml:1:4: error: a second `key: value` stands"],
    ["tab as indentation", `a:\n\t- b${after}`, "f.yaml:2:1: error: a tab is used as indentation"],
    ["wildcard without quotes", `h: *.example.com${after}`, "f.yaml:1:4: error: `*.example.com` without quotes refers"],
    ["anchor that is not there", `a: *x${after}`, "f.yaml:1:4: error: `*x` without quotes refers to an anchor"],
    ["alias inside its own anchor", `a: &a [*a]${after}`, "f.yaml:1:8: error: `*a` without quotes refers"],
    ["value that starts with @", `a: @x${after}`, "f.yaml:1:4: error: a value cannot start with this character"],
    ["unknown escape", `a: "\\q"${after}`, "f.yaml:1:5: error: a backslash in double quotes"],
    ["map as a key", `? [a]\n: 1${after}`, "f.yaml:1:3: error: a map's key must be a string"],
    ["merge of no map", `a: {<<: 1}${after}`, "f.yaml:1:9: error: `<<` merges maps, and this is none"],
    ["text after a JSON object", `{"a": 1} x${after}`, "f.yaml:1:10: error: text follows after the end of a value"],
    ["bracket too many", `a: 1\n}${after}`, 'f.yaml:2:1: error: "}" cannot stand here'],
  ])("%s", (_title, text, expected) => {
    const { documents, problems } = parse(text);
    expect(documents.map((document) => document.raw)).toEqual([{ b: 1 }]);
    expect(problems.map(formatProblem)[0]).toContain(expected);
    expect(problems.map(formatProblem).join()).not.toMatch(/undefined|NaN|\[object/);
  });

  test("mistakes of several documents are all reported", () => {
    expect(
      lines("a: b: c\n---\nok: 1\n---\nd: 'x\n---\ne: [1\n---\nf: 1\n").map((line) => line.split(": ")[0]),
    ).toEqual(["f.yaml:1:4", "f.yaml:5:4", "f.yaml:8:1"]);
  });
});

describe("what is probably not meant is warned of", () => {
  test.each([
    ["a: yes", 'f.yaml:1:4: warning: `yes` without quotes is "yes" in YAML 1.2, but kubectl reads it as true'],
    ["off: 1", "f.yaml:1:1: warning: `off` without quotes"],
    ["a: 0777", "reads it as 511"],
    ["a: 1_000", "reads it as 1000"],
    ["a: -0b11", "reads it as -3"],
    ["a: !auth.identity.x", "f.yaml:1:4: warning: `!auth.identity.x` without quotes is a YAML tag"],
    [
      "a: {b: 1}\nc: 2\na: 3",
      'f.yaml:3:1: warning: the key "a" is written twice in one map; the last one counts (it is first written here: f.yaml:1:1)',
    ],
  ])("%j", (text, expected) => {
    expect(lines(text)).toHaveLength(1);
    expect(lines(text)[0]).toContain(expected);
  });

  test.each(['a: "yes"', "a: 'off'", "a: |\n  yes\n", "a: 0", "a: 0.5", "a: 10", "a: true", "a: 0x1F", "a: !!str yes"])(
    "%j is clear",
    (text) => expect(lines(text)).toEqual([]),
  );

  test("what an anchor repeats is warned of once", () => {
    expect(lines("a: &x {b: yes}\nc: *x\nd: *x\n")).toHaveLength(1);
  });
});

const laughs = ["a: &a [1,1,1,1,1,1,1,1,1]"]
  .concat([..."bcdefghij"].map((name, at) => `${name}: &${name} [${Array(9).fill(`*${"abcdefghij"[at]}`).join(",")}]`))
  .join("\n");

describe("input beyond a limit is refused in a moment, with one problem", () => {
  test.each([
    ["size", "x".repeat(4 * 1024 * 1024 + 1), "f.yaml: error: holds 4.0 MiB"],
    ["brackets", "[".repeat(4_000_000), "f.yaml:1:101: error: maps and lists are nested more than 100 deep"],
    ["braces", '{"a":'.repeat(500_000), "nested more than 100 deep"],
    ["dashes", "- ".repeat(2_000_000), "f.yaml:1:201: error: maps and lists are nested more than 100 deep"],
    [
      "indentation",
      Array.from({ length: 150 }, (_, at) => `${" ".repeat(at)}k:\n`).join(""),
      "nested more than 100 deep",
    ],
    ["deep indentation", Array.from({ length: 2500 }, (_, at) => `${" ".repeat(at)}k:\n`).join(""), "nested"],
    ["documents", "---\n".repeat(1_000_000), "f.yaml:10001:1: error: more than 10000 documents"],
    ["tokens", "- a\n".repeat(1_000_000), "more than 2000000 tokens in one input"],
    ["aliases that multiply", laughs, "f.yaml:3:8: error: anchors are used more than 100 times"],
    [
      "aliases that repeat much",
      `a: &a [${"1,".repeat(30_000)}]\nb: [*a, *a, *a, *a]`,
      "anchors repeat more than 100000 values",
    ],
  ])("%s", (_title, text, expected) => {
    const started = performance.now();
    const { documents, problems } = parse(text);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(documents).toEqual([]);
    expect(problems).toHaveLength(1);
    expect(problems.map(formatProblem)[0]).toContain(expected);
  });

  test("depth 100 and 100 uses of an anchor are allowed", () => {
    expect(parse(`${"[".repeat(99)}1${"]".repeat(99)}`).problems).toEqual([]);
    expect(parse(`a: &a x\nb: [${Array(100).fill("*a").join(",")}]`).problems).toEqual([]);
  });

  test("very many warnings are cut off", () => {
    const { documents, problems } = parse("k: 1\n".repeat(5_000));
    expect(documents).toHaveLength(1);
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)?.message).toContain("more warnings follow");
  });
});
