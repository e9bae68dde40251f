import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withoutBackslashes } from "../../../src/lint/mends/plain-regex.ts";

describe("a regular expression without backslashes", () => {
  test.each([
    ["/v\\d+/chat", "/v[0-9]+/chat"],
    ["models\\.v1", "models[.]v1"],
    ["/a\\/b", "/a/b"],
    ["/[\\w.]+", "/[0-9A-Za-z_.]+"],
    ["/[a\\.b]", "/[a.b]"],
    ["/\\D\\W", "/[^0-9][^0-9A-Za-z_]"],
    ["/\\(x\\)", "/[(]x[)]"],
  ])("%s is %s", (pattern, plain) => {
    expect(withoutBackslashes(pattern)).toBe(plain);
  });

  test.each([
    ["a quote", "/it's\\d"],
    ["a word boundary", "/\\bx"],
    ["a property of characters", "/\\pL"],
    ["an escaped backslash", "/\\\\"],
    ["the opposite of a class inside brackets", "/[\\D]"],
    ["a range that would begin with a class", "/[\\d-x]"],
    ["a range that would end with a class", "/[+-\\d]"],
    ["an escaped dash inside brackets", "/[a\\-z]"],
    ["an escaped bracket inside brackets", "/[a\\]]"],
    ["an escaped caret", "/\\^"],
    ["a bracket that stands for itself", "/[]a]\\d"],
    ["a bracket that is never closed", "/[\\d"],
    ["a backslash at the end", "/x\\"],
  ])("is not made of %s", (_, pattern) => {
    expect(withoutBackslashes(pattern)).toBeUndefined();
  });

  test("matches what the first one matches", () => {
    const parts = fc.constantFrom(
      "\\d",
      "\\w",
      "\\.",
      "\\/",
      "\\-",
      "\\+",
      "[\\d.]",
      "[a\\w]",
      "a",
      "/",
      "[x-z]",
      "\\W",
    );
    const inputs = fc.stringMatching(/^[a-d0-9./+_ -]{0,8}$/);
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 6 }), inputs, (chosen, input) => {
        const pattern = chosen.join("");
        const plain = withoutBackslashes(pattern);
        expect(plain).toBeDefined();
        expect(plain).not.toContain("\\");
        expect(new RegExp(plain ?? "").test(input)).toBe(new RegExp(pattern).test(input));
      }),
    );
  });
});
