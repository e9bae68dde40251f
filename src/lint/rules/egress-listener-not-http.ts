import { type Attachment, gatewayOf, type Route } from "../../model/attachment.ts";
import { EGRESS_GATEWAY_LABEL, isEgressRoute, isExternalBackend } from "../../model/egress-gateway.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { RelatedPlace, Severity } from "../../model/finding.ts";
import type { Listener } from "../../model/kinds/gateway.ts";
import type { Kind, Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { isClusterHost } from "../../model/transport.ts";
import { readLast } from "../arrival.ts";
import { gatewayPolicies, guardedWays } from "../attachment/enforced-policies.ts";
import { defineRule, type Report } from "../rule.ts";

type Gateway = Kinds["Gateway"];
type StreamRoute = Kinds["TLSRoute" | "TCPRoute"];

/** What is wrong with a listener, and the field of it that says so. */
type Fault = { readonly field: "protocol" | "port"; readonly meaning: string; readonly severity: Severity };

/**
 * A listener of TLS or TCP is reported on its Gateway. One that HTTPRoutes can use is wrong only with a route that
 * leads out, or with the label, and is reported on the one of both that was read last (arrival.ts).
 */
function check(object: Route | Gateway | StreamRoute, topology: Topology): readonly Report[] {
  if (object.kind === "Gateway") return onGateway(object, topology);
  if (object.kind === "TLSRoute" || object.kind === "TCPRoute") return onStream(object, topology);
  const own = topology.attachmentsOf(object);
  const reports = own.flatMap((attachment): readonly Report[] => {
    const { gateway, listener, parentIndex } = attachment;
    const fault = faultOf(listener);
    if (fault === undefined || finder(gateway, listener, topology) !== object) return [];
    const { sectionName } = object.spec?.parentRefs?.[parentIndex] ?? {};
    const path: FieldPath = ["spec", "parentRefs", parentIndex, sectionName === undefined ? "name" : "sectionName"];
    return [{ ...reportFor(fault, gateway, listener, topology), path }];
  });
  return reports.slice(0, 1);
}

/** A route of bytes that leads out through an egress gateway. */
function onStream(route: StreamRoute, topology: Topology): readonly Report[] {
  const { objects, egressGateways } = topology;
  const [backend] = (route.spec?.rules ?? [])
    .flatMap(({ backendRefs = [] }) => backendRefs)
    .filter((each) => isExternalBackend(each, route, objects));
  if (backend === undefined) return [];
  return (route.spec?.parentRefs ?? []).flatMap((parent, index): readonly Report[] => {
    const gateway = gatewayOf(parent, route, objects);
    if (gateway === undefined || !egressGateways.includes(gateway)) return [];
    const policy = policyOn(gateway, topology);
    return [
      {
        path: ["spec", "parentRefs", index, "name"],
        severity: policy === undefined ? "warning" : "error",
        message: `this ${route.kind} leads bytes to \`${backend.name ?? ""}\` through egress gateway \`${formatName(gateway.metadata)}\`, and no policy can see or change what is in them`,
        hint: "Use an HTTPRoute on a listener with `protocol: HTTP`, and originate TLS in a DestinationRule.",
        related: enforced(policy),
      },
    ];
  });
}

function onGateway(gateway: Gateway, topology: Topology): readonly Report[] {
  if (!topology.egressGateways.includes(gateway)) return [];
  return (gateway.spec?.listeners ?? []).flatMap((listener, index): readonly Report[] => {
    const fault = faultOf(listener);
    const inside = isClusterHost(listener.hostname ?? "", topology.settings.clusterDomain);
    if (fault === undefined || inside || finder(gateway, listener, topology) !== gateway) return [];
    return [{ ...reportFor(fault, gateway, listener, topology), path: ["spec", "listeners", index, fault.field] }];
  });
}

function faultOf({ protocol = "", port, tls }: Listener): Fault | undefined {
  switch (protocol) {
    case "TLS":
    case "TCP": {
      const how = protocol === "TLS" && tls?.mode === "Passthrough" ? "TLS passthrough" : protocol;
      return { field: "protocol", severity: "error", meaning: `a ${how} listener carries bytes, not requests` };
    }
    case "HTTPS":
      return {
        field: "protocol",
        severity: "warning",
        meaning: "an HTTPS listener needs a certificate for the provider's name, from a CA that all workloads trust",
      };
    case "HTTP":
      return port === 443
        ? {
            field: "port",
            severity: "error",
            meaning: "workloads that call `https://` reach a listener of plain HTTP, and their handshake fails",
          }
        : undefined;
    default:
      return undefined;
  }
}

/** The object that a listener's fault is reported on; undefined when the listener serves no way out. */
function finder(gateway: Gateway, listener: Listener, topology: Topology): Route | Gateway | undefined {
  if (listener.protocol === "TLS" || listener.protocol === "TCP") return gateway;
  if (gateway.metadata.labels?.[EGRESS_GATEWAY_LABEL] === "true") return gateway;
  if (!topology.egressGateways.includes(gateway)) return undefined;
  const routes = topology
    .attachmentsOn(gateway)
    .filter((item: Attachment) => item.listener === listener)
    .map(({ route }) => route)
    .filter((route) => isEgressRoute(route, topology.objects));
  if (routes.length === 0) return undefined;
  const last = readLast([gateway, ...routes], topology);
  return [gateway, ...routes].find((object) => object === last);
}

/** A policy that is to act on what goes through a gateway. */
function policyOn(gateway: Gateway, topology: Topology): Kinds[Kind] | undefined {
  const routes = new Set(topology.attachmentsOn(gateway).map(({ route }) => route));
  return [
    ...gatewayPolicies(gateway, topology),
    ...[...routes].flatMap((route) => guardedWays(route, topology).flatMap(({ policies }) => policies)),
  ][0];
}

const enforced = (policy: Kinds[Kind] | undefined): readonly RelatedPlace[] =>
  policy === undefined
    ? []
    : [{ object: refOf(policy), path: ["spec", "targetRef"], message: "this policy is to act on the gateway" }];

function reportFor(fault: Fault, gateway: Gateway, listener: Listener, topology: Topology): Omit<Report, "path"> {
  const policy = policyOn(gateway, topology);
  const host = listener.hostname === undefined || listener.hostname === "" ? "<host>" : listener.hostname;
  const where = `listener \`${listener.name ?? ""}\` of egress gateway \`${formatName(gateway.metadata)}\``;
  const loss =
    fault.field === "protocol" && fault.severity === "error" ? ", and no policy can see or change what is in them" : "";
  return {
    severity: policy === undefined ? "warning" : fault.severity,
    message: `${where}: ${fault.meaning}${loss}`,
    hint: `Use \`protocol: HTTP\` and \`port: 80\`; workloads call \`http://${host}\`, and a DestinationRule originates TLS.`,
    related: enforced(policy),
  };
}

const gateway = (listeners: string, metadata = ""): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress${metadata}}
        spec: {gatewayClassName: istio, listeners: [${listeners}]}
        ---`;

const ROUTE = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]
        ---`;

