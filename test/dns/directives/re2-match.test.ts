import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileRe2 } from "../../../src/dns/directives/re2-match.ts";
import { parseRe2 } from "../../../src/dns/directives/re2-syntax.ts";

const matcherOf = (text: string) => {
  const parsed = parseRe2(text);
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  return compileRe2(parsed.value);
};

/** Patterns that RE2 and JavaScript read alike: no group, and nothing that can be empty, is repeated. */
const { pattern } = fc.letrec((tie) => ({
  atom: fc.oneof(
    fc.constantFrom("a", "b", "ab", ".", "[ab]", "[^a]", "[a-c.]", String.raw`\.`, String.raw`\d`, String.raw`\w`, "x"),
    tie("solid").map((inside) => `(?:${inside})`),
  ),
  solid: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("a", "b.", "[ab]", String.raw`\W`, "abc"),
    fc.tuple(tie("solid"), tie("solid")).map(([one, two]) => `${one}|${two}`),
    fc.tuple(tie("atom"), fc.constantFrom("+", "+?", "{2}", "{1,3}", "{2,}?")).map(([one, times]) => `${one}${times}`),
  ),
  piece: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    tie("atom"),
    fc.constantFrom("^", "$", String.raw`\b`, String.raw`\B`, "", ".*", "a*?", "(b*)"),
    fc
      .tuple(tie("atom"), fc.constantFrom("*", "+", "?", "*?", "+?", "??", "{0,2}", "{2}", "{1,}?", "{2,4}"))
      .map(([one, times]) => (/^(?:\\?.|\[.*\]|\(.*\))$/.test(String(one)) ? `${one}${times}` : `(?:${one})${times}`)),
    tie("pattern").map((inside) => `(${inside})`),
  ),
  pattern: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.array(tie("piece"), { maxLength: 5 }).map((pieces) => pieces.join("")),
    fc.tuple(tie("pattern"), tie("pattern")).map(([one, two]) => `${one}|${two}`),
  ),
}));

const subject = fc.string({ unit: fc.constantFrom("a", "b", "c", ".", "x", "1", " ", "\n"), maxLength: 14 });

describe("JavaScript's engine agrees", () => {
  test("on what a pattern that both read alike finds, and on its groups", () => {
    let found = 0;
    fc.assert(
      fc.property(pattern.map(String), subject, (text, name) => {
        const expected = new RegExp(text).exec(name);
        const matcher = matcherOf(text);
        const actual = matcher.match(name);
        expect(matcher.test(name)).toBe(expected !== null);
        expect(actual?.index).toBe(expected?.index);
        expect(actual?.groups).toEqual(expected === null ? undefined : [...expected].map((group) => group ?? ""));
        if (actual !== undefined) expect(actual.end).toBe(actual.index + (actual.groups[0] ?? "").length);
        found += actual === undefined ? 0 : 1;
      }),
      { numRuns: 3000 },
    );
    expect(found).toBeGreaterThan(500);
  });

  test("on case folding", () => {
    const letters = fc.string({
      unit: fc.constantFrom("a", "B", "k", "S", "\u212a", "\u017f", "é", "É", "z"),
      maxLength: 4,
    });
    fc.assert(
      fc.property(letters, letters, (text, name) => {
        const expected = new RegExp(text, "iu").exec(name);
        expect(matcherOf(`(?i)${text}`).match(name)?.index).toBe(expected?.index);
      }),
    );
  });
});

