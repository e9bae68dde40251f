import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/rlp-counter-not-key-safe.ts";
import { caretsOf, counting, limitedWhen } from "../support/expression-policies.ts";

describe("a counter that the limits file cannot hold", () => {
  test.each([
    ['request.headers["x-team"]', ['error "x-team"']],
    ["'a\\\\b' + request.host", ["error 'a\\\\b'"]],
    ["'a' +\n'b'", ["error \n"]],
    ["'a' +\r\n'b'", ["error \r"]],
    ["request.host ", ["error  "]],
    ["  request.host", ["error   "]],
    ["request.host\n", ["error \n"]],
    ['request.headers["x-team"]\n', ['error "x-team"', "error \n"]],
    ['request.headers["x-team', ['error "']],
  ])("%j", (expression, found) => {
    expect(caretsOf(rule, expression, counting(expression))).toEqual(found);
  });
});

describe("no finding", () => {
  test.each(["request.headers['x-team']", "auth.identity.username", ""])("for the counter %j", (expression) => {
    expect(caretsOf(rule, expression, counting(expression))).toEqual([]);
  });

  test("for a predicate with double quotes over two lines", () => {
    const predicate = 'request.method == "GET" ||\nrequest.host == "x"\n';
    expect(caretsOf(rule, predicate, limitedWhen(predicate))).toEqual([]);
  });
});
