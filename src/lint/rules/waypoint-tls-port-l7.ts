import type { FieldPath } from "../../model/field-path.ts";
import { entriesCovering } from "../../model/host-lookup.ts";
import { normalizeHostname } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import { refOf, type Topology } from "../../model/topology.ts";

import { USE_WAYPOINT_LABEL, waypointBinding } from "../../model/waypoint-binding.ts";
import { readLast } from "../arrival.ts";
import { someOf } from "../attachment/covered-listeners.ts";
import { boundEntries } from "../mesh/bound-entries.ts";
import { routesOnEntry, virtualServicesOf } from "../mesh/entry-routes.ts";
import { actionOf, httpConditions, targetsOf } from "../mesh/policy-conditions.ts";
import { defineRule, type Report } from "../rule.ts";

type Entry = Kinds["ServiceEntry"];
type Route = Kinds["HTTPRoute" | "GRPCRoute"];

/** Protocols whose bytes a waypoint passes on unread. */
const OPAQUE = new Set(["HTTPS", "TLS", "TCP"]);

/** The port that hides HTTP; undefined when some port of those that count shows it, or its protocol is not given. */
function opaquePort(entry: Entry, isMeant: (port: number | undefined) => boolean = () => true): string | undefined {
  const ports = (entry.spec?.ports ?? []).filter(({ number }) => isMeant(number));
  const [first] = ports;
  if (first === undefined || !ports.every(({ protocol = "" }) => OPAQUE.has(protocol.toUpperCase()))) return undefined;
  return `port ${first.number} of ${someOf(entry.spec?.hosts ?? [])} is ${first.protocol}`;
}

const isBound = (entry: Entry, { objects }: Topology): boolean => waypointBinding(entry, objects).status === "asked";

const portsOf = (entry: Entry) => [{ object: refOf(entry), path: ["spec", "ports"], message: "the ports" }];

/** The entries that a policy acts on by HTTP: its targets, and those of its waypoints whose hosts a rule names. */
function onPolicy(policy: Kinds["AuthorizationPolicy"], topology: Topology): readonly Report[] {
  const { objects, waypoints } = topology;
  const { namespace } = policy.metadata;
  const conditions = httpConditions(policy);
  if (conditions.length === 0) return [];
  const targets = targetsOf(policy);
  const effect =
    actionOf(policy) === "DENY"
      ? "is passed over, and all that the rest of the rule matches is denied"
      : "never matches";
  const direct = targets.flatMap(({ kind, name }) =>
    kind === "ServiceEntry" ? [objects.get("ServiceEntry", namespace, name)] : [],
  );
  const shared = targets
    .map(({ kind, name }) => (kind === "Gateway" ? objects.get("Gateway", namespace, name) : undefined))
    .filter((gateway) => gateway !== undefined && waypoints.includes(gateway))
    .flatMap((gateway) => (gateway === undefined ? [] : boundEntries(gateway, topology)));
  const reports = conditions.flatMap(({ rule, path, field }): readonly Report[] => {
    const operations = (policy.spec?.rules?.[rule]?.to ?? []).map(({ operation = {} }) => operation);
    const ports = operations.flatMap((operation) => operation.ports ?? []);
    const meant = (port: number | undefined): boolean => ports.length === 0 || ports.includes(`${port}`);
    const hosts = operations.flatMap((operation) => operation.hosts ?? []).map((host) => host.replace(/:[\d*]+$/, ""));
    const named = shared.filter(({ spec }) => spec?.hosts?.some((own) => hosts.includes(own)));
    for (const entry of [...direct, ...named]) {
      const port = entry === undefined || !isBound(entry, topology) ? undefined : opaquePort(entry, meant);
      if (entry === undefined || port === undefined) continue;
      return [
        {
          path,
          message: `${port}: the waypoint sees no HTTP there, so \`${field}\` ${effect}`,
          related: portsOf(entry),
        },
      ];
    }
    return [];
  });
  // One report for a rule: its other conditions fail for the same reason.
  return reports.filter((report, index) => reports.findIndex(({ path }) => path[2] === report.path[2]) === index);
}

