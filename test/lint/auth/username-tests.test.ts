import { describe, expect, test } from "vitest";
import { parseExpression } from "../../../src/cel/parse.ts";
import { alsoPasses, openTests } from "../../../src/lint/auth/username-tests.ts";

/** The test as JavaScript has it, for these literals the same as CEL's. */
const passes = (relation: string, literal: string, name: string): boolean => {
  switch (relation) {
    case "startsWith":
      return name.startsWith(literal);
    case "endsWith":
      return name.endsWith(literal);
    case "contains":
      return name.includes(literal);
    default:
      return new RegExp(literal).test(name);
  }
};

describe("an open test", () => {
  test.each([
    ["startsWith", "system:serviceaccount:team-a"],
    ["contains", "team-a"],
    ["contains", ":team-a"],
    ["contains", "team-a:"],
    ["contains", "serviceaccount:team-a"],
    ["endsWith", "team-a"],
    ["endsWith", ":team-a"],
    ["endsWith", "team-a:app"],
    ["matches", "system:serviceaccount:team-a"],
    ["matches", "^system:serviceaccount:team-a.*"],
    ["matches", "^system:serviceaccount:team-a.*$"],
  ] as const)("%s('%s') is shown with a name of another namespace that passes it", (relation, literal) => {
    const example = alsoPasses(relation, literal) ?? "";
    expect(example).toMatch(/^system:serviceaccount:(?!team-a:)[a-z0-9-]+:[a-z0-9-]+$/);
    expect(passes(relation, literal, example)).toBe(true);
  });
});

describe("a closed test, or one that is open on purpose", () => {
  test.each([
    ["startsWith", "system:serviceaccount:team-a:"],
    ["startsWith", "system:serviceaccount:team-a:app"],
    ["startsWith", "system:serviceaccount:team-a-"],
    ["startsWith", "system:serviceaccount:"],
    ["startsWith", "system:node:"],
    ["contains", ":team-a:"],
    ["contains", "serviceaccount:team-a:"],
    ["contains", "serviceaccount"],
    ["contains", "system:node"],
    ["contains", "@example.com"],
    ["endsWith", ":team-a:app"],
    ["endsWith", "@example.com"],
    ["endsWith", ".example.com"],
    ["matches", "^system:serviceaccount:team-a:.*"],
    ["matches", "^system:serviceaccount:team-a-.*"],
    ["matches", "^system:serviceaccount:(a|b):"],
    ["matches", "^system:serviceaccount:team-a[0-9]*:"],
  ] as const)("%s('%s')", (relation, literal) => {
    expect(alsoPasses(relation, literal)).toBeUndefined();
  });
});

describe("in a condition", () => {
  const NAME = "auth.identity.user.username";
  const found = (text: string): readonly string[] => {
    const parsed = parseExpression(text);
    if (!parsed.ok) throw new Error(`does not parse: ${text}`);
    return openTests(parsed.value, true, new Set()).map(({ literal }) => literal);
  };

  test.each([
    [`${NAME}.contains('a')`, ["a"]],
    [`!${NAME}.contains('a')`, []],
    [`!!${NAME}.contains('a')`, ["a"]],
    [`!(request.method == 'GET' || !${NAME}.contains('a'))`, ["a"]],
    [`request.method == 'GET' ? ${NAME}.contains('a') : ${NAME}.contains('b')`, ["a", "b"]],
    [`${NAME}.endsWith(':w') && ${NAME}.startsWith('system:serviceaccount:a:')`, []],
    [`${NAME}.endsWith(':w') || ${NAME}.startsWith('system:serviceaccount:a:')`, [":w"]],
    [`${NAME}.endsWith(':w') && ${NAME}.split(':')[2] == 'a'`, []],
    [`request.path.contains('team-a')`, []],
    [`request.headers.user.startsWith('system:serviceaccount:a')`, ["system:serviceaccount:a"]],
  ])("%s", (text, literals) => {
    expect(found(text)).toEqual(literals);
  });
});
