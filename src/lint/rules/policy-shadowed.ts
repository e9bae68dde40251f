import { compareAge } from "../../model/age.ts";
import { formatName } from "../../model/object-ref.ts";
import { type Contender, contendingRules, strategyOf } from "../../model/same-target.ts";
import { refOf } from "../../model/topology.ts";
import { readLast } from "../arrival.ts";
import { type Shadow, shadowsBeneath, shadowsBeside } from "../attachment/policy-shadows.ts";
import { defineRule, type Report } from "../rule.ts";

/**
 * A pair is reported once, on the policy that was read last (arrival.ts): with files the later document, at admission
 * the policy being applied, whichever of the two then wins.
 */
export const rule = defineRule({
  id: "policy-shadowed",
  kinds: ["AuthPolicy", "RateLimitPolicy", "TokenRateLimitPolicy", "PlanPolicy", "DNSPolicy", "TLSPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "warning",
  scope: "conflict",
  title: "One of two policies on the same target has no effect",
  why: "Kuadrant does not add policies up: unless they merge, one replaces the other, and what it enforced stops without any error.",
  fix: "Put all rules into one policy, or use `defaults: {strategy: merge}`.",
  sources: [
    "Kuadrant RFC 0009 Defaults and Overrides",
    "kuadrant-operator api/v1/merge_strategies.go",
    "kuadrant-operator issue 1052: which of two policies on one target wins",
  ],
  since: "0.1.0",

  check(object, topology) {
    if (object.metadata.deletionTimestamp !== undefined) return [];
    const shadows = [...shadowsBeside(object, topology), ...shadowsBeneath(object, topology)];
    return shadows
      .filter(({ winner, loser }) => readLast([winner, loser], topology) === object)
      .map((shadow) => reportOn(object, shadow));
  },

  bad: [
    {
      name: "a global and a per-workload limit in two policies",
      finds: [{ path: "spec.targetRef.name" }],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {name: global, namespace: gateway-system, creationTimestamp: "2026-01-01T00:00:00Z"}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai-external}
          limits: {global: {rates: [{limit: 100, window: 1m}]}}
        ---
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {name: per-workload, namespace: gateway-system, creationTimestamp: "2026-01-02T00:00:00Z"}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai-external}
          limits:
            per-workload:
              rates: [{limit: 10, window: 1m}]
              counters: [{expression: auth.identity.username}]`,
    },
    {
      name: "a route's policy below overrides of the Gateway",
      finds: [{ path: "spec.targetRef.name" }],
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {name: egress, namespace: gateway-system}
        spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: openai, namespace: gateway-system}
        spec:
          parentRefs: [{name: egress}]
          rules:
            - backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]
        ---
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {name: platform, namespace: gateway-system}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          overrides: {limits: {global: {rates: [{limit: 100, window: 1m}]}}}
        ---
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {name: team, namespace: gateway-system}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}
          limits: {team: {rates: [{limit: 10, window: 1m}]}}`,
    },
  ],
  good: [
    {
      name: "both limits in one policy",
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {name: limits, namespace: gateway-system}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai-external}
          limits:
            global: {rates: [{limit: 100, window: 1m}]}
            per-workload:
              rates: [{limit: 10, window: 1m}]
              counters: [{expression: auth.identity.username}]`,
    },
    {
      name: "two policies of which the older one merges",
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {name: global, namespace: gateway-system, creationTimestamp: "2026-01-01T00:00:00Z"}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai-external}
          defaults: {strategy: merge, limits: {global: {rates: [{limit: 100, window: 1m}]}}}
        ---
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {name: per-workload, namespace: gateway-system, creationTimestamp: "2026-01-02T00:00:00Z"}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai-external}
          limits: {per-workload: {rates: [{limit: 10, window: 1m}]}}`,
    },
  ],
});

const REASONS: Record<Shadow["reason"], string> = {
  "newest-default": "with atomic defaults the newest one wins",
  "oldest-override": "of overrides the oldest one wins, and overrides beat defaults",
  "merge-covers-all": "they merge, and it sets every rule of the other",
  "older-accepted": "only the oldest one of a target is accepted",
  "override-above": "its overrides replace everything below its target",
};

const nameOf = ({ kind, metadata }: Contender): string => `${kind} \`${formatName(metadata)}\``;

function reportOn(object: Contender, shadow: Shadow): Report {
  const { winner, loser, reason } = shadow;
  const [older, newer] = compareAge(winner, loser) <= 0 ? [winner, loser] : [loser, winner];
  const { kind = "", name = "" } = loser.spec?.targetRef ?? {};
  const scene =
    reason === "override-above"
      ? `${nameOf(loser)} has no effect: ${nameOf(winner)} replaces it completely`
      : `${nameOf(older)} and ${nameOf(newer)} both target ${kind} \`${name}\`; \`${formatName(winner.metadata)}\` ${
          reason === "older-accepted" ? "is accepted and the other is not" : "replaces the other completely"
        }`;
  const other = object === winner ? loser : winner;
  return {
    path: ["spec", "targetRef", "name"],
    message: `${scene} (${REASONS[reason]})${lossOf(loser)}${ageNote(shadow)}`,
    hint: hintFor(shadow, older),
    related: [
      {
        object: refOf(other),
        path: ["spec", "targetRef", "name"],
        message: other === winner ? "this policy stays in force" : "this policy is no longer enforced",
      },
    ],
  };
}

const MOST_NAMES = 3;

/** What stops being enforced: `limits/global` as "limits `global`". */
function lossOf(loser: Contender): string {
  const keys = contendingRules(loser);
  if (keys.length === 0) return "";
  const shown = keys.slice(0, MOST_NAMES).map((key) => {
    const slash = key.indexOf("/");
    return slash < 0 ? `\`${key}\`` : `${key.slice(0, slash)} \`${key.slice(slash + 1)}\``;
  });
  const more = keys.length > MOST_NAMES ? ` and ${keys.length - MOST_NAMES} more` : "";
  return `: ${shown.join(", ")}${more} ${keys.length === 1 ? "stops" : "stop"} being enforced`;
}

/** Objects from files have no age; then the name decides, as it does in a cluster for policies of the same second. */
function ageNote({ winner, loser, reason }: Shadow): string {
  const ageDecides = reason !== "override-above" && strategyOf(winner).overrides === strategyOf(loser).overrides;
  const unknown = winner.metadata.creationTimestamp === undefined && loser.metadata.creationTimestamp === undefined;
  return ageDecides && unknown
    ? "; their ages are unknown here, so the names decided: in a cluster it may be the other one"
    : "";
}

function hintFor({ winner, loser, reason }: Shadow, older: Contender): string {
  if (reason === "older-accepted") return `Delete one of them; a target takes one ${loser.kind}.`;
  if (reason === "override-above") {
    return `Delete ${nameOf(loser)}, or set \`strategy: merge\` under \`overrides\` of ${nameOf(winner)}.`;
  }
  const what = loser.kind === "AuthPolicy" ? "rules" : "limits";
  const block = strategyOf(older).overrides ? "overrides" : "defaults";
  const merge = older.kind === "PlanPolicy" ? "" : `, or use \`${block}: {strategy: merge}\` in the older one`;
  return `Put all ${what} into one policy${merge}; if this is a planned replacement, delete ${nameOf(loser)}.`;
}
