import type { Kinds } from "../../model/kinds.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { gatewayPolicies } from "../attachment/enforced-policies.ts";
import { type GatewayClassVerdict, gatewayClassOf } from "../attachment/gateway-class.ts";
import { defineRule, type Report } from "../rule.ts";

const PATH = ["spec", "gatewayClassName"];

function check(object: Kinds["Gateway"], topology: Topology): readonly Report[] {
  const { gatewayClassName: name = "" } = object.spec ?? {};
  const verdict = gatewayClassOf(object, topology.objects);
  if (verdict === "istio-waypoint") return onWaypoint(object, topology);
  if (!topology.egressGateways.includes(object) || name === "") return [];
  const message = messageFor(verdict, name);
  return message === undefined ? [] : [{ path: PATH, message }];
}

function messageFor(verdict: GatewayClassVerdict, name: string): string | undefined {
  const needs =
    "Hostname backends, ServiceEntries and DestinationRules are Istio's, and no other controller reads them";
  if (verdict === "other") return `class \`${name}\` is not Istio's: ${needs}`;
  return verdict === "unknown"
    ? `nothing here says that class \`${name}\` is Istio's (its GatewayClass is not in view): ${needs}`
    : undefined;
}

/** Kuadrant makes no plugin for waypoints, so its policies on one do nothing. */
function onWaypoint(object: Kinds["Gateway"], topology: Topology): readonly Report[] {
  const [policy] = gatewayPolicies(object, topology);
  if (policy === undefined) return [];
  return [
    {
      path: PATH,
      message: `${policy.kind} \`${policy.metadata.name}\` targets a waypoint, for which Kuadrant makes no policy plugin: it is never enforced`,
      hint: "Attach Istio AuthorizationPolicies to the waypoint, or steer the host through a Gateway of class `istio`.",
      related: [{ object: refOf(policy), path: ["spec", "targetRef"], message: "this policy is not enforced" }],
    },
  ];
}

const gateway = (className: string): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec: {gatewayClassName: ${className}, listeners: [{name: http, port: 80, protocol: HTTP}]}`;

const ROUTE = `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]`;

const gatewayClass = (name: string, controller: string): string => `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: GatewayClass
        metadata: {name: ${name}}
        spec: {controllerName: ${controller}}`;

const WAYPOINT = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: istio-egress, name: waypoint}
        spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}`;

export const rule = defineRule({
  id: "egress-gateway-class",
  kinds: ["Gateway"],
  reads: [
    "GatewayClass",
    "HTTPRoute",
    "GRPCRoute",
    "Service",
    "DNSPolicy",
    "Secret",
    "AuthPolicy",
    "RateLimitPolicy",
    "TokenRateLimitPolicy",
    "PlanPolicy",
  ],
  severity: "warning",
  scope: "object",
  title: "The egress gateway is not run by Istio",
  why: "Egress with Kuadrant rests on Istio's kinds. Another controller accepts the Gateway, but knows no Hostname backend and opens no TLS, so requests fail or leave in clear.",
  fix: "Use a class of Istio, such as `gatewayClassName: istio`.",
  sources: [
    "Kuadrant user guide, Egress Gateway, limitations: Istio only",
    "Gateway API GatewayClass.spec.controllerName: who runs a class, whatever its name",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a class of another controller, by its well-known name",
      finds: [{ path: "spec.gatewayClassName" }],
      yaml: gateway("envoy-gateway") + ROUTE,
    },
    {
      name: "a class whose controller is not Istio",
      finds: [{ path: "spec.gatewayClassName" }],
      yaml: gateway("edge") + ROUTE + gatewayClass("edge", "gateway.envoyproxy.io/gatewayclass-controller"),
    },
    {
      name: "a class that is neither known nor in view",
      finds: [{ path: "spec.gatewayClassName" }],
      yaml: gateway("corporate") + ROUTE,
    },
    {
      name: "a Kuadrant policy on a waypoint",
      finds: [{ path: "spec.gatewayClassName" }],
      yaml: `${WAYPOINT}
        ---
        apiVersion: kuadrant.io/v1
        kind: RateLimitPolicy
        metadata: {namespace: istio-egress, name: limits}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}
          limits: {all: {rates: [{limit: 10, window: 1m}]}}`,
    },
  ],
  good: [
    { name: "Istio's class", yaml: gateway("istio") + ROUTE },
    {
      name: "a class with a name of its own, run by Istio",
      yaml: gateway("corporate") + ROUTE + gatewayClass("corporate", "istio.io/gateway-controller"),
    },
    {
      name: "a well-known name of others that Istio runs here",
      yaml: gateway("nginx") + ROUTE + gatewayClass("nginx", "istio.io/gateway-controller"),
    },
    { name: "a Gateway that is not for egress", yaml: gateway("nginx") },
    { name: "a waypoint without Kuadrant policies", yaml: WAYPOINT },
  ],
});
