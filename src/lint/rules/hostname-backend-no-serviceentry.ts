import type { Route } from "../../model/attachment.ts";
import type { Mend } from "../../model/edit.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { isWildcard, normalizeHostname } from "../../model/hostname.ts";
import type { BackendRef } from "../../model/kinds/route.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import {
  covers,
  type EntryLookup,
  findServiceEntries,
  gatewayProxies,
  isClusterHost,
  isHostnameBackend,
} from "../../model/transport.ts";
import { defineRule, type Report } from "../rule.ts";

/** Seen from the namespaces of the gateways, whose proxies open the connections: transport.ts says why not the route's. */
export const rule = defineRule({
  id: "hostname-backend-no-serviceentry",
  kinds: ["HTTPRoute", "GRPCRoute"],
  reads: ["ServiceEntry", "Gateway"],
  severity: "error",
  scope: "absence",
  title: "A Hostname backend that no ServiceEntry defines",
  why: "Istio knows an external host only through a ServiceEntry; without one the gateway has no upstream for the route and answers 500.",
  fix: "Create a ServiceEntry for the host and port, next to the gateway.",
  sources: [
    "istio pilot/pkg/config/kube/gateway/conversion.go: buildDestination",
    "Observed on a real istiod and Envoy: without the ServiceEntry, or with one that is not exported to the gateway, every request gets 500",
  ],
  since: "0.1.0",

  check(object, topology) {
    return (object.spec?.rules ?? []).flatMap(({ backendRefs = [] }, rule) =>
      backendRefs.flatMap((backend, index) =>
        isHostnameBackend(backend) && backend.weight !== 0
          ? reportOn(backend, ["spec", "rules", rule, "backendRefs", index], object, topology)
          : [],
      ),
    );
  },

  bad: [
    {
      name: "a port that the ServiceEntry does not declare",
      finds: [{ path: "spec.rules[0].backendRefs[0].port" }],
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules:
            - backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 80}]
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: gateway-system, name: openai}
        spec: {hosts: [api.openai.com], resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]}`,
    },
    {
      name: "a ServiceEntry that only its own namespace sees",
      finds: [{ path: "spec.rules[0].backendRefs[0].name" }],
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules:
            - backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: team-a, name: openai}
        spec:
          hosts: [api.openai.com]
          exportTo: ["."]
          resolution: DNS
          ports: [{number: 443, name: https, protocol: HTTPS}]`,
    },
    {
      name: "a URL in place of the host",
      finds: [{ path: "spec.rules[0].backendRefs[0].name", mended: "api.openai.com" }],
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules:
            - backendRefs: [{group: networking.istio.io, kind: Hostname, name: "https://api.openai.com", port: 443}]
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: gateway-system, name: openai}
        spec: {hosts: [api.openai.com], resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]}`,
    },
  ],
  good: [
    {
      name: "a ServiceEntry with the host and port",
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules:
            - backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: gateway-system, name: openai}
        spec:
          hosts: [api.openai.com]
          location: MESH_EXTERNAL
          resolution: DNS
          ports: [{number: 443, name: https, protocol: HTTPS}]`,
    },
    {
      name: "a Service of the cluster, which needs none",
      yaml: `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: echo}
        spec:
          parentRefs: [{name: egress}]
          rules:
            - backendRefs: [{group: networking.istio.io, kind: Hostname, name: echo.tools.svc.cluster.local, port: 80}]`,
    },
  ],
});

function reportOn(backend: BackendRef, path: FieldPath, route: Route, topology: Topology): readonly Report[] {
  const { name: host = "", port } = backend;
  if (host === "" || isClusterHost(host, topology.settings.clusterDomain)) return [];
  const failed = lookUp(host, port, route, topology);
  if (failed === undefined) return [];
  const { lookup, namespace } = failed;
  const entries = "entries" in lookup ? lookup.entries : [];
  const intended = lookup.status === "absent" ? meantHost(host, topology) : undefined;
  const target = intended ?? host;
  const right =
    intended !== undefined && differsInSpelling(host, intended) && lookUp(target, port, route, topology) === undefined;
  const mend: Mend | undefined = right
    ? { title: `write \`${target}\``, edits: [{ op: "set", path: [...path, "name"], value: target }] }
    : undefined;
  const shown = port === undefined ? host : `${host}:${port}`;
  return [
    {
      path: [...path, lookup.status === "no-port" ? "port" : "name"],
      message: `backend \`${shown}\` does not resolve: ${reasonFor(lookup, namespace, intended)}; requests get 500`,
      hint: hintFor(lookup, { host: target, port, namespace, misspelt: intended !== undefined }),
      related: entries.map((entry) => ({
        object: refOf(entry),
        path: ["spec", lookup.status === "not-exported" ? "exportTo" : "ports"],
        message: "this ServiceEntry defines the host",
      })),
      ...(mend === undefined ? {} : { mend }),
    },
  ];
}

