import type { FieldPath } from "../../model/field-path.ts";
import type { RelatedPlace } from "../../model/finding.ts";
import { isWildcard } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { isClusterHost, upstreamTransport } from "../../model/transport.ts";
import { resolvedByDns } from "../mends/dns-resolution.ts";
import { defineRule, type Report } from "../rule.ts";
import { backendsFor, type ProxiedBackend } from "../upstream/proxied-backends.ts";

type Entry = Kinds["ServiceEntry"];

/**
 * Whether the proxy learns an address for the host. What a waypoint needs is said by serviceentry-waypoint-unbound;
 * for sidecars alone NONE is right, as they keep the address that the caller looked up.
 */
function check(object: Entry, topology: Topology): readonly Report[] {
  const { hosts = [], location } = object.spec ?? {};
  if (hosts.length === 0 || hosts.every((host) => isClusterHost(host, topology.settings.clusterDomain))) return [];
  const used = backendsFor(hosts, topology).filter((backend) => isServedBy(backend, object, topology));
  return [
    ...addressFault(object, used).map((report) => ({ ...report, ...weight(used) })),
    ...(location === "MESH_INTERNAL" ? insideFault(object, used) : []),
  ];
}

/** Whether the gateway takes this entry for the host, of several that define it. */
function isServedBy({ host, port, proxy }: ProxiedBackend, entry: Entry, { objects }: Topology): boolean {
  const transport = upstreamTransport({ host, port }, proxy, objects);
  return transport.status === "resolved" && transport.entry === entry;
}

/** A route that leads there makes it an error; the finding then rests on both. */
function weight(used: readonly ProxiedBackend[]): Pick<Report, "severity" | "scope" | "related"> {
  return used.length === 0 ? { severity: "warning" } : { scope: "conflict", related: used.slice(0, 1).map(placeOf) };
}

const placeOf = ({ route, path }: ProxiedBackend): RelatedPlace => ({
  object: refOf(route),
  path: [...path, "name"],
  message: "this route sends requests to the host",
});

function addressFault(entry: Entry, used: readonly ProxiedBackend[]): readonly Report[] {
  const { spec } = entry;
  const { resolution, endpoints = [], hosts = [], workloadSelector } = spec ?? {};
  const path: FieldPath = ["spec", "resolution"];
  const wildcard = hosts.find(isWildcard);
  const [backend] = used;
  if ((resolution ?? "NONE") === "NONE" && backend !== undefined) {
    const mend = resolvedByDns(entry);
    return [
      {
        path,
        message: `with \`resolution: NONE\`${resolution === undefined ? ", the default," : ""} gateway \`${formatName(backend.proxy)}\` has no address for ${backend.host}: requests get 503`,
        hint:
          wildcard === undefined
            ? "Set `resolution: DNS`."
            : `Write a ServiceEntry with \`hosts: [${backend.host}]\` and \`resolution: DNS\`, or use \`resolution: DYNAMIC_DNS\`.`,
        ...(mend === undefined ? {} : { mend }),
      },
    ];
  }
  if ((resolution === "DNS" || resolution === "DNS_ROUND_ROBIN") && wildcard !== undefined && endpoints.length === 0) {
    return [
      {
        path,
        message: `\`${wildcard}\` is no name that can be looked up: Istio refuses \`resolution: ${resolution}\` for it`,
        hint: "List the hosts, or use `resolution: DYNAMIC_DNS`.",
      },
    ];
  }
  if (resolution === "STATIC" && endpoints.length === 0 && workloadSelector === undefined) {
    return [
      {
        path,
        message: `\`resolution: STATIC\` takes the addresses from \`endpoints\`, and there are none: requests to ${hosts[0]} get 503`,
        hint: "Set `resolution: DNS`, or list `endpoints`.",
      },
    ];
  }
  return [];
}