/** What is wrong with a route whose parent is a ServiceEntry. */
function onRoute(route: Route, topology: Topology): readonly Report[] {
  return (route.spec?.parentRefs ?? []).flatMap((parent, index): readonly Report[] => {
    const { name = "", namespace = route.metadata.namespace, port } = parent;
    const entry = parent.kind === "ServiceEntry" ? topology.objects.get("ServiceEntry", namespace, name) : undefined;
    if (entry === undefined) return [];
    const at = ["spec", "parentRefs", index];
    const binding = waypointBinding(entry, topology.objects);
    if (binding.status === "refused" || (binding.status === "unlabelled" && binding.namespaceSeen)) {
      return [
        {
          path: [...at, "name"],
          message: `ServiceEntry \`${name}\` asks for no waypoint, so the route is refused: only a waypoint carries it out`,
          hint: `Label the ServiceEntry \`${USE_WAYPOINT_LABEL}\` with the waypoint's name.`,
          related: [{ object: refOf(entry), path: ["metadata", "name"], message: "the ServiceEntry" }],
        },
      ];
    }
    const opaque = opaquePort(entry, (number) => port === undefined || number === port);
    const message = `${opaque}: the waypoint sees no HTTP there, so no rule of the route ever matches`;
    const path = [...at, port === undefined ? "name" : "port"];
    const hidden = opaque === undefined ? [] : [{ path, message, related: portsOf(entry) }];
    return [...hidden, ...rivals(entry, topology, route, path)];
  });
}

/** A VirtualService and a route for one host: which of them counts is not defined. Reported on the one read last. */
function rivals(
  entry: Entry,
  topology: Topology,
  object: Route | Kinds["VirtualService"],
  path: FieldPath,
): readonly Report[] {
  const routes = routesOnEntry(entry, topology);
  const services = (entry.spec?.hosts ?? []).flatMap((host) => virtualServicesOf(host, topology));
  const all = [...routes, ...services];
  if (routes.length === 0 || services.length === 0 || readLast(all, topology) !== object) return [];
  const other = object.kind === "VirtualService" ? routes[0] : services[0];
  if (other === undefined) return [];
  const message = `${someOf(entry.spec?.hosts ?? [])} has ${other.kind} \`${other.metadata.name}\` as well: which of the two holds is not defined`;
  const hint = "Keep one of the two; HTTPRoute is the form that waypoints are made for.";
  return [{ path, message, hint, related: [{ object: refOf(other), path: ["spec"], message: "the other one" }] }];
}

/** A VirtualService of the mesh that routes HTTP of a bound entry. */
function onVirtualService(service: Kinds["VirtualService"], topology: Topology): readonly Report[] {
  const { hosts = [], gateways, http = [] } = service.spec ?? {};
  if (http.length === 0 || (gateways !== undefined && !gateways.includes("mesh"))) return [];
  return hosts.flatMap((host, index): readonly Report[] => {
    const name = normalizeHostname(host) ?? host;
    const entries = entriesCovering(name, topology.objects).filter((entry) => isBound(entry, topology));
    const entry = entries.find((one) => opaquePort(one) !== undefined);
    const clear = entries.some((one) => opaquePort(one) === undefined);
    const hidden: readonly Report[] =
      entry === undefined || clear
        ? []
        : [
            {
              path: ["spec", "http"],
              message: `${opaquePort(entry)}: the waypoint sees no HTTP there, so nothing of \`http\` takes effect`,
              related: portsOf(entry),
            },
          ];
    const rival = entries.flatMap((one) => rivals(one, topology, service, ["spec", "hosts", index]));
    return [...hidden, ...rival.slice(0, 1)];
  });
}

function check(object: Kinds["AuthorizationPolicy" | "VirtualService"] | Route, topology: Topology): readonly Report[] {
  if (object.kind === "AuthorizationPolicy") return onPolicy(object, topology);
  return object.kind === "VirtualService" ? onVirtualService(object, topology) : onRoute(object, topology);
}

