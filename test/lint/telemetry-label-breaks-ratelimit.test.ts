import { describe, expect, test } from "vitest";
import { rule as identityNotExposed } from "../../src/lint/rules/rlp-identity-not-exposed.ts";
import { rule } from "../../src/lint/rules/telemetry-label-breaks-ratelimit.ts";
import { authRules, caretsOf, counting, labelled } from "../support/expression-policies.ts";
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

const onGateway = (label: string): string =>
  labelled(label).replace("kind: HTTPRoute, name: httpbin", "kind: Gateway, name: egress");

const publishing = (filters: string): string => authRules(`{response: {success: {filters: ${filters}}}}`);
const PUBLISHED = publishing("{identity: {json: {properties: {username: {selector: auth.identity.user.username}}}}}");

describe("a label that certainly fails", () => {
  test.each([
    "request.method == 'GET'",
    "request.headers",
    "auth.identity",
    "request.host.split('.')",
    "request.headers[?'x']",
    "null",
  ])("%s", (expression) => {
    expect(caretsOf(rule, expression, labelled(expression))).toEqual([`error ${expression}`]);
  });
});

describe("a label that may fail", () => {
  test.each([
    ["request.headers['x-team']", "request.headers['x-team']"],
    ["requestBodyJSON('/model')", "requestBodyJSON('/model')"],
    ["auth.identity.username", "auth.identity.username"],
    ["auth.caller.name.lowerAscii()", "auth.caller.name"],
  ])("%s", (expression, at) => {
    expect(caretsOf(rule, expression, labelled(expression))).toEqual([`warning ${at}`]);
  });

  test("does not where every route in view publishes it", () => {
    const label = onGateway("auth.identity.username");
    expect(findingsOf(rule, WAY, label, PUBLISHED, counting("request.host"))).toEqual([]);
  });

  test("is another rule's finding where a route in view does not publish it", () => {
    const documents = [WAY, onGateway("auth.identity.uid"), PUBLISHED, counting("request.host")];
    expect(findingsOf(rule, ...documents)).toEqual([]);
    expect(findingsOf(identityNotExposed, ...documents)).toHaveLength(1);
  });
});

describe("a label of too many values", () => {
  test.each([
    ["request.id", "request.id"],
    ["request.path", "request.path"],
    ["source.address", "source.address"],
    ["string(source.port)", "source.port"],
    ["request.useragent", "request.useragent"],
    ["request.headers[?'user-agent'].orValue('none')", "request.headers[?'user-agent']"],
    ["string(request.time)", "request.time"],
  ])("%s", (expression, at) => {
    expect(caretsOf(rule, expression, labelled(expression))).toEqual([`warning ${at}`]);
  });
});

test.each([
  "request.host",
  "request.method",
  "request.url_path",
  "source.remote_address",
  "string(request.time.getHours())",
  "request.path.startsWith('/v1') ? 'v1' : 'other'",
  "'x' in request.headers ? request.headers['x'] : 'none'",
  "auth.kuadrant.plan",
  "auth.?identity.username.orValue('none')",
  "request.",
])("nothing is found in %s", (expression) => {
  expect(findingsOf(rule, labelled(expression))).toEqual([]);
});
