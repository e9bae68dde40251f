import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/rlp-preauth-budget.ts";
import { applying, brief, findingsOf } from "../support/rule-findings.ts";

const WORLD = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: a, name: g}
spec:
  gatewayClassName: istio
  listeners:
    - {name: one, port: 80, protocol: HTTP, hostname: one.example.com}
    - {name: two, port: 80, protocol: HTTP, hostname: two.example.com}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: a, name: r}
spec: {parentRefs: [{name: g}], rules: [{}, {}]}`;

const policy = (kind: string, name: string, spec: string, target = "HTTPRoute, name: r"): string => `
apiVersion: kuadrant.io/v1
kind: ${kind}
metadata: {namespace: a, name: ${name}}
spec: {targetRef: {group: gateway.networking.k8s.io, kind: ${target}}, ${spec}}`;

const TOKENS = "rules: {authentication: {sa: {kubernetesTokenReview: {}}}}";
const auth = (spec = TOKENS, target?: string): string => policy("AuthPolicy", "who", spec, target);
const limit = (body: string, target?: string, more = ""): string =>
  policy("RateLimitPolicy", "limits", `limits: {x: {${body}}${more}}`, target);

const RATE = "rates: [{limit: 10, window: 1m}]";

describe("a limit before authentication", () => {
  test("is reported once for all ways, and names the AuthPolicy", () => {
    const found = findingsOf(rule, WORLD, auth(), limit(RATE));
    expect(brief(found)).toEqual(["warning conflict RateLimitPolicy spec.limits.x"]);
    expect(found[0]?.message).toContain("AuthPolicy `a/who`");
    expect(found[0]?.related?.map(({ object }) => object.name)).toEqual(["who"]);
  });

  test.each([
    ["that counts by the host", `${RATE}, counters: [{expression: request.host}]`],
    ["that counts by the gateway's own address", `${RATE}, counters: [{expression: destination.address}]`],
    ["that counts one of two groups", `${RATE}, counters: [{expression: "request.method == 'GET' ? 'r' : 'w'"}]`],
    ["under a condition on the path", `${RATE}, when: [{predicate: "request.url_path == '/v1'"}]`],
  ])("%s is reported", (_, body) => {
    expect(findingsOf(rule, WORLD, auth(), limit(body))).toHaveLength(1);
  });

  test("is reported where only one listener has an AuthPolicy", () => {
    expect(findingsOf(rule, WORLD, auth(TOKENS, "Gateway, name: g, sectionName: two"), limit(RATE))).toHaveLength(1);
  });

  test("warns at admission, and never denies", () => {
    const verdict = applying(rule, limit(RATE), WORLD, auth());
    expect([verdict.denied.length, verdict.warned.length]).toEqual([0, 1]);
  });
});

describe("no finding", () => {
  test.each([
    ["for a counter by address", `${RATE}, counters: [{expression: source.remote_address}]`, ""],
    ["for a counter by a header", `${RATE}, counters: [{expression: "request.headers['x-team']"}]`, ""],
    ["for a counter that cannot be read", `${RATE}, counters: [{expression: "request."}]`, ""],
    ["for a condition on the identity", `${RATE}, when: [{predicate: "auth.identity.uid != ''"}]`, ""],
    ["beside a limit of identities", RATE, `, y: {${RATE}, counters: [{expression: auth.identity.uid}]}`],
    ["for a limit without rates", "counters: []", ""],
    ["for a closed route", "rates: [{limit: 0, window: 1m}]", ""],
  ])("%s", (_, body, more) => {
    expect(findingsOf(rule, WORLD, auth(), limit(body, undefined, more))).toEqual([]);
  });

  test.each([
    ["an AuthPolicy without authentication", "rules: {response: {success: {headers: {x: {plain: {value: y}}}}}}"],
    ["an AuthPolicy that also lets everybody in", "rules: {authentication: {sa: {jwt: {}}, any: {anonymous: {}}}}"],
  ])("with %s", (_, spec) => {
    expect(findingsOf(rule, WORLD, auth(spec), limit(RATE))).toEqual([]);
  });

  test("when a spec-level condition mentions the identity", () => {
    const gated = policy(
      "RateLimitPolicy",
      "limits",
      `when: [{predicate: "has(auth.identity)"}], limits: {x: {${RATE}}}`,
    );
    expect(findingsOf(rule, WORLD, auth(), gated)).toEqual([]);
  });

  test("for limits that another policy replaces", () => {
    const above = policy(
      "RateLimitPolicy",
      "above",
      `overrides: {limits: {y: {${RATE}, counters: [{expression: auth.identity.uid}]}}}`,
      "Gateway, name: g",
    );
    expect(findingsOf(rule, WORLD, auth(), above, limit(RATE))).toEqual([]);
  });
});
