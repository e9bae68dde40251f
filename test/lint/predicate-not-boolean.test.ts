import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/predicate-not-boolean.ts";
import { authPattern, authRules, authWhen, caretsOf, limitedWhen, planWhen } from "../support/expression-policies.ts";
import { findingsOf } from "../support/rule-findings.ts";

describe("a predicate that is certainly no condition", () => {
  test.each([
    ["'yes'", "'yes'"],
    ["1", "1"],
    ["['a']", "['a']"],
    ["{'a': 1}", "{'a': 1}"],
    ["duration('1s')", "duration('1s')"],
    ["request.host + 'x'", "request.host + 'x'"],
    ["auth.identity.a + auth.identity.b", "auth.identity.a + auth.identity.b"],
    ["auth.identity.a - auth.identity.b", "auth.identity.a - auth.identity.b"],
    ["auth.identity.a * 2", "auth.identity.a * 2"],
    ["size(request.host)", "size(request.host)"],
    ["request.host.split('.')", "request.host.split('.')"],
    ["request.host.lowerAscii()", "request.host.lowerAscii()"],
    ["string(request.time)", "string(request.time)"],
    ["auth.identity.user.username", "auth.identity.user.username"],
    ["request.method", "request.method"],
    ["request.path", "request.path"],
    ["request.headers['x-team']", "request.headers['x-team']"],
    ["request.headers.team", "request.headers.team"],
    ["auth.identity.metadata.annotations.admin", "auth.identity.metadata.annotations.admin"],
    ["request.method == 'GET' ? true : 'no'", "'no'"],
    ["request.method == 'GET' ? (true ? 1 : true) : true", "1"],
    ["null", "null"],
    ["auth.?identity", "auth.?identity"],
  ])("%s", (predicate, at) => {
    expect(caretsOf(rule, predicate, authPattern({ predicate }))).toEqual([`error ${at}`]);
  });

  test.each([
    ["in Authorino", authPattern({ predicate: "request.host" }), "ends the whole Authorino process"],
    [
      "in a when below rules",
      authRules("{metadata: {a: {when: [{predicate: request.host}]}}}"),
      "ends the whole Authorino process",
    ],
    [
      "in a named pattern",
      authRules("{}").replace("rules: {}", "patterns: {p: {allOf: [{predicate: request.host}]}}"),
      "ends the whole Authorino",
    ],
    ["in a limit", limitedWhen("request.host"), "the operator drops it"],
    ["in an AuthPolicy's own when", authWhen("request.host"), "the operator drops it"],
    ["in a plan", planWhen("request.host"), "no caller gets one"],
  ])("tells what happens %s", (_, policy, message) => {
    expect(findingsOf(rule, policy)).toMatchObject([{ severity: "error", message: expect.stringContaining(message) }]);
  });

  test("is mended by a comparison", () => {
    const hint = findingsOf(rule, authPattern({ predicate: "auth.identity.user.username" }))[0]?.hint;
    expect(hint).toContain("`auth.identity.user.username == '…'`");
  });
});

describe("a bare path whose type is not known", () => {
  test.each(["auth.identity.claims.admin", "auth.metadata.user.allowed", "auth.identity.admin"])(
    "%s is a warning",
    (predicate) => {
      expect(caretsOf(rule, predicate, authPattern({ predicate }))).toEqual([`warning ${predicate}`]);
      expect(findingsOf(rule, authPattern({ predicate }))[0]?.hint).toBe(`Compare it: \`${predicate} == true\`.`);
    },
  );

  test("may be a claim of a JWT that looks like a TokenReview's", () => {
    const policy = authPattern(
      { predicate: "auth.identity.user.username" },
      { jwt: { jwt: { issuerUrl: "https://x" } } },
    );
    expect(findingsOf(rule, policy)).toMatchObject([{ severity: "warning" }]);
  });

  test("may be a header that the gateway decodes", () => {
    expect(findingsOf(rule, limitedWhen("request.headers.flag"))).toMatchObject([{ severity: "warning" }]);
    expect(findingsOf(rule, limitedWhen("request.headers['flag']"))).toMatchObject([{ severity: "error" }]);
  });
});

describe("no finding", () => {
  test.each([
    "true",
    "request.method == 'GET'",
    "auth.identity.user.username != ''",
    "'x' in request.headers",
    "has(auth.identity.user)",
    "!auth.identity.admin",
    "auth.identity.a && auth.identity.b",
    "auth.identity.groups.exists(g, g == 'a')",
    "request.host.matches('a')",
    "auth.identity.?admin.orValue(false)",
    "request.method == 'GET' ? true : request.host == 'a'",
    "someFunction(request.host)",
    "connection.mtls",
    "request.headers.x-team",
    "request.host ==",
  ])("for %s", (predicate) => {
    expect(findingsOf(rule, authPattern({ predicate }))).toEqual([]);
  });

  test("for an expression that is no predicate", () => {
    expect(
      findingsOf(rule, authRules("{response: {success: {headers: {x: {plain: {expression: request.host}}}}}}")),
    ).toEqual([]);
  });
});
