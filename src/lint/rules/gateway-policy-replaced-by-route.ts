import { isDeepStrictEqual } from "node:util";
import {
  declaredRules,
  type EffectivePolicy,
  type EffectiveRule,
  effectivePolicy,
} from "../../model/effective-policy.ts";
import type { AuthenticationItem } from "../../model/kinds/auth-policy.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import { findTarget, levelOn, waysOf } from "../../model/policy-target.ts";
import { strategyOf } from "../../model/same-target.ts";
import { refOf, type Topology } from "../../model/topology.ts";

import { defineRule, type Report } from "../rule.ts";

type LayeredPolicy = Kinds["AuthPolicy"] | Kinds["RateLimitPolicy"];
type Rules = readonly EffectiveRule[];

/** Atomic defaults, the implicit kind: they hold where nothing more specific does. */
const givesWay = (policy: LayeredPolicy): boolean => {
  const { overrides, merge } = strategyOf(policy);
  return !overrides && !merge;
};

const under = (rules: Rules, prefix: string): Rules => rules.filter(({ key }) => key.startsWith(prefix));

const asks = (rules: Rules): Rules =>
  under(rules, "authentication/").filter(({ value }) => (value as AuthenticationItem).anonymous === undefined);

/** `authorization/team` as "authorization `team`". */
function nameOf({ key }: EffectiveRule): string {
  const slash = key.indexOf("/");
  return `${key.slice(0, slash)} \`${key.slice(slash + 1)}\``;
}

/** What a gateway's policy had and nothing has taken the place of: each rule, or a whole part. */
function lostRules(declared: Rules, standing: Rules): readonly string[] {
  const isKept = (rule: EffectiveRule): boolean =>
    standing.some(({ key, value }) => key === rule.key || isDeepStrictEqual(value, rule.value));
  const single = [...under(declared, "authorization/"), ...under(declared, "limits/")].filter((rule) => !isKept(rule));
  const parts = [
    ["authentication", asks(declared), asks(standing)],
    ["metadata", under(declared, "metadata/"), under(standing, "metadata/")],
    ["the response", under(declared, "response.success."), under(standing, "response.success.")],
  ] as const;
  const whole = parts.filter(([, had, has]) => had.length > 0 && has.length === 0).map(([name]) => name);
  return [...single.map(nameOf), ...whole];
}

/** What a policy of a route takes away from each policy of its gateways. */
function replacedBy(policy: LayeredPolicy, topology: Topology): ReadonlyMap<LayeredPolicy, readonly string[]> {
  const replaced = new Map<LayeredPolicy, readonly string[]>();
  for (const way of waysOf(policy, topology)) {
    const level = levelOn(policy, way) ?? 0;
    if (!topology.egressGateways.includes(way.attachment.gateway)) continue;
    const effective = level < 2 ? undefined : effectivePolicy(policy.kind, way, topology.objects);
    if (effective === undefined || !brings(policy, effective)) continue;
    for (const upper of effective.policies) {
      if (upper.kind === "TokenRateLimitPolicy" || !givesWay(upper) || (levelOn(upper, way) ?? 3) > 1) continue;
      const lost = lostRules([...declaredRules(upper).values()], [...effective.rules.values()]);
      if (lost.length > 0 && !replaced.has(upper)) replaced.set(upper, lost);
    }
  }
  return replaced;
}

const brings = (policy: LayeredPolicy, { rules }: EffectivePolicy): boolean =>
  [...rules.values()].some((rule) => rule.policy === policy);

const routeReports = (object: LayeredPolicy, topology: Topology): readonly Report[] =>
  [...replacedBy(object, topology)].map(([upper, lost]) => ({
    path: ["spec", "targetRef", "name"],
    severity: object.kind === "AuthPolicy" ? "warning" : "info",
    message: `this policy replaces \`${formatName(upper.metadata)}\` of the Gateway completely, whose defaults are atomic: ${lost.join(", ")} no longer ${lost.length === 1 ? "applies" : "apply"} here`,
    related: [{ object: refOf(upper), path: ["spec", "targetRef", "name"], message: "this policy is replaced" }],
  }));

