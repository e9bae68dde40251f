import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/trlp-usage-not-readable.ts";
import { applying, findingsOf } from "../support/rule-findings.ts";

const STRIP = "{type: RequestHeaderModifier, requestHeaderModifier: {remove: [Accept-Encoding]}}";

const GATEWAY = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: a, name: g}
spec: {gatewayClassName: istio, listeners: [{name: one, port: 80, protocol: HTTP}, {name: two, port: 8080, protocol: HTTP}]}`;

const route = (host: string, { filters = STRIP, name = "r", kind = "HTTPRoute" } = {}): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: {namespace: a, name: ${name}}
spec:
  parentRefs: [{name: g}]
  hostnames: [${name}.example.com]
  rules:
    - filters: [${filters}]
      backendRefs: [{group: networking.istio.io, kind: Hostname, name: ${host}, port: 443}]`;

const tokens = (target = "HTTPRoute, name: r", name = "t", more = ""): string => `
apiVersion: kuadrant.io/v1alpha1
kind: TokenRateLimitPolicy
metadata: {namespace: a, name: ${name}}
spec:
  targetRef: {group: gateway.networking.k8s.io, kind: ${target}}
  ${more === "" ? "limits: {x: {rates: [{limit: 10, window: 1m}]}}" : more}`;

const told = (...documents: readonly string[]): readonly string[] =>
  findingsOf(rule, GATEWAY, ...documents).map(({ severity, related = [] }) => `${severity} ${related.length}`);

describe("a provider", () => {
  test.each([
    "api.anthropic.com",
    "generativelanguage.googleapis.com",
    "bedrock-runtime.us-east-1.amazonaws.com",
    "api.cohere.com",
    "api.cohere.ai",
    "API.Anthropic.com",
  ])("%s reports usage in a shape of its own", (host) => {
    expect(told(route(host), tokens())).toEqual(["warning 1"]);
  });

  test.each(["api.openai.com", "acme.openai.azure.com", "api.groq.com", "anthropic.com", "googleapis.com"])(
    "%s is not judged",
    (host) => {
      expect(told(route(host), tokens())).toEqual([]);
    },
  );

  test("is named, with the route", () => {
    const [finding] = findingsOf(rule, GATEWAY, route("api.anthropic.com"), tokens());
    expect(finding?.message).toContain("Anthropic");
    expect(finding?.message).toContain("HTTPRoute a/r");
  });
});

describe("compression", () => {
  test.each([
    ["nothing", "", 1],
    ["another header", "{type: RequestHeaderModifier, requestHeaderModifier: {remove: [x-a]}}", 1],
    ["the header", STRIP, 0],
    [
      "a value without compression",
      "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: accept-encoding, value: identity}]}}",
      0,
    ],
  ])("of a route that strips %s", (_, filters, count) => {
    expect(told(route("api.openai.com", { filters }), tokens())).toEqual(Array(count).fill("info 1"));
  });

  test("is not mentioned where the shape is wrong anyway", () => {
    expect(told(route("api.anthropic.com", { filters: "" }), tokens())).toEqual(["warning 1"]);
  });
});

describe("a policy of the Gateway", () => {
  const onGateway = tokens("Gateway, name: g");

  test("is told about each matter once, whatever the number of routes", () => {
    const routes = ["one", "two"].map((name) => route("api.anthropic.com", { name }));
    expect(told(...routes, route("api.openai.com", { filters: "" }), onGateway)).toEqual(["warning 2", "info 1"]);
  });

  test("cannot count what a GRPCRoute answers", () => {
    const [finding] = findingsOf(rule, GATEWAY, route("api.example.com", { kind: "GRPCRoute" }), onGateway);
    expect(finding?.message).toContain("gRPC");
  });

  test("is not judged for routes where another policy replaces it", () => {
    const own = tokens("HTTPRoute, name: r", "own");
    const found = findingsOf(rule, GATEWAY, route("api.anthropic.com"), onGateway, own);
    expect(found.map(({ object }) => object.name)).toEqual(["own"]);
  });
});

test("at admission it warns only", () => {
  const verdict = applying(rule, tokens(), GATEWAY, route("api.anthropic.com"));
  expect([verdict.denied.length, verdict.warned.length]).toEqual([0, 1]);
});
