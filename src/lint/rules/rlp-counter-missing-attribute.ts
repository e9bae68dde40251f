import type { Topology } from "../../model/topology.ts";
import { absentValues } from "../expressions/absent-values.ts";
import { celSites } from "../expressions/expression-sites.ts";
import { type GatewayPolicy, publicationsFor } from "../expressions/published-filters.ts";
import { defineRule, type Report } from "../rule.ts";

function check(object: GatewayPolicy, topology: Topology): readonly Report[] {
  const publications = publicationsFor(object, topology);
  return celSites(object).flatMap((site) =>
    site.role !== "counter" || site.tree === undefined
      ? []
      : absentValues(site, site.tree, publications).map(({ range, when, hint }) => ({
          path: site.path,
          range,
          message: `if ${when}, this counter fails, and a failing counter makes the gateway skip all rate limits on the route for that request`,
          hint,
        })),
  );
}

const counted = (counter: string): string => `
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: gateway-system, name: per-tenant}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external}
          limits:
            per-tenant:
              rates: [{limit: 50, window: 1m}]
              counters: [{expression: "${counter}"}]`;

const COUNTER = 'spec.limits["per-tenant"].counters[0].expression';

export const rule = defineRule({
  id: "rlp-counter-missing-attribute",
  kinds: ["RateLimitPolicy", "TokenRateLimitPolicy"],
  reads: ["AuthPolicy", "Gateway", "HTTPRoute", "GRPCRoute"],
  severity: "warning",
  scope: "object",
  title: "A caller can switch the limits off by leaving something out",
  why: "All limits of a route are one message. A counter that cannot be evaluated fails the message, and without an answer the gateway lets the request pass. Where the operator's rate-limit service is set to deny on failure, the route answers 500 instead.",
  fix: "Give a default: `'x-tenant' in request.headers ? request.headers['x-tenant'] : 'none'`.",
  sources: [
    "kuadrant-operator `internal/controller/data_plane_policies_workflow.go`, `internal/wasm/action_spec.go`: one message, failure mode allow",
    "wasm-shim `pipeline/tasks/failure_mode.rs`, `tests/failuremode.rs`",
    "Observed on wasm-shim af0f9b4: an absent header gives NoSuchKey, inside optional.of() as well",
  ],
  since: "0.1.0",

  check,

  bad: [
    {
      name: "a header without a default",
      finds: [{ path: COUNTER, text: "request.headers['x-tenant']" }],
      yaml: counted("request.headers['x-tenant']"),
    },
    {
      name: "optional.of(), which evaluates what it is given first",
      finds: [{ path: COUNTER, text: "request.headers['x-tenant']" }],
      yaml: counted("optional.of(request.headers['x-tenant']).orValue('none')"),
    },
    {
      name: "a field of the body",
      finds: [{ path: COUNTER, text: "requestBodyJSON('/model')" }],
      yaml: counted("requestBodyJSON('/model')"),
    },
  ],
  good: [
    { name: "a default", yaml: counted("'x-tenant' in request.headers ? request.headers['x-tenant'] : 'none'") },
    { name: "an optional index with a default", yaml: counted("request.headers[?'x-tenant'].orValue('none')") },
    { name: "a header that every request has", yaml: counted("request.headers['host']") },
    {
      name: "a header that the AuthPolicy sets",
      yaml: `${counted("request.headers['x-tenant']")}
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
            response: {success: {headers: {x-tenant: {plain: {selector: auth.identity.user.username}}}}}`,
    },
    {
      name: "a comparison that null passes",
      yaml: counted("requestBodyJSON('/model') == 'gpt-4o' ? 'large' : 'small'"),
    },
  ],
});
