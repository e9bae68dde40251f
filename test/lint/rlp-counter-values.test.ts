import { describe, expect, test } from "vitest";
import { rule as credential } from "../../src/lint/rules/rlp-counter-credential.ts";
import { rule as perRequest } from "../../src/lint/rules/rlp-counter-per-request.ts";
import { caretsOf, counting, labelled } from "../support/expression-policies.ts";
import { findingsOf } from "../support/rule-findings.ts";

describe("a counter of its own for every request", () => {
  test.each([
    ["request.id", "request.id"],
    ["auth.identity.username + '/' + request.id", "request.id"],
    ["request.headers['X-Request-Id']", "request.headers['X-Request-Id']"],
    ["request.headers.traceparent.split('-')[1]", "request.headers.traceparent"],
    ["string(request.time.getSeconds())", "request.time"],
    ["request.time - timestamp('2026-01-01T00:00:00Z')", "request.time"],
    ["request.host == 'a' ? request.id : 'x'", "request.id"],
  ])("is found in %s", (expression, at) => {
    expect(caretsOf(perRequest, expression, counting(expression))).toEqual([`error ${at}`]);
  });

  test.each([
    "request.time.getDayOfWeek()",
    "request.time.getHours() * 60 + request.time.getMinutes()",
    "request.time < timestamp('2026-01-01T00:00:00Z') ? 'old' : 'new'",
    "size(request.id)",
    "request.headers['x-tenant']",
    "request.host",
    "request",
  ])("is not %s", (expression) => {
    expect(caretsOf(perRequest, expression, counting(expression))).toEqual([]);
  });

  test("is no matter of labels", () => {
    expect(findingsOf(perRequest, labelled("request.id"))).toEqual([]);
  });
});

describe("a credential as a value", () => {
  test.each([
    ["request.headers.authorization", "error request.headers.authorization"],
    ["request.headers['Authorization']", "error request.headers['Authorization']"],
    ["request.headers['authorization'].substring(7)", "error request.headers['authorization']"],
    ["request.headers['authorization'].split(' ')[1]", "error request.headers['authorization']"],
    ["request.headers['authorization'].split('.')[0]", "error request.headers['authorization']"],
    ["'cookie' in request.headers ? request.headers['cookie'] : ''", "error request.headers['cookie']"],
    ["request.headers['x-api-key']", "warning request.headers['x-api-key']"],
    ["request.query", "error request.query"],
    ["request.host + request.query.lowerAscii()", "error request.query"],
  ])("%s", (expression, finding) => {
    expect(caretsOf(credential, expression, counting(expression))).toEqual([finding]);
    expect(caretsOf(credential, expression, labelled(expression))).toEqual([finding]);
  });

  test.each([
    "request.headers['authorization'].split(' ')[0]",
    "request.headers['authorization'].startsWith('Bearer ') ? 'token' : 'other'",
    "size(request.headers['authorization'])",
    "request.query.split('&')[0]",
    "request.query.contains('debug') ? 'debug' : 'normal'",
    "request.headers['x-client-id']",
  ])("is not %s", (expression) => {
    expect(caretsOf(credential, expression, counting(expression))).toEqual([]);
  });

  test("says where the value ends up", () => {
    const [counter] = findingsOf(credential, counting("request.headers.authorization"));
    const [label] = findingsOf(credential, labelled("request.headers.authorization"));
    expect(counter?.message).toContain("rate limiter's store");
    expect(label?.message).toContain("label of its metrics");
  });
});
