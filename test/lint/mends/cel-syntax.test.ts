import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseExpression } from "../../../src/cel/parse.ts";
import { validForm } from "../../../src/lint/mends/cel-syntax.ts";
import { changing, conditionAt, replaced } from "../../../src/lint/mends/text-changes.ts";

describe("an expression with a habit of another language", () => {
  test.each([
    ["has(request.headers['x-skip'])", "'x-skip' in request.headers"],
    ["!has(request.headers['x-skip'])", "!('x-skip' in request.headers)"],
    ["has(request.headers['a']) && request.method == 'GET'", "'a' in request.headers && request.method == 'GET'"],
    ["request.method = 'GET'", "request.method == 'GET'"],
    ["request.method == 'GET' and request.host = 'a'", "request.method == 'GET' && request.host == 'a'"],
    ["request.method == 'GET' OR request.method == 'PUT'", "request.method == 'GET' || request.method == 'PUT'"],
    ["request.method == 'GET' & request.host == 'a'", "request.method == 'GET' && request.host == 'a'"],
    ["request.method == 'GET' | request.host == 'a'", "request.method == 'GET' || request.host == 'a'"],
    ["request.method == 'GET';", "request.method == 'GET'"],
    ["request.method == \u2018GET\u2019", "request.method == 'GET'"],
    ["request.headers.x-forwarded-for == 'a'", "request.headers['x-forwarded-for'] == 'a'"],
    ["has(request.headers.X-Forwarded-For)", "'x-forwarded-for' in request.headers"],
    ["request.host = 'a = b and c'", "request.host == 'a = b and c'"],
  ])("%s means %s", (text, meant) => {
    expect(validForm(text)).toBe(meant);
  });

  test.each([
    ["one that is valid", "request.method == 'GET'"],
    ["a negation whose reach is open", "not request.method == 'GET'"],
    ["a sign that may be another one", "request.method =! 'GET'"],
    ["three signs", "request.method === 'GET'"],
    ["a quote that is not closed", "request.method == 'GET"],
    ["quotes of two kinds", "request.method == \u2018it's\u2019"],
    ["a template of Go", "{{ request.method }}"],
    ["a bracket that is missing", "(request.method == 'GET'"],
    ["an optional index in has()", "has(request.headers[?'x'])"],
    ["nothing", ""],
  ])("is left alone when it is %s", (_, text) => {
    expect(validForm(text)).toBeUndefined();
  });

  test("becomes one that parses, or stays", () => {
    const words = fc.constantFrom(
      "a",
      "and",
      "or",
      "not",
      "=",
      "==",
      "&",
      "has(",
      "x['k']",
      ")",
      "(",
      ";",
      "'s'",
      "\u201c",
      " ",
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 10 }), (chosen) => {
        const form = validForm(chosen.join(" "));
        if (form !== undefined) expect(parseExpression(form).ok).toBe(true);
      }),
    );
  });
});

test("the one edit between two texts leads from the first to the second", () => {
  const texts = fc.stringMatching(/^[ab]{0,6}$/);
  fc.assert(
    fc.property(texts, texts, (before, after) => {
      const edit = changing(["spec"], before, after);
      const range = "range" in edit ? edit.range : { start: 0, end: 0 };
      expect(replaced(before, [{ ...range, text: "text" in edit ? edit.text : "" }])).toBe(after);
    }),
  );
});

test.each([
  ["X", "a in b"],
  ["X && y", "a in b"],
  ["c ? X : y", "a in b"],
  ["f(X, y)", "a in b"],
  ["!X", "(a in b)"],
  ["X == true", "(a in b)"],
  ["y in X", "(a in b)"],
])("a condition in place of X in %s is %s", (text, expected) => {
  const start = text.indexOf("X");
  expect(conditionAt("a in b", text, { start, end: start + 1 })).toBe(expected);
});
