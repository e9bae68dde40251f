import type { Topology } from "../../model/topology.ts";
import { celSites } from "../expressions/expression-sites.ts";
import { type GatewayPolicy, publicationsFor } from "../expressions/published-filters.ts";
import { quote } from "../expressions/quote.ts";
import { withoutText } from "../expressions/text-form.ts";
import { defineRule, type Report } from "../rule.ts";

function check(object: GatewayPolicy, topology: Topology): readonly Report[] {
  const publications = publicationsFor(object, topology);
  return celSites(object).flatMap(({ role, tree, text, path }) => {
    if (role !== "counter" || tree === undefined) return [];
    const refused = withoutText(tree, publications);
    if (refused === undefined) return [];
    return [
      {
        path,
        range: { start: tree.start, end: tree.end },
        message: `counter ${quote(text)} is ${refused.called}; the gateway converts counters with string(), which takes texts, numbers, bytes, times and durations only, so this limit and its neighbours are skipped`,
        hint: refused.mend(text.trim()),
      },
    ];
  });
}

const limited = (counter: string): string => `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: writes}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            writes:
              rates: [{limit: 10, window: 1m}]
              counters: [{expression: "${counter}"}]`;

const COUNTER = "spec.limits.writes.counters[0].expression";

export const rule = defineRule({
  id: "rlp-counter-not-string",
  kinds: ["RateLimitPolicy", "TokenRateLimitPolicy"],
  reads: ["AuthPolicy", "Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "error",
  scope: "object",
  title: "A counter has no text form, so its limit is never applied",
  why: "The gateway sends every counter as `string(<expression>)`. Where that fails, the whole message to the rate limiter fails, and nothing on the route is limited.",
  fix: "Reduce it to a text: `cond ? 'yes' : 'no'`, `list.join(',')`, or one field.",
  sources: [
    "kuadrant-operator `internal/wasm/action_spec.go`: counters are wrapped as `string(<expr>)`",
    "Observed on wasm-shim af0f9b4: `true`, `null`, `request.headers`, `auth.identity` and a map have no string() overload",
  ],
  since: "0.1.0",

  check,

  bad: [
    {
      name: "a condition",
      finds: [{ path: COUNTER, text: "request.method in ['POST', 'PUT']" }],
      yaml: limited("request.method in ['POST', 'PUT']"),
    },
    { name: "all headers", finds: [{ path: COUNTER, text: "request.headers" }], yaml: limited("request.headers") },
    {
      name: "a list",
      finds: [{ path: COUNTER, text: "auth.identity.username.split(':')" }],
      yaml: limited("auth.identity.username.split(':')"),
    },
    { name: "the whole identity", finds: [{ path: COUNTER, text: "auth.identity" }], yaml: limited("auth.identity") },
    {
      name: "an optional value without a default",
      finds: [{ path: COUNTER, text: "auth.identity[?'username']" }],
      yaml: limited("auth.identity[?'username']"),
    },
  ],
  good: [
    { name: "one field", yaml: limited("auth.identity.username") },
    { name: "a number, which has a text form", yaml: limited("source.port") },
    { name: "a text for either outcome", yaml: limited("request.method in ['POST', 'PUT'] ? 'write' : 'read'") },
    {
      name: "one property of a filter that the AuthPolicy publishes",
      yaml: `${limited("auth.identity.username")}
        ---
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
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: httpbin.org, port: 443}]}]
        ---
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          rules:
            authentication: {workload-sa: {kubernetesTokenReview: {audiences: [egress]}}}
            response: {success: {filters: {identity: {json: {properties: {username: {selector: auth.identity.user.username}}}}}}}`,
    },
    { name: "one element of a list", yaml: limited("auth.identity.username.split(':')[2]") },
  ],
});
