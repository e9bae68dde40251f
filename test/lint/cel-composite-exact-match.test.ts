import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/cel-composite-exact-match.ts";
import { authPattern, authWhen, caretsOf, counting, limitedWhen } from "../support/expression-policies.ts";
import { findingsOf } from "../support/rule-findings.ts";

const way = ({ port = 80, hostname = "api.example.com", rewrite = "api.example.com" } = {}): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: gateways, name: egress}
spec: {gatewayClassName: istio, listeners: [{name: http, port: ${port}, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: gateways, name: httpbin}
spec:
  parentRefs: [{name: egress}]
  hostnames: ["${hostname}"]
  rules: [{filters: [{type: URLRewrite, urlRewrite: {hostname: ${rewrite}}}]}]`;

const messageOf = (...documents: readonly string[]): string => findingsOf(rule, ...documents)[0]?.message ?? "";

describe("an exact comparison of a part", () => {
  test.each([
    ["source.address == '10.0.0.7'", "source.address"],
    ["'10.0.0.7' == source.address", "source.address"],
    ["source.address != '10.0.0.7'", "source.address"],
    ["source.address in ['10.0.0.7', '10.0.0.8:80']", "source.address"],
    ["request.path == '/v1'", "request.path"],
    ["request['path'] in ['/v1', '/v2']", "request['path']"],
    ["request.path.endsWith('/chat')", "request.path"],
    ["request.method == 'GET' && !(request.path == '/admin')", "request.path"],
    ["['/a'].exists(p, request.path == '/b')", "request.path"],
  ])("%s", (expression, at) => {
    for (const document of [limitedWhen(expression), authWhen(expression), authPattern({ predicate: expression })]) {
      expect(caretsOf(rule, expression, document)).toEqual([`warning ${at}`]);
    }
  });

  test("is found in a counter's condition", () => {
    const counter = "request.path == '/v1' ? 'chat' : 'other'";
    expect(caretsOf(rule, counter, counting(counter))).toEqual(["warning request.path"]);
  });

  test.each([
    ["source.address == '10.0.0.7'", "never matches"],
    ["source.address != '10.0.0.7'", "always holds"],
    ["!(source.address in ['10.0.0.7'])", "always holds"],
    ["!(source.address != '10.0.0.7')", "never matches"],
    ["request.path == '/admin'", "no longer matches once `?x` is added"],
    ["request.path != '/admin'", "is passed by adding `?x`"],
  ])("says what comes of %s", (expression, outcome) => {
    expect(messageOf(limitedWhen(expression))).toContain(outcome);
  });

  test("names what the engine has instead", () => {
    const predicate = "source.address == '10.0.0.7'";
    expect(findingsOf(rule, limitedWhen(predicate))[0]?.hint).toContain("source.remote_address");
    expect(findingsOf(rule, authPattern({ predicate }))[0]?.hint).toContain("source.address.split(':')[0]");
  });
});

describe("a host", () => {
  const equal = limitedWhen("request.host == 'api.example.com'");

  test.each([
    ["on the port that clients leave out", way(), 0],
    ["on 443", way({ port: 443 }), 0],
    ["on another port", way({ port: 8080 }), 1],
    ["that is the rewritten one", way({ hostname: "alias.internal" }), 1],
    ["that a wildcard covers", way({ hostname: "*.example.com" }), 0],
    ["without a way in view", "", 0],
  ])("%s", (_, world, count) => {
    const found = findingsOf(rule, ...(world === "" ? [] : [world]), equal);
    expect(found.map(({ scope }) => scope)).toEqual(count === 1 ? ["conflict"] : []);
  });

  test("written with its port is right on another port", () => {
    expect(findingsOf(rule, way({ port: 8080 }), limitedWhen("request.host == 'api.example.com:8080'"))).toEqual([]);
  });

  test("is named as callers know it", () => {
    expect(findingsOf(rule, way({ hostname: "alias.internal" }), equal)[0]?.hint).toContain("'alias.internal'");
  });
});

test.each([
  "request.path == ''",
  "request.path != ''",
  "request.path == '/v1?a=b'",
  "request.path.startsWith('/v1')",
  "request.url_path == '/v1'",
  "source.address == '10.0.0.7:1234'",
  "source.address.startsWith('10.')",
  "source.address == '[::1]:80'",
  "source.remote_address == '10.0.0.7'",
  "request.path == request.url_path",
  "['/a'].exists(request, request == '/b')",
  "request.path ==",
])("nothing is found in %s", (expression) => {
  expect(findingsOf(rule, limitedWhen(expression))).toEqual([]);
});
