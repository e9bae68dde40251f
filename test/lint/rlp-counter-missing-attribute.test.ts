import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/rlp-counter-missing-attribute.ts";
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

describe("a counter that fails when something is left out", () => {
  test.each([
    ["request.headers['x-tenant']", "request.headers['x-tenant']"],
    ["request.headers.tenant", "request.headers.tenant"],
    ["request['headers']['x-tenant']", "request['headers']['x-tenant']"],
    ["'t-' + request.headers['x-tenant'].lowerAscii()", "request.headers['x-tenant']"],
    ["'x-other' in request.headers ? request.headers['x-tenant'] : 'none'", "request.headers['x-tenant']"],
    ["'x-tenant' in request.headers ? 'none' : request.headers['x-tenant']", "request.headers['x-tenant']"],
    ["request.headers['x-tenant'] == 'a' ? 'a' : 'b'", "request.headers['x-tenant']"],
    ["has(request.headers.tenant) ? request.headers.tenant : 'none'", "request.headers.tenant"],
    ["optional.of(request.headers['x-tenant']).orValue('none')", "request.headers['x-tenant']"],
    ["requestBodyJSON('/model')", "requestBodyJSON('/model')"],
    ["'m-' + string(requestBodyJSON('/model'))", "requestBodyJSON('/model')"],
    ["optional.of(requestBodyJSON('/model')).orValue('x')", "requestBodyJSON('/model')"],
  ])("%s", (expression, at) => {
    expect(caretsOf(rule, expression, counting(expression))).toEqual([`warning ${at}`]);
  });

  test("is mended with the name that is read", () => {
    const [finding] = findingsOf(rule, counting("request.headers['x-tenant']"));
    expect(finding?.hint).toContain("`'x-tenant' in request.headers ? request.headers['x-tenant'] : 'none'`");
    expect(finding?.message).toContain("`x-tenant`");
  });

  test("is reported once for one header", () => {
    const expression = "request.headers['x-a'] + request.headers['x-a']";
    expect(findingsOf(rule, counting(expression))).toHaveLength(1);
  });
});

describe("no finding", () => {
  test.each([
    "'x-tenant' in request.headers ? request.headers['x-tenant'] : 'none'",
    "!('x-tenant' in request.headers) ? 'none' : request.headers['x-tenant']",
    "'x-tenant' in request.headers && request.headers['x-tenant'] == 'a' ? 'a' : 'b'",
    "request.headers[?'x-tenant'].orValue('none')",
    "request.headers.?tenant.orValue('none')",
    "request.headers['host']",
    "request.headers[':authority']",
    "request.headers.tenant == 'gold' ? 'gold' : 'rest'",
    "request.headers.tenant in ['gold'] ? 'gold' : 'rest'",
    "request.headers.x-tenant",
    "requestBodyJSON('/model') != null ? requestBodyJSON('/model') : 'none'",
    "requestBodyJSON('/model') == 'a' ? 'a' : 'b'",
    "optional.ofNonZeroValue(requestBodyJSON('/model')).orValue('none')",
    "request.headers[request.method]",
    "auth.identity.username",
  ])("for the counter %s", (expression) => {
    expect(caretsOf(rule, expression, counting(expression))).toEqual([]);
  });

  test("for a predicate", () => {
    expect(findingsOf(rule, limitedWhen("request.headers['x-tenant'] == 'a'"))).toEqual([]);
  });

  test.each([
    ["must have to authenticate", "{authentication: {sa: {kubernetesTokenReview: {}}}}", "authorization"],
    [
      "must have to authenticate, in a header of its own",
      "{authentication: {key: {apiKey: {}, credentials: {customHeader: {name: X-Api-Key}}}}}",
      "x-api-key",
    ],
    ["gets from the AuthPolicy", "{response: {success: {headers: {X-Team: {plain: {value: a}}}}}}", "x-team"],
  ])("for a header that every request %s", (_, rules, header) => {
    const counter = counting(`request.headers['${header}']`);
    expect(findingsOf(rule, WAY, counter, authRules(rules))).toEqual([]);
    expect(findingsOf(rule, WAY, counter)).toHaveLength(1);
  });

  test("of a guarantee by an AuthPolicy that also lets anonymous callers in", () => {
    const rules = "{authentication: {sa: {kubernetesTokenReview: {}}, any: {anonymous: {}}}}";
    expect(findingsOf(rule, WAY, counting("request.headers['authorization']"), authRules(rules))).toHaveLength(1);
  });
});
