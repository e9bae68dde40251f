import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/rlp-counter-not-string.ts";
import { authRules, caretsOf, counting, limitedWhen } from "../support/expression-policies.ts";
import { findingsOf } from "../support/rule-findings.ts";

const WAY = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: gateways, name: egress}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: gateways, name: httpbin}
spec: {parentRefs: [{name: egress}], rules: [{}]}`;

const publishing = (filters: string): string => authRules(`{response: {success: {filters: ${filters}}}}`);

describe("a counter that string() refuses", () => {
  test.each([
    "true",
    "request.method == 'GET'",
    "'x' in request.headers",
    "has(auth.identity.uid)",
    "request.host.contains('x')",
    "request.host.startsWith('x')",
    "request.host.endsWith('x')",
    "request.host.matches('x')",
    "['a'].all(v, v == request.host)",
    "['a'].exists(v, v == request.host)",
    "!has(auth.identity.uid)",
    "[request.host]",
    "{'a': request.host}",
    "request.host.split('.')",
    "['a'].map(v, v + request.host)",
    "['a'].filter(v, v == request.host)",
    "null",
    "request.headers",
    "source.labels",
    "auth",
    "auth.identity",
    "request",
    "source",
    "auth.?identity",
    "request.method == 'GET' ? true : request.host == 'x'",
  ])("%s", (expression) => {
    expect(caretsOf(rule, expression, counting(expression))).toEqual([`error ${expression}`]);
  });

  test("is a list that a filter publishes", () => {
    const filters = publishing("{identity: {json: {properties: {groups: {selector: auth.identity.user.groups}}}}}");
    expect(findingsOf(rule, WAY, counting("auth.identity.groups"), filters)).toHaveLength(1);
  });

  test("is a whole filter of several values, whatever its name", () => {
    const filters = publishing("{caller: {json: {properties: {name: {selector: auth.identity.user.username}}}}}");
    expect(findingsOf(rule, WAY, counting("auth.caller"), filters)).toHaveLength(1);
  });

  test.each([
    ["a.contains('x')", "a truth value", "'yes' : 'no'"],
    ["request.host.split('.')", "a list", ".join(',')"],
    ["request.headers", "a map", "one field"],
    ["auth.?identity", "an optional value", ".orValue('none')"],
  ])("%s is called by its name", (expression, called, mended) => {
    const [finding] = findingsOf(rule, counting(expression));
    expect(finding?.message).toContain(`is ${called}`);
    expect(finding?.hint).toContain(mended);
  });
});

describe("no finding", () => {
  test.each([
    "request.host",
    "source.port",
    "1",
    "request.time",
    "request.size",
    "duration('1s')",
    "auth.identity.username",
    "auth.identity.groups",
    "auth.identity.username.split(':')[2]",
    "request.method == 'GET' ? 'a' : true",
    "auth.?identity.orValue('x')",
    "unknownFunction(request.host)",
    "request.host.split('.').join(',')",
  ])("for the counter %s", (expression) => {
    expect(caretsOf(rule, expression, counting(expression))).toEqual([]);
  });

  test("for a plain filter that is one text", () => {
    const filters = publishing("{identity: {plain: {selector: auth.identity.user.username}}}");
    expect(findingsOf(rule, WAY, counting("auth.identity"), filters)).toEqual([]);
  });

  test("for a value that is a list on one route and a text on another", () => {
    const second =
      "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {namespace: gateways, name: other}\nspec: {parentRefs: [{name: egress}], rules: [{}]}";
    const property = (selector: string): string =>
      publishing(`{identity: {json: {properties: {groups: {selector: ${selector}}}}}}`);
    const onOther = property("auth.identity.user.uid")
      .replace("name: authpolicy", "name: z")
      .replace("name: httpbin}", "name: other}");
    const limit = counting("auth.identity.groups").replace(
      "kind: HTTPRoute, name: httpbin",
      "kind: Gateway, name: egress",
    );
    expect(findingsOf(rule, WAY, second, limit, property("auth.identity.user.groups"), onOther)).toEqual([]);
  });

  test("for a predicate, which is to be a truth value", () => {
    expect(findingsOf(rule, limitedWhen("request.method == 'GET'"))).toEqual([]);
  });
});
