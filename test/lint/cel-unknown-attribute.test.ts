import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/cel-unknown-attribute.ts";
import { authPattern, authRules, authWhen, caretsOf, counting, limitedWhen } from "../support/expression-policies.ts";
import { findingsOf } from "../support/rule-findings.ts";

describe("an attribute that the gateway lacks", () => {
  test.each([
    ["connection.mtls", "connection.mtls"],
    ["ratelimit.domain", "ratelimit.domain"],
    ["filter_state", "filter_state"],
    ["response.code", "response.code"],
    ["context.request.http.path", "context.request.http.path"],
    ["source.labels['app']", "source.labels['app']"],
    ["destination.labels.app", "destination.labels.app"],
    ["request.context_extensions.host", "request.context_extensions.host"],
    ["destination['address']", "destination['address']"],
    ["request['headers']['x-team']", "request['headers']['x-team']"],
    ["request.auth.claims['sub']", "request.auth.claims['sub']"],
    ["request.user_agent", "request.user_agent"],
    ["source.ip", "source.ip"],
    ["client.ip", "client.ip"],
    ["req.path", "req.path"],
    ["has(connection.mtls) ? 'a' : 'b'", "connection.mtls"],
  ])("%s", (counter, at) => {
    expect(caretsOf(rule, counter, counting(counter))).toEqual([`error ${at}`]);
  });

  test.each(["request.colour", "source.zone.name", "metadata.filter_metadata.a", "stored", "request.body"])(
    "perhaps: %s",
    (counter) => {
      expect(caretsOf(rule, counter, counting(counter))).toEqual([`warning ${counter}`]);
    },
  );

  test("is refused by the operator in a condition, certainly so for an unknown root", () => {
    expect(caretsOf(rule, "stored == 'a'", limitedWhen("stored == 'a'"))).toEqual(["error stored"]);
    expect(caretsOf(rule, "stored == 'a'", authWhen("stored == 'a'"))).toEqual(["error stored"]);
    expect(caretsOf(rule, "metadata.a.b == 'a'", limitedWhen("metadata.a.b == 'a'"))).toEqual(["warning metadata.a.b"]);
  });

  test("is told as the gateway's, where the operator lacks it too", () => {
    const [finding] = findingsOf(rule, limitedWhen("context.request.http.method == 'GET'"));
    expect(finding?.message).toContain("is not available in the gateway; use `request.method`");
  });

  test.each([
    ["request.user_agent", "request.useragent"],
    ["source.ip", "source.remote_address"],
    ["destination['address']", "destination.address"],
    ["context.request.http.method", "request.method"],
  ])("%s has another: %s", (counter, instead) => {
    const [finding] = findingsOf(rule, counting(counter));
    expect(finding?.message).toContain(`use \`${instead}\``);
    expect(finding?.hint).toContain(`\`${instead}\``);
  });
});

describe("an attribute that Authorino lacks", () => {
  test.each([
    ["context.request.http.path == 'a'", "context.request.http.path"],
    ["source.remote_address == 'a'", "source.remote_address"],
    ["request.useragent == 'a'", "request.useragent"],
    ["source.principal == 'a'", "source.principal"],
    ["source.labels['a'] == 'a'", "source.labels['a']"],
    ["request.body == 'a'", "request.body"],
    ["request.size > 1", "request.size"],
    ["connection.mtls", "connection.mtls"],
    ["username == 'a'", "username"],
  ])("%s", (predicate, at) => {
    expect(caretsOf(rule, predicate, authPattern({ predicate }))).toEqual([`error ${at}`]);
  });

  test("perhaps", () => {
    expect(caretsOf(rule, "request.id == 'a'", authPattern({ predicate: "request.id == 'a'" }))).toEqual([
      "warning request.id",
    ]);
  });

  test.each(["source.remote_address", "request.useragent", "username", "connection.id"])(
    "in the selector %s",
    (selector) => {
      expect(caretsOf(rule, selector, authPattern({ selector, operator: "eq", value: "a" }))).toEqual([
        `error ${selector}`,
      ]);
    },
  );

  test("in a template", () => {
    const url = "http://vault/{username}/{request.host}";
    expect(caretsOf(rule, url, authRules(JSON.stringify({ metadata: { a: { http: { url } } } })))).toEqual([
      "error username",
    ]);
  });
});

