import { findTarget, type Policy, type TargetLookup } from "../../model/policy-target.ts";
import { defineRule, type Report } from "../rule.ts";
import { missingTlsTargets } from "../upstream/tls-policy-target.ts";

/** Policies that act on a Gateway and its listeners only, so a route cannot be their target. */
const GATEWAY_ONLY = new Set(["DNSPolicy", "TLSPolicy", "TelemetryPolicy"]);

const TLS_POLICY = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: BackendTLSPolicy
        metadata: {name: openai, namespace: gateway-system}
        spec:
          targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: openai, sectionName: https}]
          validation: {hostname: api.openai.com, wellKnownCACertificates: System}
        ---`;

const ENTRY = `
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {name: openai, namespace: gateway-system}
        spec: {hosts: [api.openai.com], resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]}`;

export const rule = defineRule({
  id: "policy-target-missing",
  kinds: [
    "AuthPolicy",
    "RateLimitPolicy",
    "TokenRateLimitPolicy",
    "DNSPolicy",
    "TLSPolicy",
    "PlanPolicy",
    "TelemetryPolicy",
    "BackendTLSPolicy",
  ],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute", "Service", "ServiceEntry"],
  severity: "error",
  scope: "absence",
  title: "The policy's target does not exist",
  why: "A policy without a target protects nothing, and nothing but its status says so. A targetRef has no namespace: it always means the policy's own.",
  fix: "Create the policy in the namespace of the Gateway or route, with its exact name.",
  sources: [
    "Gateway API LocalPolicyTargetReferenceWithSectionName: no namespace field",
    "kuadrant-operator: condition Accepted=False, reason TargetNotFound",
  ],
  since: "0.1.0",

  check(object, topology) {
    if (object.kind === "BackendTLSPolicy") return missingTlsTargets(object, topology.objects);
    const { kind = "", sectionName } = object.spec?.targetRef ?? {};
    if (GATEWAY_ONLY.has(object.kind) && (kind === "HTTPRoute" || kind === "GRPCRoute")) return [wrongKind(object)];
    const lookup = findTarget(object, topology.objects);
    if (lookup.status === "missing") return missing(object, lookup.elsewhere);
    if (lookup.status === "missing-section") return [missingSection(object, sectionName ?? "", lookup)];
    return [];
  },

  bad: [
    {
      name: "a policy next to the application, its route elsewhere",
      finds: [{ path: "spec.targetRef.name" }],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {name: openai-auth, namespace: team-a}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai-external}
          rules: {authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress.example.internal]}}}}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: openai-external, namespace: gateway-system}
        spec: {parentRefs: [{name: egress}]}`,
    },
    {
      name: "a listener that the Gateway does not have",
      finds: [{ path: "spec.targetRef.sectionName" }],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: DNSPolicy
        metadata: {name: egress, namespace: gateway-system}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress, sectionName: openai}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {name: egress, namespace: gateway-system}
        spec:
          gatewayClassName: istio
          listeners: [{name: anthropic, port: 80, protocol: HTTP, hostname: api.anthropic.com}]`,
    },
    {
      name: "a rule number beyond the last rule",
      finds: [{ path: "spec.targetRef.sectionName" }],
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {name: chat, namespace: gateway-system}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai, sectionName: rule-2}
          limits: {chat: {rates: [{limit: 10, window: 1m}]}}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: openai, namespace: gateway-system}
        spec:
          parentRefs: [{name: egress}]
          rules:
            - backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]`,
    },
    {
      name: "a TelemetryPolicy on a route",
      finds: [{ path: "spec.targetRef.kind" }],
      yaml: `
        apiVersion: extensions.kuadrant.io/v1alpha1
        kind: TelemetryPolicy
        metadata: {name: usage, namespace: gateway-system}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: openai, namespace: gateway-system}
        spec: {parentRefs: [{name: egress}]}`,
    },
    {
      name: "a BackendTLSPolicy next to the route, its ServiceEntry elsewhere",
      finds: [{ path: "spec.targetRefs[0].name" }],
      yaml: TLS_POLICY + ENTRY.replace("gateway-system", "istio-egress"),
    },
    {
      name: "a BackendTLSPolicy on a port that the Service does not have",
      finds: [{ path: "spec.targetRefs[0].sectionName" }],
      yaml: `${TLS_POLICY.replace("group: networking.istio.io, kind: ServiceEntry", 'group: "", kind: Service')}
        apiVersion: v1
        kind: Service
        metadata: {name: openai, namespace: gateway-system}
        spec: {type: ExternalName, externalName: api.openai.com, ports: [{name: tls, port: 443}]}`,
    },
  ],
  good: [
    { name: "a BackendTLSPolicy on a port of a ServiceEntry", yaml: TLS_POLICY + ENTRY },
    {
      name: "a BackendTLSPolicy on a kind that is not read",
      yaml: TLS_POLICY.replace("networking.istio.io, kind: ServiceEntry", "example.com, kind: Backend"),
    },
    {
      name: "the policy in the route's namespace",
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {name: openai-auth, namespace: gateway-system}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai-external}
          rules: {authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress.example.internal]}}}}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: openai-external, namespace: gateway-system}
        spec: {parentRefs: [{name: egress}]}`,
    },
    {
      name: "an unnamed rule by its number, counted from 1",
      yaml: `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {name: chat, namespace: gateway-system}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai, sectionName: rule-1}
          limits: {chat: {rates: [{limit: 10, window: 1m}]}}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: openai, namespace: gateway-system}
        spec:
          parentRefs: [{name: egress}]
          rules:
            - backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]`,
    },
  ],
});

function wrongKind(policy: Policy): Report {
  const { kind = "", name = "" } = policy.spec?.targetRef ?? {};
  return {
    path: ["spec", "targetRef", "kind"],
    message: `a ${policy.kind} acts on Gateways only: with ${kind} \`${name}\` as its target it does nothing`,
    hint: "Target the Gateway that the route is attached to.",
  };
}

