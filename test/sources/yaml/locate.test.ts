import { describe, expect, test } from "vitest";
import type { FieldPath } from "../../../src/model/field-path.ts";
import type { PlacePart } from "../../../src/model/place.ts";
import { parseYaml } from "../../../src/sources/yaml/parse-yaml.ts";

/** The text that a place covers, and the place as `line:column-endLine:endColumn`. */
function located(text: string, path: FieldPath, part?: PlacePart, index = 0): readonly [string, string] {
  const document = parseYaml({ text, file: "f.yaml" }).documents[index];
  const place = document?.locate(path, part);
  if (place === undefined) return ["", "nowhere"];
  const rows = text.replace(/^\ufeff/, "").split("\n");
  const covered = rows.slice(place.line - 1, place.endLine);
  const end = covered.length - 1;
  covered[end] = covered[end]?.slice(0, place.endColumn - 1) ?? "";
  covered[0] = covered[0]?.slice(place.column - 1) ?? "";
  return [covered.join("\n"), `${place.line}:${place.column}-${place.endLine}:${place.endColumn}`];
}

const POLICY = `kind: RateLimitPolicy
spec:
  limits:
    "per.ip":
      counters:
      - expression: source.address
      - expression: |
          auth.identity
            .name
  empty:
  quoted: 'it''s'
`;

describe("a field's place", () => {
  const limit = ["spec", "limits", "per.ip"] as const;
  test.each<readonly [string, FieldPath, PlacePart, string, string]>([
    ["a plain value", [...limit, "counters", 0, "expression"], "value", "source.address", "6:21-6:35"],
    ["its key", [...limit, "counters", 0, "expression"], "key", "expression", "6:9-6:19"],
    ["a part of it", [...limit, "counters", 0, "expression"], { start: 7, end: 14 }, "address", "6:28-6:35"],
    ["a part of a block", [...limit, "counters", 1, "expression"], { start: 17, end: 21 }, "name", "9:14-9:18"],
    [
      "a block ends at its last character",
      [...limit, "counters", 1],
      "value",
      "expression: |\n          auth.identity\n            .name",
      "7:9-9:18",
    ],
    ["a quoted key", limit, "key", '"per.ip"', "4:5-4:13"],
    ["an escape inside quotes", ["spec", "quoted"], { start: 2, end: 3 }, "''", "11:14-11:16"],
    ["a part beyond the value is clamped", ["spec", "quoted"], { start: 3, end: 99 }, "s", "11:16-11:17"],
    ["an empty part", ["kind"], { start: 4, end: 4 }, "", "1:11-1:11"],
    ["a key without a value", ["spec", "empty"], "value", "empty", "10:3-10:8"],
    ["an absent field is at its parent's key", [...limit, "rates"], "value", '"per.ip"', "4:5-4:13"],
    ["an absent branch is at its closest ancestor", ["spec", "targetRef", "name"], "value", "spec", "2:1-2:5"],
    [
      "an absent field of a list item",
      [...limit, "counters", 0, "x"],
      "value",
      "expression: source.address",
      "6:9-6:35",
    ],
    ["an absent list item", [...limit, "counters", 7], "value", "counters", "5:7-5:15"],
    ["a field of a string", ["kind", "x"], "value", "kind", "1:1-1:5"],
    ["an absent field of the root", ["metadata"], "value", "kind: RateLimitPolicy", "1:1-1:22"],
    [
      "a number where a range is asked for",
      [...limit, "counters"],
      { start: 0, end: 1 },
      POLICY.split("\n").slice(5, 9).join("\n").trimStart(),
      "6:7-9:18",
    ],
  ])("%s", (_title, path, part, text, place) => {
    expect(located(POLICY, path, part)).toEqual([text, place]);
  });

  test("the whole object", () => {
    expect(located(POLICY, [])[0]).toBe(POLICY.trimEnd());
  });

  test("paths start at the item of a List, also inside another List", () => {
    const text = "kind: List\nitems:\n- kind: A\n- kind: List\n  items:\n  - kind: B\n";
    expect(located(text, ["kind"], "value", 0)).toEqual(["A", "3:9-3:10"]);
    expect(located(text, ["kind"], "value", 1)).toEqual(["B", "6:11-6:12"]);
  });

  test("paths start at the item of a JSON list", () => {
    expect(located('[\n {"a": "x"},\n {"a": "\\u0041y"}\n]', ["a"], { start: 0, end: 1 }, 1)).toEqual([
      "\\u0041",
      "3:9-3:15",
    ]);
  });

  test("of equal keys the last is meant, as its value counts", () => {
    expect(located("a: 1\nb: 2\na: 3\n", ["a"])).toEqual(["3", "3:4-3:5"]);
  });

  test("an alias is placed where it stands, its inside where it is written", () => {
    const text = "a: &x {b: hello}\nc: *x\nd: {<<: *x, e: 1}\n";
    expect(located(text, ["c"])).toEqual(["*x", "2:4-2:6"]);
    expect(located(text, ["c", "b"], { start: 1, end: 3 })).toEqual(["el", "1:12-1:14"]);
    expect(located(text, ["d", "b"], "key")).toEqual(["b", "1:8-1:9"]);
  });

  test("columns count UTF-16 units and leave out the byte order mark", () => {
    expect(located('\ufeffa: "😀b"\n', ["a"], { start: 2, end: 3 })).toEqual(["b", "1:7-1:8"]);
  });

  test("CRLF ends a line before the carriage return", () => {
    expect(located("a: x\r\nb: >-\r\n  one\r\n  two\r\n", ["b"], { start: 4, end: 7 })).toEqual(["two", "4:3-4:6"]);
    expect(located("a: x\r\nb: {}\r\n", ["zzz"])).toEqual(["a: x", "1:1-1:5"]);
  });

  test.each([
    ["folded", "a: >\n  one two\n  three\n\n  four\n", "three", "3:3-3:8"],
    ["plain over lines", "a: one\n  two\n  three\n", "three", "3:3-3:8"],
    ["double-quoted over lines", 'a: "one\n  t\\\n  wo three"\n', "three", "3:6-3:11"],
    ["single-quoted over lines", "a: 'one\n\n  two three'\n", "three", "3:7-3:12"],
    ["literal with an indentation digit", "a: |1-\n   one\n three\n", "three", "3:2-3:7"],
  ])("inside a %s scalar", (_title, text, word, place) => {
    const raw = parseYaml({ text, file: "f" }).documents[0]?.raw as { a: string };
    const start = raw.a.indexOf(word);
    expect(located(text, ["a"], { start, end: start + word.length })).toEqual([word, place]);
  });
});
