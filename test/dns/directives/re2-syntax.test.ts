import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRe2 } from "../../../src/dns/directives/re2-syntax.ts";

const rootOf = (text: string) => {
  const parsed = parseRe2(text);
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  return parsed.value.root;
};

const set = (...ranges: readonly (readonly [number, number])[]) => ({ kind: "set", set: { negated: false, ranges } });

describe("RE2's syntax is taken apart:", () => {
  test.each([
    ["a", set([97, 97])],
    ["a|b", { kind: "either", options: [set([97, 97]), set([98, 98])] }],
    ["", { kind: "sequence", items: [] }],
    ["[a-c_]", set([97, 99], [95, 95])],
    ["[^a]", { kind: "set", set: { negated: true, ranges: [[97, 97]] } }],
    ["[]a-]", set([93, 93], [97, 97], [45, 45])],
    ["[[:digit:]x]", set([48, 57], [120, 120])],
    [String.raw`[\d.]`, set([48, 57], [46, 46])],
    [String.raw`\D`, { kind: "set", set: { negated: true, ranges: [[48, 57]] } }],
    [String.raw`\x2e`, set([46, 46])],
    [String.raw`\.`, set([46, 46])],
    [".", { kind: "set", set: { negated: true, ranges: [[10, 10]] } }],
    ["(?s).", { kind: "set", set: { negated: true, ranges: [] } }],
    ["(?i)a", { kind: "set", set: { ignoreCase: true } }],
    ["(?i:a)b", { kind: "sequence", items: [{ set: { ignoreCase: true } }, { set: { ignoreCase: false } }] }],
    ["^$", { kind: "sequence", items: [{ at: "begin" }, { at: "end" }] }],
    ["a*", { kind: "repeat", minimum: 0, maximum: Number.POSITIVE_INFINITY, lazy: false }],
    ["a+?", { kind: "repeat", minimum: 1, lazy: true }],
    ["a{2}", { kind: "repeat", minimum: 2, maximum: 2 }],
    ["a{2,}", { kind: "repeat", minimum: 2, maximum: Number.POSITIVE_INFINITY }],
    ["a{2,3}", { kind: "repeat", minimum: 2, maximum: 3 }],
    ["a{,3}", { kind: "sequence", items: [{}, {}, {}, {}, {}] }],
    ["(?P<n>a)", { kind: "group", index: 1, name: "n" }],
    ["(?<n>a)", { kind: "group", index: 1, name: "n" }],
    [String.raw`\Qa.b\E`, { kind: "sequence", items: [{}, set([46, 46]), {}] }],
  ])("%s", (text, expected) => {
    expect(rootOf(text)).toMatchObject(expected);
  });
});

describe("what RE2 does not know is refused:", () => {
  test.each([
    ["(?=a)", "look-around"],
    ["(?!a)", "look-around"],
    ["(?<=a)", "look-around"],
    ["(?<!a)", "look-around"],
    ["(?>a)", "atomic"],
    [String.raw`(a)\1`, "back-reference"],
    [String.raw`(?P<n>a)\k<n>`, "back-reference"],
    ["(?P=n)", "unsupported group"],
    ["(a", "missing closing )"],
    ["a)", "unexpected )"],
    ["[a", "missing closing ]"],
    ["[b-a]", "invalid character class range"],
    ["[[:alfa:]]", "invalid character class range"],
    ["*a", "missing argument to repetition operator: *"],
    ["a**", "invalid nested repetition operator"],
    ["a++", "invalid nested repetition operator"],
    ["a{3,2}", "invalid repeat count"],
    ["a{1001}", "invalid repeat count"],
    ["(a{100}){100}", "multiply to more than 1000"],
    ["a\\", "trailing backslash"],
    [String.raw`\y`, "invalid escape sequence"],
    [String.raw`\pL`, "Unicode class"],
    ["(?P<a>x)(?P<a>y)", "duplicate group name 'a'"],
    ["(?m)a", "only i and s are"],
    ["(".repeat(200), "nested more than 100 deep"],
    ["a".repeat(10_001), "longer than 10000"],
  ])("%s", (text, expected) => {
    expect(parseRe2(text)).toMatchObject({ ok: false, problems: [expect.stringContaining(expected)] });
  });
});

test("any text is taken apart or refused, never thrown at", () => {
  const piece = fc.constantFrom(..."ab()[]{}|*+?^$.\\-,:<>=!PQEdwsi019".split(""), "(?P<x>", "[[:", "\\x{", "{2,}");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = pieces.join("");
      const parsed = parseRe2(text);
      if (parsed.ok) expect(parsed.value.text).toBe(text);
      else expect(parsed.problems).toHaveLength(1);
    }),
    { numRuns: 2000 },
  );
});

/** Both engines agree on what is a pattern, where their syntax is the same. */
test("what is accepted of the common syntax, JavaScript accepts too", () => {
  const piece = fc.constantFrom("a", "b", "(", ")", "|", "*", "+", "?", ".", "[ab]", "[^c]", "\\.", "\\d");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join("");
      if (parseRe2(text).ok) expect(() => new RegExp(text)).not.toThrow();
    }),
    { numRuns: 2000 },
  );
});