/** An entry that is said to be of the mesh, although a route treats its host as a provider outside. */
function insideFault({ spec }: Entry, used: readonly ProxiedBackend[]): readonly Report[] {
  const [backend] = used;
  if (backend === undefined || (spec?.endpoints ?? []).length > 0 || spec?.workloadSelector !== undefined) return [];
  if (!isPublicName(backend.host)) return [];
  return [
    {
      path: ["spec", "location"],
      severity: "warning",
      scope: "conflict",
      message: `MESH_INTERNAL makes ${backend.host} a workload of the mesh: Istio may secure the connection with the mesh's own certificates, which the host does not know`,
      hint: "Set `location: MESH_EXTERNAL`.",
      related: [placeOf(backend)],
    },
  ];
}

/** Last labels of names that are of use inside a company or a cluster only. */
const PRIVATE_ENDS = new Set(["corp", "home", "internal", "intranet", "lan", "local", "localhost", "private", "test"]);

const isPublicName = (host: string): boolean =>
  host.includes(".") && !PRIVATE_ENDS.has(host.toLowerCase().split(".").at(-1) ?? "");

const entry = (spec: string, host = "api.openai.com"): string => `
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: gateway-system, name: openai}
        spec: {hosts: ["${host}"], ${spec}ports: [{number: 443, name: https, protocol: HTTPS}]}`;

const route = (host = "api.openai.com"): string => `
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: ${host}, port: 443}]}]`;

export const rule = defineRule({
  id: "serviceentry-resolution",
  kinds: ["ServiceEntry"],
  reads: ["HTTPRoute", "GRPCRoute", "Gateway", "DestinationRule", "BackendTLSPolicy"],
  severity: "error",
  scope: "object",
  title: "The gateway has no address for the host",
  why: "A gateway dials what its ServiceEntry resolves to. Without an address there is nothing to dial: unlike a sidecar it cannot fall back on the one the caller looked up, which is its own.",
  fix: "Set `resolution: DNS`.",
  sources: [
    "Istio ServiceEntry reference: `resolution`, default NONE",
    "istio pkg/config/validation: wildcard hosts and `resolution`, endpoints of STATIC",
    'Observed on a real istiod and Envoy: NONE behind a gateway gave 503, "no healthy upstream"',
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "no resolution, for a host behind a gateway",
      finds: [{ path: "spec.resolution", mended: "DNS" }],
      yaml: entry("location: MESH_EXTERNAL, ") + route(),
    },
    {
      name: "a wildcard without resolution, behind a gateway",
      finds: [{ path: "spec.resolution" }],
      yaml: entry("resolution: NONE, ", "*.openai.com") + route(),
    },
    {
      name: "a wildcard that is to be looked up",
      finds: [{ path: "spec.resolution", severity: "warning" }],
      yaml: entry("resolution: DNS, ", "*.openai.com"),
    },
    {
      name: "static addresses that are not there",
      finds: [{ path: "spec.resolution" }],
      yaml: entry("resolution: STATIC, ") + route(),
    },
    {
      name: "static addresses that are not there, for a host that no route uses",
      finds: [{ path: "spec.resolution", severity: "warning" }],
      yaml: entry("resolution: STATIC, "),
    },
    {
      name: "a public host that is said to be of the mesh",
      finds: [{ path: "spec.location", severity: "warning" }],
      yaml: entry("resolution: DNS, location: MESH_INTERNAL, ") + route(),
    },
  ],
  good: [
    { name: "lookup by DNS", yaml: entry("resolution: DNS, location: MESH_EXTERNAL, ") + route() },
    { name: "no resolution for sidecars, which keep the caller's address", yaml: entry("") },
    {
      name: "static addresses that are there",
      yaml: entry("resolution: STATIC, endpoints: [{address: 203.0.113.7}], ") + route(),
    },
    {
      name: "addresses of workloads that are selected",
      yaml: entry("resolution: STATIC, workloadSelector: {labels: {app: mirror}}, ") + route(),
    },
    {
      name: "a wildcard that Envoy looks up name by name",
      yaml: entry("resolution: DYNAMIC_DNS, ", "*.openai.com") + route(),
    },
    {
      name: "a machine of the mesh under a name of the company",
      yaml: entry("resolution: DNS, location: MESH_INTERNAL, ", "vm.corp") + route("vm.corp"),
    },
  ],
});
