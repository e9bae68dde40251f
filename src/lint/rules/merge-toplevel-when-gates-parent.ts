import { isDeepStrictEqual } from "node:util";
import {
  declaredRules,
  type EffectivePolicy,
  type EffectiveRule,
  effectivePolicy,
  type MergedKind,
} from "../../model/effective-policy.ts";
import type { AuthBlock } from "../../model/kinds/auth-policy.ts";
import type { Kinds } from "../../model/kinds.ts";
import type { ObjectIndex } from "../../model/object-index.ts";
import { formatName } from "../../model/object-ref.ts";
import { policiesOnPath, type RoutePath, waysOf } from "../../model/policy-target.ts";
import { strategyOf } from "../../model/same-target.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { readLast } from "../arrival.ts";
import { defineRule, type Report } from "../rule.ts";

type MergedPolicy = Kinds[MergedKind];

/** A spec-level `when` that decides about rules of another policy. */
type Gate = { readonly when: EffectiveRule; readonly owner: MergedPolicy; readonly rules: readonly EffectiveRule[] };

const holdsAlways = (when: AuthBlock["when"] = []): boolean =>
  when.every(({ predicate = "" }) => predicate.trim() === "true");

/** Everything is immutable, and many policies share one effective policy. */
const known = new WeakMap<EffectivePolicy, readonly Gate[]>();

function gatesIn(effective: EffectivePolicy): readonly Gate[] {
  const gates = known.get(effective) ?? findGates(effective);
  known.set(effective, gates);
  return gates;
}

/** The policies whose rules stand behind another policy's condition, on one way. */
function findGates({ rules }: EffectivePolicy): readonly Gate[] {
  const when = rules.get("when");
  if (when === undefined || holdsAlways(when.value as AuthBlock["when"])) return [];
  const gated = [...rules.values()].filter(
    ({ key, policy }) => key !== "when" && !key.startsWith("patterns/") && policy !== when.policy,
  );
  return [...Map.groupBy(gated, ({ policy }) => policy)]
    .filter(([owner]) => !isDeepStrictEqual(declaredRules(owner).get("when")?.value, when.value))
    .map(([owner, behind]) => ({ when, owner, rules: behind }));
}

/** Whether policies on a way can merge at all, and a condition is among them: most cannot. */
function canMerge({ kind }: MergedPolicy, way: RoutePath, objects: ObjectIndex): boolean {
  const all: readonly MergedPolicy[] = policiesOnPath(kind, way, objects);
  return all.some((one) => strategyOf(one).merge) && all.some((one) => declaredRules(one).get("when") !== undefined);
}

function gatesOf(policy: MergedPolicy, topology: Topology): readonly Gate[] {
  const { objects } = topology;
  const gates = waysOf(policy, topology).flatMap((way) => {
    const effective = canMerge(policy, way, objects) ? effectivePolicy(policy.kind, way, objects) : undefined;
    return effective === undefined ? [] : gatesIn(effective);
  });
  const pair = ({ when, owner }: Gate): string => JSON.stringify([refOf(when.policy), refOf(owner)]);
  return [...new Map(gates.map((gate) => [pair(gate), gate])).values()];
}

const MOST_NAMES = 4;

function listRules(rules: readonly EffectiveRule[]): string {
  const names = rules.slice(0, MOST_NAMES).map(({ key }) => `\`${key}\``);
  return `${names.join(", ")}${rules.length > MOST_NAMES ? ` and ${rules.length - MOST_NAMES} more` : ""}`;
}