/**
 * Documents without a namespace get one when they are applied: where the policy or a candidate has none, nobody can
 * tell that they will not meet.
 */
function missing(policy: Policy, elsewhere: readonly string[]): readonly Report[] {
  const { kind = "", name = "" } = policy.spec?.targetRef ?? {};
  const { namespace } = policy.metadata;
  if (elsewhere.length > 0 && (namespace === "" || elsewhere.includes(""))) return [];
  const [other] = elsewhere;
  const where = namespace === "" ? "beside the policy" : `in namespace \`${namespace}\``;
  const found =
    other === undefined
      ? ""
      : `; it exists in ${elsewhere.map((place) => `\`${place}\``).join(", ")}, and the policy must live there`;
  return [
    {
      path: ["spec", "targetRef", "name"],
      message: `${kind} \`${name}\` not found ${where}: the policy protects nothing${found}`,
      hint:
        other === undefined
          ? `Create the ${kind}, or correct the name; a targetRef always means the policy's own namespace.`
          : `Move the policy to \`${other}\`.`,
    },
  ];
}

function missingSection(
  policy: Policy,
  sectionName: string,
  { sections }: Extract<TargetLookup, { readonly status: "missing-section" }>,
): Report {
  const { kind = "", name = "" } = policy.spec?.targetRef ?? {};
  const part = kind === "Gateway" ? "listener" : "rule";
  const known = sections.length === 0 ? `it has no ${part}` : `it has ${sections.map((s) => `\`${s}\``).join(", ")}`;
  const numbered = part === "rule" && /^rule-\d+$/.test(sectionName);
  return {
    path: ["spec", "targetRef", "sectionName"],
    message: `${kind} \`${name}\` has no ${part} \`${sectionName}\`: the policy protects nothing; ${known}`,
    hint: numbered
      ? "Give the rule a `name` and use that: numbers shift when rules are inserted."
      : `Use the name of a ${part} of ${kind} \`${name}\`, or remove \`sectionName\` to mean all of it.`,
  };
}
