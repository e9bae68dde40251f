import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/policy-target-missing.ts";
import { applying, brief, findingsOf } from "../support/rule-findings.ts";

const policy = (kind: string, target: string, namespace = "a"): string => `
apiVersion: ${kind === "PlanPolicy" || kind === "TelemetryPolicy" ? "extensions.kuadrant.io/v1alpha1" : "kuadrant.io/v1"}
kind: ${kind}
metadata: {name: p${namespace === "" ? "" : `, namespace: ${namespace}`}}
spec: {targetRef: {group: gateway.networking.k8s.io, ${target}}}`;
const route = (namespace: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r${namespace === "" ? "" : `, namespace: ${namespace}`}}
spec: {parentRefs: [{name: g}], rules: [{name: chat}, {}]}`;
const gateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g, namespace: a}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}`;
const ROUTE = "kind: HTTPRoute, name: r";

describe("a target that is not there", () => {
  test.each(["AuthPolicy", "RateLimitPolicy", "TokenRateLimitPolicy", "PlanPolicy"])("of a %s", (kind) => {
    expect(brief(findingsOf(rule, policy(kind, ROUTE)))).toEqual([`error absence ${kind} spec.targetRef.name`]);
  });

  test.each(["DNSPolicy", "TLSPolicy", "TelemetryPolicy"])("of a %s", (kind) => {
    expect(brief(findingsOf(rule, policy(kind, "kind: Gateway, name: x"), gateway))).toEqual([
      `error absence ${kind} spec.targetRef.name`,
    ]);
    expect(brief(findingsOf(rule, policy(kind, ROUTE), route("a")))).toEqual([
      `error absence ${kind} spec.targetRef.kind`,
    ]);
  });

  test("is named with the namespace where it is", () => {
    const [finding] = findingsOf(rule, policy("AuthPolicy", ROUTE, "team"), route("a"));
    expect(finding).toMatchObject({
      message:
        "HTTPRoute `r` not found in namespace `team`: the policy protects nothing; it exists in `a`, and the policy must live there",
      hint: "Move the policy to `a`.",
    });
  });

  test("is a warning at admission, where it may still come", () => {
    const verdict = applying(rule, policy("AuthPolicy", ROUTE));
    expect([verdict.denied.length, verdict.warned.length]).toEqual([0, 1]);
  });
});

describe("a section", () => {
  test.each([
    ["chat", []],
    ["rule-2", []],
    ["rule-1", ["error absence RateLimitPolicy spec.targetRef.sectionName"]],
    ["rule-3", ["error absence RateLimitPolicy spec.targetRef.sectionName"]],
  ])("`%s` of a route with a named and an unnamed rule", (section, expected) => {
    const limits = policy("RateLimitPolicy", `${ROUTE}, sectionName: ${section}`);
    expect(brief(findingsOf(rule, limits, route("a")))).toEqual(expected);
  });

  test("that is missing is answered with those that exist", () => {
    const [finding] = findingsOf(rule, policy("DNSPolicy", "kind: Gateway, name: g, sectionName: x"), gateway);
    expect(finding?.message).toContain("has no listener `x`: the policy protects nothing; it has `http`");
  });

  test("by number is answered with the advice to name rules", () => {
    const [finding] = findingsOf(rule, policy("AuthPolicy", `${ROUTE}, sectionName: rule-9`), route("a"));
    expect(finding?.hint).toContain("Give the rule a `name`");
  });
});

describe("silence", () => {
  test.each([
    ["about a target in the same namespace", [policy("AuthPolicy", ROUTE), route("a")]],
    ["about documents without namespaces that meet", [policy("AuthPolicy", ROUTE, ""), route("")]],
    ["about a policy whose namespace is not written", [policy("AuthPolicy", ROUTE, ""), route("a")]],
    ["about a target whose namespace is not written", [policy("AuthPolicy", ROUTE), route("")]],
    ["about a kind of target that Sluice does not read", [policy("AuthPolicy", "kind: ListenerSet, name: x")]],
  ])("%s", (_, documents) => {
    expect(findingsOf(rule, ...documents)).toEqual([]);
  });
});