const AUTH = `
        apiVersion: kuadrant.io/v1
        kind: AuthPolicy
        metadata: {namespace: gateway-system, name: identity}
        spec:
          targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
          rules: {authentication: {workload: {kubernetesTokenReview: {audiences: [egress-gateway]}}}}
        ---`;

/** A route of bytes to a backend, in the gateway's namespace. */
const stream = (kind: string, backend: string): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: ${kind}
        metadata: {namespace: gateway-system, name: bytes}
        spec: {${kind === "TLSRoute" ? "hostnames: [api.openai.com], " : ""}parentRefs: [{name: egress}], rules: [{backendRefs: [${backend}]}]}
        ---`;

const EXTERNAL = "{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}";

const LABELLED = ', labels: {sluice.dev/egress-gateway: "true"}';
const HTTP = "{name: http, port: 80, protocol: HTTP}";
const PASSTHROUGH = "{name: openai, port: 443, protocol: TLS, hostname: api.openai.com, tls: {mode: Passthrough}}";
const HTTPS = "{name: https, port: 8443, protocol: HTTPS, tls: {mode: Terminate}}";

export const rule = defineRule({
  id: "egress-listener-not-http",
  kinds: ["Gateway", "HTTPRoute", "TLSRoute", "TCPRoute"],
  reads: [
    "Gateway",
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
  severity: "error",
  scope: "conflict",
  title: "Policies cannot act on this listener of the egress gateway",
  why: "Identity, credentials and limits work on HTTP requests. What a workload encrypts end to end passes the gateway unread, or does not get through at all.",
  fix: "Use `protocol: HTTP` on port 80, and originate TLS in a DestinationRule.",
  sources: [
    "Kuadrant user guide, Egress Gateway: the application sends HTTP, the gateway originates TLS",
    "Gateway API: ProtocolType and TLSModeType",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "TLS that is passed through",
      finds: [{ path: "spec.listeners[1].protocol" }],
      yaml: gateway(`${HTTP}, ${PASSTHROUGH}`) + ROUTE + AUTH,
    },
    {
      name: "a TCP listener, on a Gateway with the label and no policy yet",
      finds: [{ path: "spec.listeners[0].protocol", severity: "warning" }],
      yaml: gateway("{name: tcp, port: 5432, protocol: TCP}", LABELLED),
    },
    {
      name: "plain HTTP on the port of HTTPS",
      finds: [{ path: "spec.listeners[0].port" }],
      yaml: ROUTE + AUTH + gateway("{name: http, port: 443, protocol: HTTP}"),
    },
    {
      name: "a route that comes to such a listener",
      finds: [{ path: "spec.parentRefs[0].name" }],
      yaml: AUTH + gateway("{name: http, port: 443, protocol: HTTP}") + ROUTE,
    },
    {
      name: "HTTPS that the gateway terminates",
      finds: [{ path: "spec.listeners[0].protocol", severity: "warning" }],
      yaml: ROUTE + AUTH + gateway(HTTPS),
    },
    {
      name: "a TLSRoute to an external host, on a gateway with a policy",
      finds: [{ path: "spec.parentRefs[0].name" }],
      yaml: gateway(HTTP) + ROUTE + AUTH + stream("TLSRoute", EXTERNAL),
    },
    {
      name: "a TCPRoute to an external host, on a Gateway with the label and no policy yet",
      finds: [{ path: "spec.parentRefs[0].name", severity: "warning" }],
      yaml: gateway(HTTP, LABELLED) + stream("TCPRoute", EXTERNAL),
    },
  ],
  good: [
    {
      name: "a TLSRoute to a Service of the cluster",
      yaml: gateway(HTTP) + ROUTE + AUTH + stream("TLSRoute", "{name: db, port: 5432}"),
    },
    {
      name: "a TLSRoute through a gateway that is not for egress",
      yaml: gateway(HTTP) + AUTH + stream("TLSRoute", EXTERNAL),
    },
    { name: "plain HTTP on port 80", yaml: gateway(HTTP) + ROUTE + AUTH },
    { name: "a gateway for incoming traffic", yaml: gateway(`${HTTPS}, ${PASSTHROUGH}`) + AUTH },
    {
      name: "a waypoint",
      yaml: gateway("{name: mesh, port: 15008, protocol: HBONE}") + ROUTE,
    },
  ],
});
