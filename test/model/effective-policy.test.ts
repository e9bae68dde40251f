import { describe, expect, test } from "vitest";
import { effectivePolicy } from "../../src/model/effective-policy.ts";
import { pathsOf } from "../../src/model/policy-target.ts";
import { topologyOf } from "../support/topology-of.ts";

const BASE = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: g, name: gw}
spec: {listeners: [{name: l, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: g, name: r}
spec:
  parentRefs: [{name: gw}]
  rules: [{name: first, backendRefs: [{name: x, port: 80}]}]
`;

type Placement = { target: string; section?: string; block?: string; strategy?: string; age?: string; limits: string };

const policy = (name: string, { target, section, block, strategy, age = "2026-01-01", limits }: Placement) => {
  const content = `limits: {${limits}: {rates: [{limit: 1, window: 1m}]}}`;
  const merge = strategy === undefined ? "" : `strategy: ${strategy}, `;
  const body = block === undefined ? content : `${block}: {${merge}${content}}`;
  const sectionName = section === undefined ? "" : `, sectionName: ${section}`;
  return `---
apiVersion: kuadrant.io/v1
kind: RateLimitPolicy
metadata: {namespace: g, name: ${name}, creationTimestamp: "${age}T00:00:00Z"}
spec: {targetRef: {group: gateway.networking.k8s.io, kind: ${target}, name: ${target === "Gateway" ? "gw" : "r"}${sectionName}}, ${body}}
`;
};

const effective = (...policies: string[]): readonly string[] | undefined => {
  const { attachments, objects } = topologyOf(BASE + policies.join(""));
  const [path] = pathsOf(attachments);
  if (path === undefined) throw new Error("the route must be attached");
  const result = effectivePolicy("RateLimitPolicy", path, objects);
  return result && [...result.rules.values()].map(({ key, policy: by }) => `${key} by ${by.metadata.name}`).sort();
};

const route = { target: "HTTPRoute", limits: "b" };
const gateway = { target: "Gateway", limits: "a" };

describe("the effective policy", () => {
  test.each([
    ["is none without a policy", [], undefined],
    ["is the gateway's default while the route has none", [policy("gw", gateway)], ["limits/a by gw"]],
    ["is the route's alone over an atomic default", [policy("gw", gateway), policy("rt", route)], ["limits/b by rt"]],
    [
      "is both when the default merges",
      [policy("gw", { ...gateway, block: "defaults", strategy: "merge" }), policy("rt", route)],
      ["limits/a by gw", "limits/b by rt"],
    ],
    [
      "keeps the route's rule of the same name under a merging default",
      [policy("gw", { ...gateway, limits: "b", block: "defaults", strategy: "merge" }), policy("rt", route)],
      ["limits/b by rt"],
    ],
    [
      "is the gateway's alone under an atomic override",
      [policy("gw", { ...gateway, block: "overrides" }), policy("rt", route)],
      ["limits/a by gw"],
    ],
    [
      "is both when the override merges, the gateway's first",
      [
        policy("gw", { ...gateway, limits: "b", block: "overrides", strategy: "merge" }),
        policy("rt", { ...route, limits: "b" }),
      ],
      ["limits/b by gw"],
    ],
    [
      "is the newer of two defaults on one target",
      [policy("old", route), policy("new", { ...route, age: "2026-02-01", limits: "c" })],
      ["limits/c by new"],
    ],
    [
      "is the older of two overrides on one target",
      [
        policy("old", { ...route, block: "overrides" }),
        policy("new", { ...route, block: "overrides", age: "2026-02-01", limits: "c" }),
      ],
      ["limits/b by old"],
    ],
    [
      "is the gateway's override over a listener's override",
      [
        policy("gw", { ...gateway, block: "overrides" }),
        policy("ls", { ...gateway, section: "l", block: "overrides", limits: "c" }),
      ],
      ["limits/a by gw"],
    ],
    [
      "is the rule's default over the route's",
      [policy("rt", route), policy("rule", { ...route, section: "first", limits: "c" })],
      ["limits/c by rule"],
    ],
    [
      "is not one that names another rule",
      [policy("rt", route), policy("rule", { ...route, section: "rule-2", limits: "c" })],
      ["limits/b by rt"],
    ],
  ])("%s", (_title, policies, expected) => {
    expect(effective(...policies)).toEqual(expected);
  });
});
