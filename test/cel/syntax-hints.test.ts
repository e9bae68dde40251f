import { expect, test } from "vitest";
import { parseExpression } from "../../src/cel/parse.ts";

const hint = (text: string): string | undefined => {
  const found = parseExpression(text);
  if (found.ok) throw new Error(`parses: ${text}`);
  return found.problems[0]?.hint;
};

const dollar = "$";
const BRACES =
  "Go template braces `{{…}}` are not replaced here; name the value itself, as in `auth.identity.username`";
const PLACEHOLDER = `\`${dollar}{…}\` is not replaced here; name the value itself and join texts with \`+\``;
const MODIFIER =
  "modifiers such as `@case:lower` work in `selector` only; in CEL use a function such as `.lowerAscii()`";
const QUOTES = "typographic quotes are no quotes in CEL; use `'`";
const AND = "conditions are joined with `&&`";
const OR = "alternatives are joined with `||`";

test.each<readonly [string, string | undefined]>([
  ["{{ .user }}", BRACES],
  ["a == {{b}}", BRACES],
  ["a == '{{b}}' b", undefined],
  [`${dollar}{auth.identity}`, PLACEHOLDER],
  [`a ${dollar} b`, undefined],
  [`a ${dollar} {b`, undefined],
  ["request.host.@case:lower", MODIFIER],
  ["a. @b", undefined],
  ["a @ b", undefined],
  ["a. # b", undefined],
  ["a == \u2018b\u2019", QUOTES],
  ["a == \u201cb\u201d", QUOTES],
  ["a == '\u2018' b", undefined],
  ["a == 'b", "close the quote"],
  ["a == b;", "leave out the trailing `;`"],
  ["a == ; b", undefined],
  ["a = b", "compare with `==`"],
  ["a == '=' b", undefined],
  ["a & b", AND],
  ["a | b", OR],
  ["a and b", AND],
  ["a And b", AND],
  ["a 'and' b", undefined],
  ["a or b", OR],
  ["a OR b", OR],
  ["not a", "a condition is negated with `!`"],
  ["a b", undefined],
  ["request.headers.x-for == 'a'", "a name with dashes needs brackets: `request.headers['x-for']`"],
  ["request.headers.X-for == 'a'", "a name with dashes needs brackets: `request.headers['x-for']`"],
  ["request.headers.x-my-for-x == 'a'", "a name with dashes needs brackets: `request.headers['x-my-for-x']`"],
  ["request.headers.x - for == 'a'", undefined],
  ["request.header.x-for == 'a'", undefined],
  ["request.headers.x-", undefined],
  ["a(", undefined],
])("%s: %s", (text, expected) => {
  expect(hint(text)).toBe(expected);
});
