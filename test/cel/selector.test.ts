import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { selectorPaths, templatePaths } from "../../src/cel/selector.ts";

const namesIn = (text: string) => selectorPaths(text).map((path) => path.segments.map(({ name }) => name));

describe("the paths of a selector", () => {
  test.each([
    ["auth.identity.user.username", [["auth", "identity", "user", "username"]]],
    ["request.headers.x-team", [["request", "headers", "x-team"]]],
    [
      "auth.identity.metadata.annotations.kuadrant\\.io/groups",
      [["auth", "identity", "metadata", "annotations", "kuadrant.io/groups"]],
    ],
    ['request.headers.authorization.@extract:{"sep":" ","pos":1}', [["request", "headers", "authorization"]]],
    ["auth.identity.username.@case:lower", [["auth", "identity", "username"]]],
    ["Hello, {auth.identity.name}!", [["auth", "identity", "name"]]],
    [
      "{auth.identity.a.@case:upper}-{request.host}",
      [
        ["auth", "identity", "a"],
        ["request", "host"],
      ],
    ],
    ['x {auth.identity.a.@extract:{"sep":":","pos":1}} y', [["auth", "identity", "a"]]],
    ["", []],
  ])("%s", (text, expected) => {
    expect(namesIn(text)).toEqual(expected);
  });

  test("have ranges, modifiers with arguments too", () => {
    const text = 'auth.identity.a.@extract:{"sep":"}","pos":0}.@case:lower';
    const [path] = selectorPaths(text);
    expect(path?.segments.map(({ start, end }) => text.slice(start, end))).toEqual(["auth", "identity", "a"]);
    expect(path?.modifiers.map(({ name, argument, start, end }) => [name, argument, text.slice(start, end)])).toEqual([
      ["extract", '{"sep":"}","pos":0}', '@extract:{"sep":"}","pos":0}'],
      ["case", "lower", "@case:lower"],
    ]);
    expect(path?.plain).toBe(true);
  });

  test.each([
    "auth.identity.groups.#(=='a')",
    "auth.identity.*",
    "auth.identity.groups.#",
    "auth|identity",
    '!"x"',
    "a..b",
  ])("beyond names are not plain: %s", (text) => {
    expect(selectorPaths(text).map(({ plain }) => plain)).toEqual([false]);
  });

  test("of a URL stand in braces", () => {
    const url = "http://vault/v1/{auth.identity.user.username}?h={request.host}";
    expect(templatePaths(url).map(({ start, end }) => url.slice(start, end))).toEqual([
      "auth.identity.user.username",
      "request.host",
    ]);
    expect(templatePaths("http://vault/v1/x")).toEqual([]);
  });

  test("lie within any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'a.@:{}\\"#|*! x') }), (text) => {
        for (const { start, end, segments, modifiers } of [...selectorPaths(text), ...templatePaths(text)]) {
          for (const part of [...segments, ...modifiers]) {
            expect(part.start).toBeGreaterThanOrEqual(start);
            expect(part.end).toBeLessThanOrEqual(end);
          }
        }
      }),
    );
  });
});
