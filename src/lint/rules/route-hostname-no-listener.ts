import { gatewayOf, type Refusal, type Route, refusalOf } from "../../model/attachment.ts";
import { isEgressRoute } from "../../model/egress-gateway.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { Listener } from "../../model/kinds/gateway.ts";
import type { ParentRef } from "../../model/kinds/route.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { defineRule, type Report } from "../rule.ts";

type Gateway = Kinds["Gateway"];

/** Only what is about egress is judged: the route leads out, or the Gateway is one for egress. */
function check(object: Route, topology: Topology): readonly Report[] {
  const egress = isEgressRoute(object, topology.objects);
  return (object.spec?.parentRefs ?? []).flatMap((parent, index): readonly Report[] => {
    const gateway = gatewayOf(parent, object, topology.objects);
    if (gateway === undefined || !(egress || topology.egressGateways.includes(gateway))) return [];
    const refusal = refusalOf(parent, gateway, object, topology.objects);
    return refusal === undefined ? [] : [reportOn(object, { parent, index }, gateway, refusal)];
  });
}

function reportOn(
  route: Route,
  { parent, index }: { readonly parent: ParentRef; readonly index: number },
  gateway: Gateway,
  refusal: Refusal,
): Report {
  const at: FieldPath = ["spec", "parentRefs", index];
  const { path, why, hint } = explain(refusal, { parent, at, route, gateway });
  const listenersMayCome = (gateway.spec?.allowedListeners?.namespaces?.from ?? "None") !== "None";
  return {
    path,
    // A ListenerSet, which is not read, may bring the listener.
    ...(listenersMayCome ? { severity: "warning" as const } : {}),
    message: `no listener of Gateway \`${formatName(gateway.metadata)}\` takes the route: ${why} (Accepted=False, ${refusal.reason}); requests get 404`,
    hint,
    related: [{ object: refOf(gateway), path: ["spec", "listeners"], message: "these are the listeners" }],
  };
}

type Explained = { readonly path: FieldPath; readonly why: string; readonly hint: string };
type Scene = {
  readonly parent: ParentRef;
  readonly at: FieldPath;
  readonly route: Route;
  readonly gateway: Gateway;
};

function explain(refusal: Refusal, scene: Scene): Explained {
  switch (refusal.reason) {
    case "NoMatchingParent":
      return explainMissing(scene);
    case "NoMatchingListenerHostname":
      return explainHostnames(refusal.listeners, scene);
    case "NotAllowedByListeners":
      return explainRefused(refusal, scene);
    default:
      return refusal satisfies never;
  }
}

const nameOf = ({ name = "" }: Listener): string => `\`${name}\``;

function explainMissing({ parent: { sectionName, port }, at, gateway }: Scene): Explained {
  const listeners = gateway.spec?.listeners ?? [];
  const named = sectionName !== undefined && !listeners.some(({ name }) => name === sectionName);
  const wanted = [
    sectionName === undefined ? "" : `named \`${sectionName}\``,
    port === undefined ? "" : `on port ${port}`,
  ]
    .filter((part) => part !== "")
    .join(" ");
  return {
    path: [...at, ...(named ? ["sectionName"] : port === undefined ? ["name"] : ["port"])],
    why: wanted === "" ? "it has none" : `it has none ${wanted}`,
    hint:
      listeners.length === 0
        ? "Add a listener to the Gateway."
        : `Name a listener that there is (${listeners.map(nameOf).join(", ")}), or leave \`sectionName\` and \`port\` out.`,
  };
}

const MOST_NAMES = 3;

function shown(names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "";
  return `${names
    .slice(0, MOST_NAMES)
    .map((name) => `\`${name}\``)
    .join(", ")}${more}`;
}

function explainHostnames(listeners: readonly Listener[], { route }: Scene): Explained {
  const own = route.spec?.hostnames ?? [];
  const taken = [...new Set(listeners.map(({ hostname = "" }) => hostname))];
  return {
    path: ["spec", "hostnames"],
    why: `it takes ${shown(taken)}, and the route names ${shown(own)}`,
    hint: `Add a listener with \`hostname: ${own[0] ?? ""}\`, or correct the route's \`hostnames\`.`,
  };
}

function explainRefused(
  { listener, fault }: Extract<Refusal, { readonly reason: "NotAllowedByListeners" }>,
  { parent, at, route }: Scene,
): Explained {
  const path = [...at, ...(parent.sectionName === undefined ? ["name"] : ["sectionName"])];
  const { namespace } = route.metadata;
  switch (fault) {
    case "protocol":
      return {
        path,
        why: `listener ${nameOf(listener)} has protocol ${listener.protocol ?? ""}, which carries no ${route.kind}`,
        hint: "Use a listener with `protocol: HTTP`; workloads call `http://` and the gateway opens TLS.",
      };
    case "kinds":
      return {
        path,
        why: `\`allowedRoutes.kinds\` of listener ${nameOf(listener)} has no ${route.kind}`,
        hint: `Add \`kind: ${route.kind}\` to the listener's \`allowedRoutes.kinds\`.`,
      };
    case "namespaces":
      return {
        path,
        why: `\`allowedRoutes.namespaces\` of listener ${nameOf(listener)} leaves out namespace \`${namespace}\``,
        hint: "Move the route to the Gateway's namespace, or admit its namespace with `from: Selector`.",
      };
    default:
      return fault satisfies never;
  }
}

