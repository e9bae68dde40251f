import { describe, expect, test } from "vitest";
import { type SelectorPath, selectorPaths, templatePaths } from "../../src/cel/selector.ts";

/** Names, modifiers with their arguments, whether it is plain, and the text it stands in. */
const shown = (text: string) => (path: SelectorPath) => [
  path.segments.map(({ name }) => name).join(" "),
  path.modifiers.map(({ name, argument }) => `${name}=${argument}`).join(" "),
  path.plain,
  text.slice(path.start, path.end),
];

test.each<readonly [string, readonly unknown[]]>([
  ["a.b", ["a b", "", true, "a.b"]],
  ["a\\.b.c", ["a.b c", "", true, "a\\.b.c"]],
  ["a\\", ["a\\", "", true, "a\\"]],
  ["a.b.", ["a b", "", true, "a.b."]],
  ["a.@case:lower", ["a", "case=lower", true, "a.@case:lower"]],
  ["a.@base64", ["a", "base64=", true, "a.@base64"]],
  ["a.@base64.b", ["a b", "base64=", true, "a.@base64.b"]],
  ["a.@base64|b", ["a", "base64=", false, "a.@base64|b"]],
  ["a.@case:lower|b", ["a", "case=lower", false, "a.@case:lower|b"]],
  ["a.@case:lower.b", ["a b", "case=lower", true, "a.@case:lower.b"]],
  ["a.@:x", ["a", "=x", true, "a.@:x"]],
  ["a.@case:", ["a", "case=", true, "a.@case:"]],
  ["@this", ["", "this=", true, "@this"]],
  [
    'a.@replace:{"old":"x.y","new":""}.b',
    ["a b", 'replace={"old":"x.y","new":""}', true, 'a.@replace:{"old":"x.y","new":""}.b'],
  ],
  ['a.@replace:{"old":"}\\"."}.b', ["a b", 'replace={"old":"}\\"."}', true, 'a.@replace:{"old":"}\\"."}.b']],
  ["a.*", ["a", "", false, "a.*"]],
  ["a.b?", ["a", "", false, "a.b?"]],
  ["a.#", ["a", "", false, "a.#"]],
  ["a|b", ["", "", false, "a|b"]],
  ["!a", ["", "", false, "!a"]],
  ["a.[b,c]", ["a", "", false, "a.[b,c]"]],
  ["a.b(c)", ["a", "", false, "a.b(c)"]],
  [".a", ["", "", false, ".a"]],
  ["a..b", ["a", "", false, "a..b"]],
])("%s", (text, expected) => {
  expect(selectorPaths(text).map(shown(text))).toEqual([expected]);
});

describe("templates", () => {
  test.each<readonly [string, readonly string[]]>([
    ["x{a.b}y", ["a.b"]],
    ["{a}{b}", ["a", "b"]],
    ["{}{ }{a}", ["a"]],
    ["}{a}", ["a"]],
    ["}}{a}", ["a"]],
    ["{a", []],
    ["{a.{b}.c}", ["a.{b}.c"]],
    ["x { a } y", [" a "]],
    ["", []],
  ])("%s", (text, expected) => {
    expect(templatePaths(text).map(({ start, end }) => text.slice(start, end))).toEqual(expected);
  });

  test("braces inside of a modifier's arguments belong to it", () => {
    const text = '{a.@f:{"x":{"y":1}.z}.b}';
    expect(templatePaths(text).map(shown(text))).toEqual([
      ["a b", 'f={"x":{"y":1}.z}', true, 'a.@f:{"x":{"y":1}.z}.b'],
    ]);
  });

  test("inside braces, another brace is no name", () => {
    expect(templatePaths("{a.{b}}").map(({ plain }) => plain)).toEqual([false]);
  });
});

test("blanks hold no path", () => {
  expect(selectorPaths("  ")).toEqual([]);
});

test("longer text than a line of 4096 characters is not looked at", () => {
  const longest = `{${"a".repeat(4094)}}`;
  expect([selectorPaths(longest).length, templatePaths(longest).length]).toEqual([1, 1]);
  expect([selectorPaths(`${longest} `), templatePaths(`${longest} `), selectorPaths("a".repeat(4097))]).toEqual([
    [],
    [],
    [],
  ]);
  expect(selectorPaths("a".repeat(4096))).toHaveLength(1);
});