/** A policy of an egress gateway that guards something, and that any route may replace. */
function gatewayReports(object: LayeredPolicy, topology: Topology): readonly Report[] {
  if (object.kind !== "AuthPolicy" || !givesWay(object)) return [];
  const target = findTarget(object, topology.objects);
  if (target.status !== "found" || target.object.kind !== "Gateway") return [];
  if (!topology.egressGateways.includes(target.object)) return [];
  const rules = [...declaredRules(object).values()];
  const guards = [...asks(rules), ...under(rules, "authorization/")].map(nameOf);
  if (guards.length === 0) return [];
  return [
    {
      path: ["spec", object.spec?.defaults === undefined ? "rules" : "defaults"],
      at: "key",
      message: `these are defaults: an AuthPolicy on any route of the Gateway replaces them completely, ${guards.join(", ")} included`,
    },
  ];
}

const WORLD = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [api.openai.com]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]`;

const policy = (name: string, target: string, block: string, kind = "AuthPolicy"): string => `
        ---
        apiVersion: kuadrant.io/v1
        kind: ${kind}
        metadata: {namespace: gateway-system, name: ${name}}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: ${target}}
          ${block}`;

const GATEWAY = "Gateway, name: egress";
const ROUTE = "HTTPRoute, name: openai";
const IDENTITY = "authentication: {workload: {kubernetesTokenReview: {audiences: [egress-gateway]}}}";
const TEAM = `authorization: {team: {patternMatching: {patterns: [{predicate: "auth.identity.user.username != ''"}]}}}`;
const HEADER = "response: {success: {headers: {x-team: {plain: {value: a}}}}}";
const LIMIT = (name: string, limit: number): string => `limits: {${name}: {rates: [{limit: ${limit}, window: 1m}]}}`;
const TARGET = "spec.targetRef.name";

export const rule = defineRule({
  id: "gateway-policy-replaced-by-route",
  kinds: ["AuthPolicy", "RateLimitPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute", "AuthPolicy", "RateLimitPolicy", "Service", "DNSPolicy", "Secret"],
  severity: "warning",
  scope: "conflict",
  title: "A route's policy switches off what the gateway's policy asks for",
  why: "Defaults are for routes that have no policy of their own. On an egress gateway they are often meant as the platform's control, and the owner of a route takes them off with any AuthPolicy.",
  fix: "Put what is mandatory under `overrides: {strategy: merge}` in the gateway's policy.",
  sources: ["Kuadrant RFC 0009 Defaults and Overrides", "kuadrant-operator api/v1/merge_strategies.go"],
  since: "0.2.0",

  check: (object, topology) => [...routeReports(object, topology), ...gatewayReports(object, topology)],

  bad: [
    {
      name: "defaults on the Gateway that any route may replace",
      finds: [{ path: "spec.defaults" }],
      yaml: WORLD + policy("platform", GATEWAY, `defaults: {rules: {${IDENTITY}}}`),
    },
    {
      name: "a route's policy without the gateway's authorization",
      finds: [{ path: "spec.rules" }, { path: TARGET }],
      yaml:
        WORLD +
        policy("platform", GATEWAY, `rules: {${IDENTITY}, ${TEAM}}`) +
        policy("team", ROUTE, `rules: {${IDENTITY}, ${HEADER}}`),
    },
    {
      name: "a route's policy without the gateway's headers",
      finds: [{ path: TARGET }],
      yaml: WORLD + policy("platform", GATEWAY, `rules: {${HEADER}}`) + policy("team", ROUTE, `rules: {${IDENTITY}}`),
    },
    {
      name: "limits of the Gateway",
      finds: [{ path: TARGET, severity: "info" }],
      yaml:
        WORLD +
        policy("platform", GATEWAY, LIMIT("global", 100), "RateLimitPolicy") +
        policy("team", ROUTE, LIMIT("team", 10), "RateLimitPolicy"),
    },
  ],
  good: [
    {
      name: "overrides that merge",
      yaml:
        WORLD +
        policy("platform", GATEWAY, `overrides: {strategy: merge, rules: {${IDENTITY}, ${TEAM}}}`) +
        policy("team", ROUTE, `rules: {${HEADER}}`),
    },
    {
      name: "defaults that merge",
      yaml:
        WORLD +
        policy("platform", GATEWAY, `defaults: {strategy: merge, rules: {${IDENTITY}, ${TEAM}}}`) +
        policy("team", ROUTE, `rules: {${HEADER}}`),
    },
    {
      name: "a gateway that is not for egress",
      yaml:
        WORLD.replace("group: networking.istio.io, kind: Hostname, ", "") +
        policy("platform", GATEWAY, `defaults: {rules: {${IDENTITY}}}`),
    },
    {
      name: "a policy of the Gateway that asks nothing of callers",
      yaml: WORLD + policy("platform", GATEWAY, "rules: {authentication: {everybody: {anonymous: {}}}}"),
    },
  ],
});
