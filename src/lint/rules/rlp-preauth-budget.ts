import { namesOf } from "../../cel/path.ts";
import { type EffectivePolicy, type EffectiveRule, effectivePolicy } from "../../model/effective-policy.ts";
import type { AuthenticationItem } from "../../model/kinds/auth-policy.ts";
import type { Limits } from "../../model/kinds/rate-limit-policy.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import { waysOf } from "../../model/policy-target.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { carriedPaths } from "../expressions/counter-values.ts";
import { celSites } from "../expressions/expression-sites.ts";
import { defineRule, type Report } from "../rule.ts";

type Limit = NonNullable<Limits["limits"]>[string];
type RateLimitPolicy = Kinds["RateLimitPolicy"];

/** Attributes with few values, which callers share. */
const SHARED = new Set(["request.method", "request.host", "request.scheme", "request.protocol"]);

/** The operator looks for these letters, and puts a limit that has them behind authentication. */
const mentionsIdentity = ({ when = [], counters = [] }: Pick<Limit, "when" | "counters">): boolean =>
  [...when.map(({ predicate = "" }) => predicate), ...counters.map(({ expression = "" }) => expression)].some((text) =>
    text.includes("auth."),
  );

/** Whether all callers share the limit's budget, or a few budgets. What cannot be read may tell them apart. */
function isShared({ path }: EffectiveRule, policy: RateLimitPolicy): boolean {
  const home = JSON.stringify(path);
  const counters = celSites(policy).filter(
    (site) => site.role === "counter" && JSON.stringify(site.path.slice(0, -3)) === home,
  );
  return counters.every(
    ({ tree }) =>
      tree !== undefined &&
      carriedPaths(tree, (read) => !SHARED.has(namesOf(read).join(".")) && namesOf(read)[0] !== "destination")
        .length === 0,
  );
}

/** Whether a limit lets some requests pass and not others, so that its budget can be used up. */
const hasBudget = ({ rates = [] }: Limit): boolean => rates.some(({ limit = 0 }) => limit > 0);

/** A policy that lets everybody in turns nobody away, so that nobody but its callers uses the budget. */
const asksForCredentials = ({ rules }: EffectivePolicy): boolean => {
  const methods = [...rules.values()].filter(({ key }) => key.startsWith("authentication/"));
  return methods.length > 0 && methods.every(({ value }) => (value as AuthenticationItem).anonymous === undefined);
};

/** The limits of a policy that run before authentication on some way, each with the AuthPolicy behind it. */
function exposedLimits(policy: RateLimitPolicy, topology: Topology): ReadonlyMap<EffectiveRule, Kinds["AuthPolicy"]> {
  const { objects } = topology;
  const exposed = new Map<EffectiveRule, Kinds["AuthPolicy"]>();
  for (const way of waysOf(policy, topology)) {
    const auth = effectivePolicy("AuthPolicy", way, objects);
    const limits = effectivePolicy("RateLimitPolicy", way, objects);
    const guard = auth?.policies.at(-1);
    if (auth === undefined || limits === undefined || guard?.kind !== "AuthPolicy" || !asksForCredentials(auth))
      continue;
    const rules = [...limits.rules.values()];
    const all = rules.map(({ key, value }) => (key === "when" ? { when: value as Limits["when"] } : (value as Limit)));
    // Beside a limit that counts identities, one before authentication protects the authentication service itself.
    if (all.some((limit) => mentionsIdentity(limit as Limit))) continue;
    for (const rule of rules) {
      if (rule.policy !== policy || !rule.key.startsWith("limits/") || exposed.has(rule)) continue;
      if (hasBudget(rule.value as Limit) && isShared(rule, policy)) exposed.set(rule, guard);
    }
  }
  return exposed;
}

function check(object: RateLimitPolicy, topology: Topology): readonly Report[] {
  const reports = [...exposedLimits(object, topology)].map(([{ key, path }, guard]): readonly [string, Report] => {
    const name = key.slice("limits/".length);
    return [
      name,
      {
        path,
        at: "key",
        message: `limit \`${name}\` is checked before authentication: callers that AuthPolicy \`${formatName(guard.metadata)}\` turns away use up the budget that all share, and lock real workloads out`,
        related: [{ object: refOf(guard), path: ["spec"], message: "callers are authenticated here" }],
      },
    ];
  });
  // The same limit is effective on every way of a gateway's policy.
  return [...new Map(reports).values()];
}

const ROUTE = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: httpbin-external}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [httpbin.org]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: httpbin.org, port: 443}]}]`;

const auth = (authentication: string): string => `
        ---
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: workload-identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          rules: {authentication: ${authentication}}`;

const TOKENS = auth("{workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}");

const limited = (limits: string, target = "HTTPRoute, name: httpbin-external"): string => `
        ---
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: limits}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: ${target}}
          limits: {${limits}}`;

const GLOBAL = "global: {rates: [{limit: 100, window: 1m}]}";

export const rule = defineRule({
  id: "rlp-preauth-budget",
  kinds: ["RateLimitPolicy"],
  reads: ["AuthPolicy", "Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "warning",
  scope: "conflict",
  title: "A shared limit is checked before callers are authenticated",
  why: "The gateway checks limits that do not mention `auth.` first. A caller without a valid token gets 401 in the end, and has used up a part of the budget all the same.",
  fix: "Mention the identity in the limit, so that it is checked after authentication: the counter `auth.identity.username`, or `when: [{predicate: auth.identity.username != ''}]`.",
  sources: [
    "kuadrant-operator `internal/controller/data_plane_policies_workflow.go`: limits without the text `auth.` come before the auth action",
    "Kuadrant issue 568: a limit in front of the authentication service is a use of its own",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "one budget for everybody",
      finds: [{ path: "spec.limits.global" }],
      yaml: `${ROUTE}${TOKENS}${limited(GLOBAL)}`,
    },
    {
      name: "a budget for each method, on the Gateway",
      finds: [{ path: "spec.limits.global" }],
      yaml: `${ROUTE}${TOKENS}${limited("global: {rates: [{limit: 100, window: 1m}], counters: [{expression: request.method}]}", "Gateway, name: egress")}`,
    },
  ],
  good: [
    {
      name: "a condition that mentions the identity",
      yaml: `${ROUTE}${TOKENS}${limited("global: {rates: [{limit: 100, window: 1m}], when: [{predicate: auth.identity.username != ''}]}")}`,
    },
    {
      name: "a shield beside a limit for each workload",
      yaml: `${ROUTE}${TOKENS}${limited(`${GLOBAL}, per-workload: {rates: [{limit: 10, window: 1m}], counters: [{expression: auth.identity.username}]}`)}`,
    },
    {
      name: "a budget for each address",
      yaml: `${ROUTE}${TOKENS}${limited("per-client: {rates: [{limit: 10, window: 1m}], counters: [{expression: source.remote_address}]}")}`,
    },
    { name: "no AuthPolicy on the way", yaml: `${ROUTE}${limited(GLOBAL)}` },
    {
      name: "an AuthPolicy that lets everybody in",
      yaml: `${ROUTE}${auth("{everybody: {anonymous: {}}}")}${limited(GLOBAL)}`,
    },
    {
      name: "a limit of zero, which closes the route for all",
      yaml: `${ROUTE}${TOKENS}${limited("closed: {rates: [{limit: 0, window: 1m}]}")}`,
    },
  ],
});
