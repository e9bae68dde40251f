import { describe, expect, test } from "vitest";
import { headerSegment, headerSubtractions, testedHeaders } from "../../src/cel/header-names.ts";
import { pathOf } from "../../src/cel/path.ts";
import { parsed } from "./parsed.ts";

const subtractions = (text: string) =>
  headerSubtractions(parsed(text), text).map(({ header, words, start, end }) => [
    header,
    text.slice(start, end),
    words.map((word) => /^\w+/.exec(text.slice(word))?.[0]),
  ]);

describe("a header name with dashes after a dot", () => {
  test.each<readonly [string, readonly (readonly [string, string, readonly string[]])[]]>([
    ["request.headers.x-team", [["x-team", "request.headers.x-team", ["team"]]]],
    ["request.headers.x-my-team", [["x-my-team", "request.headers.x-my-team", ["my", "team"]]]],
    ["request.headers.x-a-b-c == 'a'", [["x-a-b-c", "request.headers.x-a-b-c", ["a", "b", "c"]]]],
    ["request.headers.x-team.size()", [["x-team", "request.headers.x-team", ["team"]]]],
    ["request.headers.x-team.lower", [["x-team", "request.headers.x-team", ["team"]]]],
    ["request.headers.x-team[0]", [["x-team", "request.headers.x-team", ["team"]]]],
    ["request.headers.x-team.all(a, true)", [["x-team", "request.headers.x-team", ["team"]]]],
    ["request['headers'].x-team", [["x-team", "request['headers'].x-team", ["team"]]]],
    [
      "request.headers.x-a == request.headers.y-b",
      [
        ["x-a", "request.headers.x-a", ["a"]],
        ["y-b", "request.headers.y-b", ["b"]],
      ],
    ],
    [
      "[request.headers.x-a, request.headers.x-a-b]",
      [
        ["x-a", "request.headers.x-a", ["a"]],
        ["x-a-b", "request.headers.x-a-b", ["a", "b"]],
      ],
    ],
    ["f(request.headers.x-a).b", [["x-a", "request.headers.x-a", ["a"]]]],
    ["[1].map(t, request.headers.x-team)", [["x-team", "request.headers.x-team", ["team"]]]],
    [
      "request.headers.x-a - (request.headers.y-b)",
      [
        ["x-a", "request.headers.x-a", ["a"]],
        ["y-b", "request.headers.y-b", ["b"]],
      ],
    ],
  ])("is found in %s", (text, expected) => {
    expect(subtractions(text)).toEqual(expected);
  });

  test.each([
    "request.headers.x - team",
    "request.headers.x -team",
    "request.headers.x+team",
    "request.headers['x']-team",
    "request.headers[x]-team",
    "request.headers.x.y-team",
    "request.headers-team",
    "request.header.x-team",
    "req.headers.x-team",
    "has(request.headers.x)-team",
    "f(a).b-team",
    "team-x",
    "request.headers.x-1",
    "request.headers.x-'a'",
    "request.headers.x-size(a)",
    "request.headers.x-has(a.b)",
    "request.headers.x-cel.bind(a, b, a)",
    "request.headers.x-request.size",
    "request.headers.x-source.port",
    "request.headers.x-destination.port",
    "request.headers.x-metadata.a",
    "request.headers.x-auth.a",
    "request.headers.x-context.a",
    "request.headers.x-connection.a",
    "[1].map(team, request.headers.x-team)",
    "[1].map(request, request.headers.x-team)",
    "request.headers.x",
  ])("is not found in %s", (text) => {
    expect(subtractions(text)).toEqual([]);
  });
});

describe("the header that a path reads", () => {
  const header = (text: string): string | undefined => {
    const path = pathOf(parsed(text));
    return path === undefined ? undefined : headerSegment(path)?.name;
  };

  test.each([
    ["request.headers.x", "x"],
    ["request.headers['x-team'].y", "x-team"],
    ["request.headers", undefined],
    ["request.headers[a]", undefined],
    ["request.query.x", undefined],
    ["response.headers.x", undefined],
  ])("%s: %s", (text, name) => {
    expect(header(text)).toBe(name);
  });
});

describe("a header that is looked for", () => {
  const tested = (text: string) =>
    testedHeaders(parsed(text)).map(({ name, start, end }) => [name, text.slice(start, end)]);

  test("has its name and the place of that", () => {
    expect(tested("'a' in request.headers && [1].all(i, \"b\" in request['headers'])")).toEqual([
      ["a", "'a'"],
      ["b", '"b"'],
    ]);
  });

  test.each([
    "1 in request.headers",
    "a in request.headers",
    "'a' in request.headers.x",
    "'a' in request",
    "'a' in request.query",
    "'a' in response.headers",
    "'a' in ['a']",
    "'a' == request.headers",
    "[1].all(request, 'a' in request.headers)",
  ])("is not in %s", (text) => {
    expect(tested(text)).toEqual([]);
  });
});