describe("a pattern finds what Go's finds:", () => {
  test.each([
    ["leftmost, then first", "a|ab", "xab", ["a"]],
    ["a loop over what can be empty", "(|a)*", "aa", ["", ""]],
    ["a loop of one or more over what can be empty", "(|a)+", "aa", ["", ""]],
    ["the last round of a repeated group", "(a|b)*", "ab", ["ab", "b"]],
    ["a group that an earlier round set", "(?:(a)|b)*", "ab", ["ab", "a"]],
    ["an empty loop inside a loop", "(a*)*", "aab", ["aa", "aa"]],
    ["an empty loop inside a loop of one or more", "(a*)+", "b", ["", ""]],
    ["a group that took no part is empty", "(a)|(b)", "b", ["b", "", "b"]],
    ["$ is the very end", "a$", "a\n", undefined],
    [String.raw`\z too`, String.raw`a\z`, "ba", ["a"]],
    ["no line end for .", "a.b", "a\nb", undefined],
    ["but with the flag s", "(?s)a.b", "a\nb", ["a\nb"]],
    ["a negated class has line ends", "a[^x]b", "a\nb", ["a\nb"]],
    ["the flag i ends with its group", "(?i:A)b", "aB", undefined],
    ["a class under the flag i", "(?i)[^A]", "a", undefined],
    ["a character outside the basic plane is one", "^.$", "\u{1f600}", ["\u{1f600}"]],
    ["ASCII words only", String.raw`\bé`, "é", undefined],
    ["counted repeats", "^(?:ab){2,3}", "abababab", ["ababab"]],
    ["lazy counted repeats", "^(?:ab){2,3}?", "abababab", ["abab"]],
    ["no repeat at all", "xa{0}y", "xy", ["xy"]],
    ["literal text", String.raw`\Qa.b\E`, "a.b", ["a.b"]],
    ["an empty pattern", "", "abc", [""]],
  ])("%s", (_, text, name, groups) => {
    expect(matcherOf(text).match(name)?.groups).toEqual(groups);
    expect(matcherOf(text).test(name)).toBe(groups !== undefined);
  });

  test("groups have names, whatever they are called", () => {
    const match = matcherOf("(?P<constructor>a)(?P<b>x)?").match("za");
    expect(match).toMatchObject({ index: 1, end: 2 });
    expect(match?.named["constructor"]).toBe("a");
    expect(match?.named["b"]).toBe("");
    expect(match?.named["toString"]).toBeUndefined();
  });
});

describe("plain text with open ends is found as by the machine:", () => {
  test.each([
    [".* i/o timeout$", "read udp: i/o timeout", true],
    [".* i/o timeout$", "read udp: i/o timeout.", false],
    [".*a.*", "\na\n", true],
    ["^.*a$", "\na", false],
    ["^a.*$", "a\n", false],
    ["^a.*$", "ab", true],
    ["^a$", "a", true],
    ["^a$", "ab", false],
    [".*", "\n", true],
    ["^$", "", true],
  ])("%s", (text, name, expected) => {
    expect(matcherOf(text).test(name)).toBe(expected);
    expect(matcherOf(`(?:)${text}`).test(name)).toBe(expected);
    expect(matcherOf(text).match(name) !== undefined).toBe(expected);
  });
});

test.each([["(a*)*b"], ["(a|a)*$"], ["(?:a?){20}a{20}x"]])("%s on 10,000 characters takes less than 200 ms", (text) => {
  const name = "a".repeat(10_000);
  const matcher = matcherOf(text);
  const started = performance.now();
  matcher.match(name);
  expect(performance.now() - started).toBeLessThan(200);
});

test.each([["(?:a{100}){10}(?:b{100}){10}".repeat(20)], ["()".repeat(1000)], [`(?:${"a".repeat(40)}){1000}`]])(
  "a pattern that would grow too large is refused (%#)",
  (text) => {
    expect(parseRe2(text)).toMatchObject({ ok: false, problems: [expect.stringContaining("expression too large")] });
  },
);

test("a pattern of the greatest length compiles and runs", () => {
  expect(matcherOf("a".repeat(10_000)).match("b".repeat(5))).toBeUndefined();
  expect(matcherOf("(?:a{1,63}\\.){0,15}").match(`${"a".repeat(63)}.x`)?.end).toBe(64);
});
