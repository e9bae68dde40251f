import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Evaluation, evaluate } from "../../src/cel/evaluate.ts";
import { celOf } from "../../src/cel/evaluate-values.ts";
import { parseExpression } from "../../src/cel/parse.ts";
import { createPatterns } from "../../src/cel/patterns.ts";

const patterns = createPatterns();

function run(text: string, self: unknown = {}, steps = 1_000_000): Evaluation {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problems[0]?.message}`);
  return evaluate(parsed.value, { variables: new Map([["self", celOf(self)]]), budget: { steps }, patterns });
}

type Outcomes = Readonly<Record<"holds" | "fails" | "breaks", readonly string[]>>;

/** A real API server gives the same: test/cluster/schema.test.ts. */
const outcomes = parse(readFileSync("test/fixtures/cel-expressions.yaml", "utf8")) as Outcomes;
const SELF = { text: "héllo", number: 7, list: [3, 1, 2], map: { a: "x", b: "y" }, "dashed-name": "d", either: 8080 };

test.each(outcomes.holds)("%s holds", (rule) => {
  expect(run(rule, SELF)).toEqual({ status: "value", value: true });
});

test.each(outcomes.fails)("%s does not hold", (rule) => {
  expect(run(rule, SELF)).toEqual({ status: "value", value: false });
});

test.each(outcomes.breaks)("%s fails", (rule) => {
  expect(run(rule, SELF).status).toBe("error");
});

describe("values", () => {
  test.each<[string, unknown]>([
    ["cel.bind(x, self.number, x + x)", 14n],
    ["['a', 'b'].join('-')", "a-b"],
    ["dyn(1) == 1.0", true],
    ["'%x|%X|%b|%o|%.1f'.format([255, 255u, true, 8, 1.52])", "ff|FF|1|10|1.5"],
    ["'%s %s %s'.format([1, null, int])", "1 null int"],
    ["string(1000000.0) + string(0.00001) + string(-0.0)", "1e+061e-05-0"],
    ["'ab'.replace('', '-') + 'ab'.replace('', '-', 1)", "-a-b--ab"],
    ["'ab'.indexOf('b', 9)", -1n],
    ["'\ufeffa\u0085'.trim()", "\ufeffa"],
    ["int(duration('5s'))", 5_000_000_000n],
    ["type(duration('5s')) == google.protobuf.Duration", true],
    ["timestamp('0099-02-01T00:00:00Z').getDayOfYear()", 31n],
    ["[null][0] == null && {'a': null}.a == null", true],
    ["0.0 / 0.0 < dyn('a')", false],
    ["double('-Inf') < 0.0 && bool('T')", true],
    ["string(duration('90s')) + string(timestamp('2026-01-01T00:00:00.5Z'))", "90s2026-01-01T00:00:00.5Z"],
    ["9223372036854775807 + 1 > 0 || true", true],
    ["[3, 1].sort() == [1, 3] && [1, 1].distinct() == [1] && [[1], 2].flatten() == [1, 2]", true],
    ["[1, 2, 3].slice(1, 3)", [2n, 3n]],
    ["'abc'.reverse()", "cba"],
    ["strings.quote('a\"b')", '"a\\"b"'],
    ["timestamp('2026-02-03T04:05:06Z').getHours('+02:00')", 6n],
    ["optional.none().or(optional.of(3)).value()", 3n],
    ["1u + 2u == 3u", true],
    ["{1: 'a'}[1]", "a"],
  ])("%s", (text, value) => {
    expect(run(text, SELF)).toEqual({ status: "value", value });
  });
});

describe("nothing may be concluded from", () => {
  test.each([
    ["an unknown function", "self.f()", "the function f() is not known here"],
    ["literals of bytes", "b'a' == b'a'", "literals of bytes are not known here"],
    [
      "a time zone with a name",
      "timestamp('2026-01-01T00:00:00Z').getHours('Europe/Berlin') == 1",
      "time zones with names are not known here",
    ],
    ["a pattern that RE2 refuses", "'a'.matches('(?<=a)')", 'the pattern "(?<=a)" is not known'],
  ])("%s", (_title, text, message) => {
    expect(run(text)).toEqual({ status: "unchecked", message });
  });

  test("more steps than there are, even where the rest would decide", () => {
    const list = Array.from({ length: 100 }, (_, index) => index);
    const text = "self.all(a, self.all(b, self.all(c, a + b + c < 1000))) || true";
    expect(run(text, list, 10_000)).toEqual({ status: "unchecked", message: "it takes too many steps" });
  });

  test("texts that grow without end", () => {
    const text = `cel.bind(a, '${"x".repeat(1000)}', [1, 2, 3, 4, 5, 6].all(i, (a + a).replace('x', a).size() > 0))`;
    expect(run(text)).toMatchObject({ status: "unchecked" });
  });
});

test("any expression over any value ends, and never throws", () => {
  const pool = [...outcomes.holds, ...outcomes.fails, ...outcomes.breaks];
  fc.assert(
    fc.property(fc.constantFrom(...pool), fc.jsonValue({ maxDepth: 3 }), (text, value) => {
      const shapes = [
        value,
        { ...SELF, text: value },
        { ...SELF, list: value },
        { ...SELF, map: value, number: value },
      ];
      for (const self of shapes) expect(["value", "error", "unchecked"]).toContain(run(text, self, 50_000).status);
    }),
    { numRuns: 200 },
  );
});