const entry = (port: string, labels = "labels: {istio.io/use-waypoint: egress-waypoint}"): string => `
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: istio-egress, name: httpbin.org, ${labels}}
        spec: {hosts: [httpbin.org], resolution: DNS, ports: [${port}]}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: istio-egress, name: egress-waypoint}
        spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}`;

const policy = (operation: string, target = "networking.istio.io, kind: ServiceEntry, name: httpbin.org"): string => `
        ---
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {namespace: istio-egress, name: httpbin}
        spec:
          targetRefs: [{group: ${target}}]
          rules: [{to: [{operation: {${operation}}}]}]`;

const route = (port = ""): string => `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: istio-egress, name: httpbin}
        spec:
          parentRefs: [{group: networking.istio.io, kind: ServiceEntry, name: httpbin.org${port}}]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: httpbin.org, port: 80}]}]`;

const VIRTUAL = `
        ---
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: {namespace: istio-egress, name: httpbin}
        spec: {hosts: [httpbin.org], http: [{route: [{destination: {host: httpbin.org}}]}]}`;

const NAMESPACE = `
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: istio-egress, labels: {istio.io/dataplane-mode: ambient}}`;

const HTTPS = "{number: 443, name: https, protocol: HTTPS}";
const HTTP = "{number: 80, name: http, protocol: HTTP, targetPort: 443}";
const ON_WAYPOINT = "gateway.networking.k8s.io, kind: Gateway, name: egress-waypoint";
const OPERATION = "spec.rules[0].to[0].operation";

export const rule = defineRule({
  id: "waypoint-tls-port-l7",
  kinds: ["AuthorizationPolicy", "HTTPRoute", "GRPCRoute", "VirtualService"],
  reads: ["ServiceEntry", "Gateway", "Namespace"],
  severity: "warning",
  scope: "conflict",
  title: "The waypoint cannot see the HTTP that a policy or route asks about",
  why: "On a port for HTTPS, TLS or TCP the client encrypts and the waypoint passes bytes on: methods, paths, hosts and headers never match there.",
  fix: "Declare an HTTP port with `targetPort: 443` and let the waypoint open TLS, by a DestinationRule with `mode: SIMPLE`.",
  sources: [
    "Istio guide, egress with ambient waypoints: TLS origination",
    "istio pilot/pkg/config/kube/gateway, conversion.go: checks of a waypoint's parents",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "methods on a port for HTTPS",
      finds: [{ path: `${OPERATION}.methods` }],
      yaml: entry(HTTPS) + policy("methods: [GET]"),
    },
    {
      name: "a host of the waypoint whose port is TLS",
      finds: [{ path: `${OPERATION}.hosts` }],
      yaml: entry(HTTPS.replace("HTTPS", "TLS")) + policy('hosts: ["httpbin.org:*"], methods: [GET]', ON_WAYPOINT),
    },
    {
      name: "a route on a port for HTTPS",
      finds: [{ path: "spec.parentRefs[0].port" }],
      yaml: entry(`${HTTP}, ${HTTPS}`) + route(", port: 443"),
    },
    {
      name: "a route on an entry without waypoint",
      finds: [{ path: "spec.parentRefs[0].name" }],
      yaml: entry(HTTP, "labels: {}") + NAMESPACE + route(),
    },
    {
      name: "a VirtualService for a port of TCP",
      finds: [{ path: "spec.http" }],
      yaml: entry(HTTPS.replace("HTTPS", "TCP")) + VIRTUAL,
    },
    {
      name: "a VirtualService and a route for one host",
      finds: [{ path: "spec.hosts[0]" }],
      yaml: entry(HTTP) + route() + VIRTUAL,
    },
  ],
  good: [
    { name: "an HTTP port that the waypoint encrypts", yaml: entry(HTTP) + policy("methods: [GET]") + route() },
    { name: "conditions below HTTP on a port for HTTPS", yaml: entry(HTTPS) + policy('ports: ["443"]') },
    {
      name: "methods for the port that shows HTTP",
      yaml: entry(`${HTTP}, ${HTTPS}`) + policy('methods: [GET], ports: ["80"]'),
    },
    { name: "a VirtualService alone", yaml: entry(HTTP) + VIRTUAL },
  ],
});