function reportOn(object: MergedPolicy, { when, owner, rules }: Gate): Report {
  const [first] = rules;
  const own = object === when.policy;
  const here = own ? when.path : (first?.path ?? ["spec"]);
  const there = own ? (first?.path ?? ["spec"]) : when.path;
  return {
    path: here,
    at: "key",
    ...(object.kind === "AuthPolicy" ? {} : { severity: "warning" as const }),
    message: `\`when\` of \`${formatName(when.policy.metadata)}\` also decides whether the rules of \`${formatName(owner.metadata)}\` run (${listRules(rules)}); where it is false, none of them is enforced`,
    related: [
      {
        object: refOf(own ? owner : when.policy),
        path: there,
        message: own ? "these rules are skipped with it" : "this condition decides about them",
      },
    ],
  };
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
        apiVersion: kuadrant.io/${kind === "TokenRateLimitPolicy" ? "v1alpha1" : "v1"}
        kind: ${kind}
        metadata: {namespace: gateway-system, name: ${name}}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: ${target}}
          ${block}`;

const GATEWAY = "Gateway, name: egress";
const ROUTE = "HTTPRoute, name: openai";
const WHEN = `when: [{predicate: "request.url_path.startsWith('/v1')"}]`;
const IDENTITY = "rules: {authentication: {workload: {kubernetesTokenReview: {audiences: [egress-gateway]}}}}";
const HEADER = "rules: {response: {success: {headers: {x-team: {plain: {value: team-a}}}}}}";
const LIMIT = (name: string): string => `limits: {${name}: {rates: [{limit: 100, window: 1m}]}}`;

export const rule = defineRule({
  id: "merge-toplevel-when-gates-parent",
  kinds: ["AuthPolicy", "RateLimitPolicy", "TokenRateLimitPolicy"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute", "AuthPolicy", "RateLimitPolicy", "TokenRateLimitPolicy"],
  severity: "error",
  scope: "conflict",
  title: "A merged `when` decides about another policy's rules",
  why: "Merging treats the spec-level `when` as one more named rule. The condition that one policy brings then stands before the rules of both, so that a route's owner can switch the platform's authentication off.",
  fix: 'Set a `when` in the policy that overrides, such as `when: [{predicate: "true"}]`, or attach conditions to single rules.',
  sources: [
    "kuadrant-operator `api/v1/merge_strategies.go` and the policies' rule maps: the spec-level predicates have a key of their own",
  ],
  since: "0.2.0",

  check: (object, topology) =>
    gatesOf(object, topology)
      .filter(({ when, owner }) => readLast([when.policy, owner], topology) === object)
      .map((gate) => reportOn(object, gate)),

  bad: [
    {
      name: "a route's condition before the gateway's authentication",
      finds: [{ path: "spec.when" }],
      yaml:
        WORLD +
        policy("platform", GATEWAY, `overrides: {strategy: merge, ${IDENTITY}}`) +
        policy("team", ROUTE, `${WHEN}\n          ${HEADER}`),
    },
    {
      name: "the same, the gateway's policy applied last",
      finds: [{ path: "spec.overrides.rules.authentication.workload" }],
      yaml:
        WORLD +
        policy("team", ROUTE, `${WHEN}\n          ${HEADER}`) +
        policy("platform", GATEWAY, `overrides: {strategy: merge, ${IDENTITY}}`),
    },
    {
      name: "the gateway's condition before a route's rules",
      finds: [{ path: 'spec.rules.response.success.headers["x-team"]' }],
      yaml:
        WORLD +
        policy("platform", GATEWAY, `overrides: {strategy: merge, ${WHEN}, ${IDENTITY}}`) +
        policy("team", ROUTE, HEADER),
    },
    {
      name: "limits",
      finds: [{ path: "spec.when", severity: "warning" }],
      yaml:
        WORLD +
        policy("platform", GATEWAY, `defaults: {strategy: merge, ${LIMIT("global")}}`, "RateLimitPolicy") +
        policy("team", ROUTE, `${WHEN}\n          ${LIMIT("team")}`, "RateLimitPolicy"),
    },
    {
      name: "limits of tokens",
      finds: [{ path: "spec.when", severity: "warning" }],
      yaml:
        WORLD +
        policy("platform", GATEWAY, `defaults: {strategy: merge, ${LIMIT("global")}}`, "TokenRateLimitPolicy") +
        policy("team", ROUTE, `${WHEN}\n          ${LIMIT("team")}`, "TokenRateLimitPolicy"),
    },
  ],
  good: [
    {
      name: "an explicit condition in the policy that overrides",
      yaml:
        WORLD +
        policy("platform", GATEWAY, `overrides: {strategy: merge, when: [{predicate: "true"}], ${IDENTITY}}`) +
        policy("team", ROUTE, `${WHEN}\n          ${HEADER}`),
    },
    {
      name: "no merging, so that each policy stands alone",
      yaml: WORLD + policy("platform", GATEWAY, IDENTITY) + policy("team", ROUTE, `${WHEN}\n          ${HEADER}`),
    },
    {
      name: "one condition in both",
      yaml:
        WORLD +
        policy("platform", GATEWAY, `overrides: {strategy: merge, ${WHEN}, ${IDENTITY}}`) +
        policy("team", ROUTE, `${WHEN}\n          ${HEADER}`),
    },
    {
      name: "the other policy out of view",
      yaml: WORLD + policy("team", ROUTE, `${WHEN}\n          ${HEADER}`),
    },
  ],
});
