import type { Listener } from "../../model/kinds/gateway.ts";
import type { Topology } from "../../model/topology.ts";
import { isHeldByOverrides } from "../attachment/egress-ways.ts";
import { defineRule, type Report } from "../rule.ts";

const MEANING =
  "any namespace may attach a route to this egress gateway, one to any host and without policies included";

/** A listener that admits routes of every namespace: the field that says so. */
function openField({ allowedRoutes }: Listener): readonly string[] | undefined {
  const { from, selector } = allowedRoutes?.namespaces ?? {};
  if (from === "All") return ["from"];
  if (from !== "Selector" || selector === undefined) return undefined;
  const isEmpty =
    Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
  return isEmpty ? ["selector"] : undefined;
}

const gateway = (namespaces: string, label = ""): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress${label}}
        spec:
          gatewayClassName: istio
          listeners:
            - {name: openai, port: 80, protocol: HTTP, hostname: api.openai.com, allowedRoutes: {namespaces: ${namespaces}}}`;

const LABELLED = ', labels: {sluice.dev/egress-gateway: "true"}';

const ROUTE = `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]`;

const NAMESPACES = "spec.listeners[0].allowedRoutes.namespaces";

export const rule = defineRule({
  id: "egress-open-attachment",
  kinds: ["Gateway"],
  reads: ["HTTPRoute", "GRPCRoute", "AuthPolicy", "DNSPolicy", "Secret", "Service"],
  severity: "warning",
  scope: "object",
  title: "Every namespace may attach routes to the egress gateway",
  why: "A route of a foreign namespace brings its own hosts and needs no policy. Whoever may create an HTTPRoute anywhere can so open a way out of the cluster next to the guarded ones.",
  fix: "Use `from: Same`, or `from: Selector` with a namespace label that only the platform team can set; or attach an AuthPolicy with `overrides` to the Gateway.",
  sources: [
    "Gateway API, `allowedRoutes.namespaces.from`: the default is Same",
    "Kuadrant user guide, Egress Gateway, and the guides built on it: `from: All`",
  ],
  since: "0.2.0",

  check(object, topology: Topology): readonly Report[] {
    if (!topology.egressGateways.includes(object)) return [];
    return (object.spec?.listeners ?? []).flatMap((listener, index): readonly Report[] => {
      const field = openField(listener);
      if (field === undefined || isHeldByOverrides(object, listener, topology)) return [];
      return [{ path: ["spec", "listeners", index, "allowedRoutes", "namespaces", ...field], message: MEANING }];
    });
  },

  bad: [
    {
      name: "all namespaces, on a Gateway with a route that leads out",
      finds: [{ path: `${NAMESPACES}.from` }],
      yaml: gateway("{from: All}") + ROUTE,
    },
    {
      name: "an empty selector, on a Gateway with the label",
      finds: [{ path: `${NAMESPACES}.selector` }],
      yaml: gateway("{from: Selector, selector: {matchLabels: {}}}", LABELLED),
    },
  ],
  good: [
    {
      name: "namespaces with a label",
      yaml: gateway("{from: Selector, selector: {matchLabels: {egress-routes: allowed}}}") + ROUTE,
    },
    { name: "its own namespace", yaml: gateway("{from: Same}") + ROUTE },
    { name: "a Gateway that is not for egress", yaml: gateway("{from: All}") },
    {
      name: "an AuthPolicy that no route can replace",
      yaml: `${gateway("{from: All}")}${ROUTE}
        ---
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: platform}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          overrides:
            strategy: merge
            rules: {authentication: {workload: {kubernetesTokenReview: {audiences: [egress-gateway]}}}}`,
    },
    {
      name: "a waypoint, to which services of other namespaces belong",
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: egress, name: waypoint}
        spec:
          gatewayClassName: istio-waypoint
          listeners: [{name: mesh, port: 15008, protocol: HBONE, allowedRoutes: {namespaces: {from: All}}}]`,
    },
  ],
});