type Failed = { readonly lookup: Exclude<EntryLookup, { readonly status: "found" }>; readonly namespace: string };

/** The first gateway whose proxy finds nothing. A route without gateways is served by sidecars or waypoints anywhere. */
function lookUp(host: string, port: number | undefined, route: Route, topology: Topology): Failed | undefined {
  const proxies = gatewayProxies(route, topology);
  const homes = proxies.map(({ namespace }) => namespace);
  if (homes.length === 0) {
    // Nobody can say from where such a route is looked at, so visibility is not judged.
    const lookup = findServiceEntries({ host, port }, route.metadata.namespace, topology.objects);
    return lookup.status === "absent" ? { lookup, namespace: route.metadata.namespace } : undefined;
  }
  for (const namespace of homes) {
    const lookup = findServiceEntries({ host, port }, namespace, topology.objects);
    if (lookup.status !== "found") return { lookup, namespace };
  }
  return undefined;
}

/** The host of a ServiceEntry that differs only in case, a trailing dot, or a scheme in front. */
function meantHost(host: string, topology: Topology): string | undefined {
  const plain = (text: string): string | undefined =>
    normalizeHostname(text.replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\//, "").replace(/[/:].*$/, ""));
  const wanted = plain(host);
  if (wanted === undefined) return undefined;
  const defined = topology.objects
    .of("ServiceEntry")
    .flatMap(({ spec }) => spec?.hosts ?? [])
    .find((name) => name !== host && covers(plain(name) ?? "", wanted));
  return defined === undefined || !isWildcard(defined) ? defined : wanted;
}

/** Whether two names are one but for letter case, a trailing dot or a scheme: a path behind the host means something. */
function differsInSpelling(host: string, intended: string): boolean {
  const name = host.replace(/^https?:\/\//i, "").replace(/\/$/, "");
  return !/[/?#:@\\]/.test(name) && normalizeHostname(name) === normalizeHostname(intended);
}

function reasonFor(lookup: Failed["lookup"], namespace: string, intended: string | undefined): string {
  if (lookup.status === "not-exported") {
    return `ServiceEntry ${names(lookup.entries)} is not exported to the gateway's namespace \`${namespace}\``;
  }
  if (lookup.status === "no-port") {
    return `ServiceEntry ${names(lookup.entries)} does not declare the port (it declares ${portsOf(lookup.entries)})`;
  }
  return intended === undefined
    ? "no ServiceEntry defines the host"
    : `a ServiceEntry defines \`${intended}\`, and Istio compares names letter by letter`;
}

const names = (entries: readonly Kinds["ServiceEntry"][]): string =>
  entries.map(({ metadata }) => `\`${formatName(metadata)}\``).join(", ");

function portsOf(entries: readonly Kinds["ServiceEntry"][]): string {
  const ports = entries.flatMap(({ spec }) => spec?.ports ?? []).flatMap(({ number }) => number ?? []);
  return ports.length === 0 ? "none" : [...new Set(ports)].join(", ");
}

function hintFor(
  lookup: Failed["lookup"],
  {
    host,
    port,
    namespace,
    misspelt,
  }: {
    readonly host: string;
    readonly port: number | undefined;
    readonly namespace: string;
    readonly misspelt: boolean;
  },
): string {
  if (misspelt) return `Write the backend's name as \`${host}\`.`;
  if (lookup.status === "not-exported") {
    return `Add \`${namespace}\` to \`exportTo\` of ServiceEntry ${names(lookup.entries)}, or create one in that namespace.`;
  }
  if (lookup.status === "no-port") {
    return `Use a port that is declared (${portsOf(lookup.entries)}), or add port ${port} to the ServiceEntry.`;
  }
  const { number, name, protocol } =
    port === undefined || port === 443
      ? { number: 443, name: "https", protocol: "HTTPS" }
      : { number: port, name: "http", protocol: "HTTP" };
  return `Create a ServiceEntry in namespace \`${namespace}\`: \`hosts: [${host}]\`, \`resolution: DNS\`, \`ports: [{number: ${number}, name: ${name}, protocol: ${protocol}}]\`.`;
}