const gateway = (listeners: string, spec = ""): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress}
        spec: {gatewayClassName: istio, listeners: [${listeners}]${spec}}
        ---`;

const OPENAI = "{name: openai, port: 80, protocol: HTTP, hostname: api.openai.com}";
const ANTHROPIC = "{name: anthropic, port: 80, protocol: HTTP, hostname: api.anthropic.com}";
const limited = (allowed: string): string => `{name: openai, port: 80, protocol: HTTP, allowedRoutes: {${allowed}}}`;

const route = (host: string, parent = "name: egress", namespace = "gateway-system"): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: ${namespace}, name: provider}
        spec:
          parentRefs: [{${parent}}]
          hostnames: [${host}]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: ${host}, port: 443}]}]
        ---`;

const FROM_TEAM = "name: egress, namespace: gateway-system";
const SELECTED = limited("namespaces: {from: Selector, selector: {matchLabels: {egress-routes: allowed}}}");
const TEAM = `
        apiVersion: v1
        kind: Namespace
        metadata: {name: team-a, labels: {team: a}}`;

export const rule = defineRule({
  id: "route-hostname-no-listener",
  kinds: ["HTTPRoute", "GRPCRoute"],
  reads: ["Gateway", "Namespace", "Service", "DNSPolicy", "Secret"],
  severity: "error",
  scope: "conflict",
  title: "No listener of the Gateway takes the route",
  why: "A route that no listener takes is not attached, although it was applied without an error: nothing is served, and policies on it wait for ever.",
  fix: "Give the Gateway a listener with the route's host name, or drop `sectionName`.",
  sources: [
    "Gateway API: RouteConditionReason NoMatchingListenerHostname, NotAllowedByListeners, NoMatchingParent",
    "Observed on a real istiod and Envoy: Accepted=False, NoMatchingListenerHostname, and 404",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a host for which there is no listener",
      finds: [{ path: "spec.hostnames" }],
      yaml: gateway(OPENAI) + route("api.anthropic.com"),
    },
    {
      name: "a listener that does not exist",
      finds: [{ path: "spec.parentRefs[0].sectionName" }],
      yaml: gateway(OPENAI) + route("api.openai.com", "name: egress, sectionName: http"),
    },
    {
      name: "a port on which nothing listens",
      finds: [{ path: "spec.parentRefs[0].port" }],
      yaml: gateway(OPENAI) + route("api.openai.com", "name: egress, port: 8080"),
    },
    {
      name: "a namespace that the listener leaves out",
      finds: [{ path: "spec.parentRefs[0].name" }],
      yaml: gateway(OPENAI) + route("api.openai.com", FROM_TEAM, "team-a"),
    },
    {
      name: "a namespace without the label that is asked for",
      finds: [{ path: "spec.parentRefs[0].name" }],
      yaml: gateway(SELECTED) + route("api.openai.com", FROM_TEAM, "team-a") + TEAM,
    },
    {
      name: "a kind that the listener leaves out",
      finds: [{ path: "spec.parentRefs[0].name" }],
      yaml: gateway(limited("kinds: [{kind: GRPCRoute}]")) + route("api.openai.com"),
    },
    {
      name: "a listener that carries encrypted bytes",
      finds: [{ path: "spec.parentRefs[0].sectionName" }],
      yaml:
        gateway("{name: tls, port: 443, protocol: TLS, tls: {mode: Passthrough}}") +
        route("api.openai.com", "name: egress, sectionName: tls"),
    },
    {
      name: "a Gateway to which listeners may be added",
      finds: [{ path: "spec.hostnames", severity: "warning" }],
      yaml: gateway(OPENAI, ", allowedListeners: {namespaces: {from: Same}}") + route("api.anthropic.com"),
    },
  ],
  good: [
    { name: "one listener for each host", yaml: gateway(`${OPENAI}, ${ANTHROPIC}`) + route("api.anthropic.com") },
    { name: "a Gateway that is not in view", yaml: route("api.openai.com") },
    {
      name: "a namespace that is not in view, whose labels may be right",
      yaml: gateway(SELECTED) + route("api.openai.com", FROM_TEAM, "team-a"),
    },
    {
      name: "a waypoint, whose listener is of protocol HBONE",
      yaml: gateway("{name: mesh, port: 15008, protocol: HBONE}") + route("api.openai.com"),
    },
    {
      name: "a route that stays in the cluster, on a Gateway for incoming traffic",
      yaml: `${gateway(OPENAI)}
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: web}
        spec:
          parentRefs: [{name: egress}]
          hostnames: [www.example.com]
          rules: [{backendRefs: [{name: web, port: 80}]}]`,
    },
  ],
});