describe("a denial by a selector", () => {
  const pattern = (selector: string, operator = "neq", value = "bad") => ({ selector, operator, value });

  test.each(["neq", "excl"])("that never finds anything lets everybody pass: %s", (operator) => {
    const [finding] = findingsOf(rule, authPattern(pattern("source.remote_address", operator)));
    expect(finding).toMatchObject({ severity: "error", message: expect.stringContaining("lets everybody pass") });
  });

  test.each(["auth.metadata.user.state", "request.headers.x-team", "auth.identity.metadata.annotations.state"])(
    "of what may be missing is a warning: %s",
    (selector) => {
      expect(caretsOf(rule, selector, authPattern(pattern(selector)))).toEqual([`warning ${selector}`]);
    },
  );

  test.each([
    ["a test for presence", pattern("auth.metadata.user.state", "neq", "")],
    ["what every identity has", pattern("auth.identity.user.username")],
    ["the host", pattern("context.request.http.headers.host")],
    ["another operator", pattern("auth.metadata.user.state", "eq")],
    ["a gjson query", pattern("auth.metadata.user.states.#(=='bad')")],
  ])("is not reported for %s", (_, one) => {
    expect(findingsOf(rule, authPattern(one))).toEqual([]);
  });

  test("is not reported beside a pattern that needs the value, unless either suffices", () => {
    const denial = pattern("auth.metadata.user.state");
    const patterns = [pattern("auth.metadata.user.state", "neq", ""), denial];
    expect(findingsOf(rule, authPattern({ all: patterns }))).toEqual([]);
    expect(findingsOf(rule, authPattern({ any: patterns }))).toHaveLength(1);
  });

  test("is not reported in a when, where it only decides whether the rule applies", () => {
    const item = { when: [pattern("request.headers.x-team")], patternMatching: { patterns: [] } };
    expect(findingsOf(rule, authRules(JSON.stringify({ authorization: { who: item } })))).toEqual([]);
  });
});

describe("no finding", () => {
  test.each([
    "source['address']",
    "source.address",
    "auth['identity'].username",
    "auth.anything.at.all",
    "request.headers['x-team']",
    "request.headers.x-team",
    "request.useragent",
    "request.time",
    "['a'].exists(team, team == 'a') ? 'a' : 'b'",
    "optional.of(request.host).orValue('x')",
    "request.?colour.orValue('x')",
    "requestBodyJSON('/model')",
    "request['host'] + request.host",
    "has(request.grpc) ? request.grpc.service : ''",
  ])("in the gateway for %s", (counter) => {
    expect(caretsOf(rule, counter, counting(counter))).toEqual([]);
  });

  test.each([
    "request.user_agent == 'a'",
    "source['address'] == 'a'",
    "request['headers']['x'] == 'a'",
    "auth.identity.nope == 'a'",
    "type(request.host) == string",
    "has(request.body)",
    "has(request.id) && request.id == 'a'",
    "request.context_extensions.host == 'a'",
    "metadata.filter_metadata.a == 'b'",
  ])("in Authorino for %s", (predicate) => {
    expect(caretsOf(rule, predicate, authPattern({ predicate }))).toEqual([]);
  });

  test.each([
    "auth.identity.nope",
    "context.request.http.path",
    "request.headers.x-team",
    "auth.identity.groups.#(=='a')",
  ])("for the selector %s", (selector) => {
    expect(findingsOf(rule, authPattern({ selector, operator: "eq", value: "a" }))).toEqual([]);
  });
});
