import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/cel-syntax-error.ts";
import {
  authPattern,
  authRules,
  authWhen,
  caretsOf,
  counting,
  labelled,
  limitedWhen,
  planWhen,
} from "../support/expression-policies.ts";
import { findingsOf } from "../support/rule-findings.ts";

const messageOf = (policy: string): string => findingsOf(rule, policy)[0]?.message ?? "";

describe("an expression that is no CEL", () => {
  test.each([
    ["a counter", counting("a =="), "plugin of the whole gateway"],
    ["a condition of a limit", limitedWhen("a =="), "plugin of the whole gateway"],
    ["an AuthPolicy's own condition", authWhen("a =="), "plugin of the whole gateway"],
    ["a label", labelled("a =="), "plugin of the whole gateway"],
    ["a pattern", authPattern({ predicate: "a ==" }), "its hosts answer 404"],
    ["a pattern in any", authPattern({ any: [{ predicate: "a ==" }] }), "its hosts answer 404"],
    [
      "a header",
      authRules("{response: {success: {headers: {x: {plain: {expression: 'a =='}}}}}}"),
      "its hosts answer 404",
    ],
    ["a plan", planWhen("a =="), "its hosts answer 404"],
  ])("in %s", (_, policy, consequence) => {
    expect(caretsOf(rule, "a ==", policy)).toEqual(["error ="]);
    expect(messageOf(policy)).toContain(consequence);
    expect(messageOf(policy)).toContain("`a ==` is not valid CEL at column 5");
  });

  test.each([
    ["has(request.headers['x'])", "request.headers['x']", "Write `'x' in request.headers`."],
    ["request.host == 'a", "'a", "Close the quote."],
    ["request.host = 'a'", "=", "Compare with `==`."],
    ["a == b and c == d", "and", "Conditions are joined with `&&`."],
    ["a == b or c == d", "or", "Alternatives are joined with `||`."],
    ["not a", "a", "A condition is negated with `!`."],
    ["a & b", "&", "Conditions are joined with `&&`."],
    ["a | b", "|", "Alternatives are joined with `||`."],
    [`a == ${"$"}{b}`, "$", "is not replaced here"],
    ["{{ .Values.a }}", "}", "Go template braces"],
    ["request.host.@case:lower", "@", "modifiers"],
    ["request.host;", ";", "trailing `;`"],
  ])("%s", (expression, at, hint) => {
    const text = expression;
    expect(caretsOf(rule, text, counting(text))).toEqual([`error ${at}`]);
    expect(findingsOf(rule, counting(text))[0]?.hint).toMatch(
      new RegExp(hint.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i"),
    );
  });

  test("names line and column when there are several lines", () => {
    expect(messageOf(limitedWhen("request.host == 'a' &&\n  request.path = 'b'"))).toContain("at line 2, column 16");
  });

  test("is cut in the message", () => {
    expect(messageOf(counting(`${"a + ".repeat(100)}`)).length).toBeLessThan(300);
  });
});

describe("an empty expression", () => {
  test("is an error in the gateway and a warning below rules, with the remedy for a lost tag", () => {
    expect(findingsOf(rule, counting(""))).toMatchObject([{ severity: "error", hint: expect.stringContaining("`!`") }]);
    expect(findingsOf(rule, authPattern({ predicate: "" }))).toMatchObject([{ severity: "warning" }]);
  });
});

describe("an expression that was not checked", () => {
  test.each([
    ["too long", `'${"x".repeat(5000)}'`],
    ["too deep", `a${" + a".repeat(700)}`],
    ["a message", "google.protobuf.Duration{seconds: 1}"],
  ])("because it is %s is a warning", (_, expression) => {
    expect(findingsOf(rule, counting(expression))).toMatchObject([
      { severity: "warning", message: expect.stringContaining("was not checked") },
    ]);
  });
});

describe("no finding", () => {
  test.each(["a.?b.orValue('c')", "a[?'b'].orValue('c')", "has(a.b)", "!('x' in request.headers)", "r'\\d+'"])(
    "for %s",
    (expression) => {
      expect(findingsOf(rule, counting(expression))).toEqual([]);
    },
  );
});
