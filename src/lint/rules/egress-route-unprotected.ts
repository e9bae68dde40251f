import type { Route } from "../../model/attachment.ts";
import { formatName, formatRef } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { hostNameOf, type LeavingWay, routeExits } from "../attachment/egress-ways.ts";
import { defineRule, type Report } from "../rule.ts";
import type { LeavingBackend } from "../upstream/leaving-backends.ts";

/** A way without AuthPolicy next to one that has one; `same` when both lead to one host. */
type SideDoor = { readonly backend: LeavingBackend; readonly beside: LeavingWay; readonly same: boolean };

/** The side doors that a route opens on its gateways. */
const sideDoors = (route: Route, topology: Topology): readonly SideDoor[] =>
  routeExits(route, topology).flatMap(({ open, guardedBeside }) => {
    const other = open.length === 0 ? undefined : guardedBeside();
    if (other === undefined) return [];
    return open.flatMap(({ backends }) =>
      backends.map((backend): SideDoor => {
        const alias = guardedBeside(hostNameOf(backend));
        return { backend, beside: alias ?? other, same: alias !== undefined };
      }),
    );
  });

function check(object: Route, topology: Topology): readonly Report[] {
  const doors = sideDoors(object, topology);
  const door = doors.find(({ same }) => same) ?? doors[0];
  if (door === undefined) return [];
  const { gateway, route } = door.beside.way.attachment;
  const other = `\`${formatRef(refOf(route))}\``;
  const guarded = door.same ? `${other} asks for a credential on the way to the same host` : `${other} has one`;
  return [
    {
      path: [...door.backend.path, "name"],
      ...(door.same ? { severity: "error" as const } : {}),
      message: `this route leads to ${door.backend.host} through egress gateway \`${formatName(gateway.metadata)}\` without any AuthPolicy, while ${guarded}`,
      related: [{ object: refOf(route), path: ["metadata", "name"], message: "an AuthPolicy holds on this route" }],
    },
  ];
}

const GATEWAY = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}`;

const route = (name: string, hostname: string, host: string): string => `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: ${name}}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [${hostname}]
          rules:
            - filters: [{type: URLRewrite, urlRewrite: {hostname: ${host}}}]
              backendRefs: [{group: networking.istio.io, kind: Hostname, name: ${host}, port: 443}]`;

const auth = (target: string, block: string): string => `
        ---
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: ${target}}
          ${block}`;

const IDENTITY = "rules: {authentication: {workload: {kubernetesTokenReview: {audiences: [egress-gateway]}}}}";
const OPENAI = route("openai", "api.openai.com", "api.openai.com");
const ALIAS = route("openai-alias", "egress-istio.gateway-system.svc.cluster.local", "api.openai.com");
const GITHUB = route("github", "api.github.com", "api.github.com");
const ON_OPENAI = auth("HTTPRoute, name: openai", IDENTITY);
const BACKEND = "spec.rules[0].backendRefs[0].name";

export const rule = defineRule({
  id: "egress-route-unprotected",
  kinds: ["HTTPRoute", "GRPCRoute"],
  reads: ["AuthPolicy", "Gateway", "HTTPRoute", "GRPCRoute", "Service", "ServiceEntry", "DNSPolicy", "Secret"],
  severity: "warning",
  scope: "absence",
  title: "A route leads out without the AuthPolicy that others have",
  why: "An AuthPolicy on a route protects that route. Another name for the same provider, or another route on the same gateway, is a side door next to the guarded one.",
  fix: "Target the Gateway with an AuthPolicy (`overrides: {strategy: merge}`), or add an AuthPolicy for this route.",
  sources: [
    "Kuadrant RFC 0009 Defaults and Overrides: a policy holds on its target and below it",
    "Kuadrant user guide, DNS for egress: a second route with an internal host name to the same provider",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a second name for a provider that is guarded",
      finds: [{ path: BACKEND, severity: "error" }],
      yaml: GATEWAY + OPENAI + ALIAS + ON_OPENAI,
    },
    {
      name: "another provider on the same gateway",
      finds: [{ path: BACKEND }],
      yaml: GATEWAY + OPENAI + GITHUB + ON_OPENAI,
    },
  ],
  good: [
    {
      name: "an AuthPolicy on the Gateway",
      yaml: GATEWAY + OPENAI + ALIAS + auth("Gateway, name: egress", `overrides: {strategy: merge, ${IDENTITY}}`),
    },
    { name: "no identity anywhere, a first step with limits only", yaml: GATEWAY + OPENAI + GITHUB },
    {
      name: "a route that stays in the cluster",
      yaml: `${GATEWAY}${OPENAI}${ON_OPENAI}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: inside}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [inside.example.com]
          rules: [{backendRefs: [{name: inside, port: 80}]}]`,
    },
  ],
});
