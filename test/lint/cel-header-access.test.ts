import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/cel-header-access.ts";
import { authPattern, authRules, caretsOf, counting, limitedWhen } from "../support/expression-policies.ts";
import { findingsOf } from "../support/rule-findings.ts";

describe("a header name with capitals", () => {
  test.each([
    ["request.headers['X-Team'] == 'a'", "'X-Team'"],
    ["request.headers[?'X-Team'].orValue('') == 'a'", "'X-Team'"],
    ["'X-Team' in request.headers", "'X-Team'"],
    ["request.headers.Team == 'a'", "Team"],
    ["has(request.headers.Team) && size(request.headers) > 0", "Team"],
  ])("%s", (predicate, at) => {
    expect(caretsOf(rule, predicate, limitedWhen(predicate))).toEqual([`error ${at}`]);
    expect(caretsOf(rule, predicate, authPattern({ predicate }))).toEqual([`error ${at}`]);
  });

  test.each(["request.headers.X-Team", "context.request.http.headers.X-Team"])("in the selector %s", (selector) => {
    expect(caretsOf(rule, selector, authPattern({ selector, operator: "eq", value: "a" }))).toEqual(["error X-Team"]);
  });

  test("in a template", () => {
    const url = "http://vault/{request.headers.X-Team}";
    const policy = authRules(JSON.stringify({ metadata: { a: { http: { url } } } }));
    expect(caretsOf(rule, url, policy)).toEqual(["error X-Team"]);
  });

  test("is mended in lower case", () => {
    expect(findingsOf(rule, limitedWhen("'X-Team' in request.headers"))[0]?.hint).toBe("Write `x-team`.");
  });
});

describe("a header name with dashes after a dot", () => {
  test.each([
    ["request.headers.x-team == 'a'", "request.headers.x-team", "'x-team'"],
    ["request.headers.x-team-id == 'a'", "request.headers.x-team-id", "'x-team-id'"],
    ["request.headers.x-team.startsWith('a')", "request.headers.x-team", "'x-team'"],
    ["!(request.headers.x-team in ['a'])", "request.headers.x-team", "'x-team'"],
  ])("%s", (predicate, at, name) => {
    expect(caretsOf(rule, predicate, limitedWhen(predicate))).toEqual([`error ${at}`]);
    expect(caretsOf(rule, predicate, authPattern({ predicate }))).toEqual([`error ${at}`]);
    expect(findingsOf(rule, limitedWhen(predicate))[0]?.hint).toContain(`request.headers[${name}]`);
  });
});

describe("has() of a dotted header", () => {
  test("always holds in the gateway", () => {
    const predicate = "has(request.headers.team)";
    expect(caretsOf(rule, predicate, limitedWhen(predicate))).toEqual(["warning request.headers.team"]);
    expect(findingsOf(rule, limitedWhen(predicate))[0]?.hint).toBe("Write `'team' in request.headers`.");
  });

  test.each([
    "has(request.headers.team) && request.headers['team'] == 'a'",
    "has(request.headers.team) && 'x' in request.headers",
    "has(request.host)",
  ])("may be right: %s", (predicate) => {
    expect(findingsOf(rule, limitedWhen(predicate))).toEqual([]);
  });

  test("is right in Authorino", () => {
    expect(findingsOf(rule, authPattern({ predicate: "has(request.headers.team)" }))).toEqual([]);
  });
});

describe("no finding", () => {
  test.each([
    "request.headers['x-team'] == 'A'",
    "'x-team' in request.headers",
    "request.headers.team - request.size > 0",
    "request.headers.team-request.size > 0",
    "['a'].exists(team, request.headers.x-team == 1)",
    "request.headers.x - 1 > 0",
    "auth.identity.a-b == 1",
    "'X-Team' in auth.identity.names",
    "request.headers['x-team'].contains('X-Team')",
  ])("for %s", (predicate) => {
    expect(findingsOf(rule, limitedWhen(predicate))).toEqual([]);
  });

  test("for a counter that does not parse", () => {
    expect(findingsOf(rule, counting("request.headers['X-Team'"))).toEqual([]);
  });
});
