import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareSpecificity, intersect, isSubset, normalizeHostname } from "../../src/model/hostname.ts";

describe("normalizeHostname", () => {
  test.each([
    ["api.openai.com", "api.openai.com"],
    ["API.OpenAI.com.", "api.openai.com"],
    ["*.Anthropic.com", "*.anthropic.com"],
    ["bücher.example.com", "xn--bcher-kva.example.com"],
    ["_https.example.org", "_https.example.org"],
    ["", undefined],
    [".", undefined],
    ["10.0.0.1", undefined],
    ["1.2.3", undefined],
    ["a..b", undefined],
    ["http://api.openai.com", undefined],
    ["*.*.com", undefined],
    [`${"a".repeat(64)}.com`, undefined],
    [`${"a.".repeat(127)}com`, undefined],
  ])("reads %j as %j", (text, expected) => {
    expect(normalizeHostname(text)).toBe(expected);
  });

  test.each([
    "api.openai.com/v1",
    "api.openai.com/",
    "*.openai.com/v1",
    "Bücher.example.com/v1",
    "api.openai.com?model=a",
    "api.openai.com#top",
    "api.openai.com:443",
    "user@api.openai.com",
    "api.openai.com\\v1",
    " api.openai.com",
    "api.openai.com ",
    "api.open\tai.com",
    "api.openai.com\n",
    "api%2eopenai.com",
    "\u0000api.openai.com",
  ])("takes %j for no host name, rather than for a part of it", (text) => {
    expect(normalizeHostname(text)).toBeUndefined();
  });

  test("never throws, and what it gives stays as it is when read again", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const once = normalizeHostname(text);
        expect(once === undefined || normalizeHostname(once) === once).toBe(true);
      }),
    );
  });
});

describe("intersect", () => {
  test.each([
    ["api.openai.com", "api.openai.com", "api.openai.com"],
    ["api.openai.com", "*.openai.com", "api.openai.com"],
    ["a.b.openai.com", "*.openai.com", "a.b.openai.com"],
    ["openai.com", "*.openai.com", undefined],
    ["*.api.openai.com", "*.openai.com", "*.api.openai.com"],
    ["notopenai.com", "*.openai.com", undefined],
    ["api.openai.com", "", "api.openai.com"],
    ["", "", ""],
    ["api.openai.com", "api.anthropic.com", undefined],
  ])("of %j and %j is %j, either way round", (a, b, expected) => {
    expect(intersect(a, b)).toBe(expected);
    expect(intersect(b, a)).toBe(expected);
  });

  const label = fc.constantFrom("a", "b", "api", "com");
  const hostname = fc
    .tuple(fc.boolean(), fc.array(label, { minLength: 1, maxLength: 4 }))
    .map(([wildcard, labels]) => `${wildcard ? "*." : ""}${labels.join(".")}`);

  test("is a subset of both", () => {
    fc.assert(
      fc.property(hostname, hostname, (a, b) => {
        const both = intersect(a, b);
        expect(both === undefined || (isSubset(both, a) && isSubset(both, b))).toBe(true);
      }),
    );
  });
});

test("the most specific host name comes first", () => {
  const names = ["*.com", "openai.com", "*.api.openai.com", "api.openai.com", "*.openai.com"];
  expect(names.sort(compareSpecificity)).toEqual([
    "api.openai.com",
    "openai.com",
    "*.api.openai.com",
    "*.openai.com",
    "*.com",
  ]);
});
