import type { Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { covers, isClusterHost, isExportedTo } from "../../model/transport.ts";
import { readLast } from "../arrival.ts";
import { defineRule, type Report } from "../rule.ts";
import { type ProxiedBackend, proxiedBackends } from "../upstream/proxied-backends.ts";

type Entry = Kinds["ServiceEntry"];

/** A pair is reported once, on the entry that was read last (arrival.ts), one report for each of its hosts. */
function check(object: Entry, topology: Topology): readonly Report[] {
  return (object.spec?.hosts ?? []).flatMap((host, index): readonly Report[] => {
    if (isClusterHost(host, topology.settings.clusterDomain)) return [];
    const rivals = (entriesByHost(topology).get(host) ?? []).filter((other) => other !== object);
    const reports = rivals
      .filter((rival) => readLast([object, rival], topology) === object && meet(object, rival, host, topology))
      .flatMap((rival) => reportOn(object, rival, { host, index }, topology) ?? []);
    const worst = reports.find(({ severity }) => severity === "error") ?? reports[0];
    return worst === undefined ? [] : [worst];
  });
}

/** A Topology is immutable and every entry of it asks the same, so that it is sorted once. */
const known = new WeakMap<Topology, ReadonlyMap<string, readonly Entry[]>>();

function entriesByHost(topology: Topology): ReadonlyMap<string, readonly Entry[]> {
  const cached = known.get(topology);
  if (cached !== undefined) return cached;
  const byHost = new Map<string, Entry[]>();
  for (const entry of topology.objects.of("ServiceEntry")) {
    for (const host of new Set(entry.spec?.hosts)) byHost.set(host, [...(byHost.get(host) ?? []), entry]);
  }
  known.set(topology, byHost);
  return byHost;
}

const backendsAt = (host: string, topology: Topology): readonly ProxiedBackend[] =>
  proxiedBackends(topology).filter((backend) => covers(host, backend.host));

/** Whether somebody who matters sees both: an egress gateway, or without one in view each other's namespace. */
function meet(a: Entry, b: Entry, host: string, topology: Topology): boolean {
  const sees = (entry: Entry, namespace: string): boolean =>
    isExportedTo(entry.spec?.exportTo, entry.metadata.namespace, namespace);
  const gateways = new Set([
    ...backendsAt(host, topology).map(({ proxy }) => proxy.namespace),
    ...topology.egressGateways.map(({ metadata }) => metadata.namespace),
  ]);
  return gateways.size === 0
    ? sees(a, b.metadata.namespace) && sees(b, a.metadata.namespace)
    : [...gateways].some((namespace) => sees(a, namespace) && sees(b, namespace));
}

/** The ports of an entry in comparable form: number, and what it means. */
const portsOf = ({ spec }: Entry): ReadonlyMap<number, string> =>
  new Map(
    (spec?.ports ?? []).map(({ number = 0, protocol = "TCP", targetPort = number }) => [
      number,
      `${protocol.toUpperCase()}${targetPort === number ? "" : ` to ${targetPort}`}`,
    ]),
  );

const show = (ports: ReadonlyMap<number, string>): string =>
  [...ports]
    .sort(([a], [b]) => a - b)
    .map(([number, meaning]) => `${number}/${meaning}`)
    .join(", ") || "none";

/** In what two entries for a host differ; empty when both say the same. */
function differences(own: Entry, other: Entry): readonly string[] {
  const [ours, theirs] = [portsOf(own), portsOf(other)];
  const compared: readonly (readonly [string, string, string])[] = [
    ["ports", show(ours), show(theirs)],
    ["resolution", own.spec?.resolution ?? "NONE", other.spec?.resolution ?? "NONE"],
    ["location", own.spec?.location ?? "MESH_EXTERNAL", other.spec?.location ?? "MESH_EXTERNAL"],
  ];
  return compared.filter(([, a, b]) => a !== b).map(([field, a, b]) => `${field} ${a} against ${b}`);
}

function reportOn(
  object: Entry,
  rival: Entry,
  { host, index }: { readonly host: string; readonly index: number },
  topology: Topology,
): Report | undefined {
  const found = differences(object, rival);
  const inside = [object, rival].every(({ spec }) => spec?.location === "MESH_INTERNAL");
  if (found.length === 0 || inside) return undefined;
  const [ours, theirs] = [portsOf(object), portsOf(rival)];
  const torn = backendsAt(host, topology).find(({ port }) => port !== 0 && ours.has(port) !== theirs.has(port));
  const outcome =
    torn === undefined
      ? "which one counts depends on age and namespace"
      : `a route uses port ${torn.port}, which only one of them declares, and gets 500 when the other one counts`;
  return {
    path: ["spec", "hosts", index],
    severity: torn === undefined ? "warning" : "error",
    message: `ServiceEntries \`${formatName(object.metadata)}\` and \`${formatName(rival.metadata)}\` both define ${host}, and not alike (${found.join("; ")}): ${outcome}`,
    related: [
      { object: refOf(rival), path: ["spec", "ports"], message: "the other definition of the host" },
      ...(torn === undefined
        ? []
        : [{ object: refOf(torn.route), path: [...torn.path, "port"], message: "this route uses the port" }]),
    ],
  };
}

const entry = (metadata: string, spec: string): string => `
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {${metadata}}
        spec: {hosts: [api.openai.com], ${spec}}
        ---`;

const HTTPS = "ports: [{number: 443, name: https, protocol: HTTPS}]";
const TCP = "ports: [{number: 443, name: tcp, protocol: TCP}]";
const PLAIN = "ports: [{number: 80, name: http, protocol: HTTP}]";
const OURS = entry("namespace: gateway-system, name: openai", `resolution: DNS, ${HTTPS}`);
const theirs = (spec: string): string => entry("namespace: team-a, name: openai", spec);

const ROUTE = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]
        ---`;

export const rule = defineRule({
  id: "serviceentry-host-conflict",
  kinds: ["ServiceEntry"],
  reads: ["ServiceEntry", "HTTPRoute", "GRPCRoute", "Gateway", "DNSPolicy", "Secret", "Service"],
  severity: "error",
  scope: "conflict",
  title: "Two ServiceEntries define one host in different ways",
  why: "Istio takes one definition of a host, by namespace and age. Somebody's ServiceEntry in another namespace can so take the port away that the egress gateway uses.",
  fix: "Keep one ServiceEntry for the host, next to the egress gateway, and narrow `exportTo` of any other.",
  sources: [
    "Istio issue 56826 and analyzer IST0177",
    "Observed on a real istiod and Envoy: a second ServiceEntry with port 80 instead of 443 made every request 500",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "another protocol for the same port",
      finds: [{ path: "spec.hosts[0]", severity: "warning" }],
      yaml: OURS + theirs(`resolution: DNS, ${TCP}`),
    },
    {
      name: "another port than the one that a route uses",
      finds: [{ path: "spec.hosts[0]" }],
      yaml: OURS + ROUTE + theirs(`resolution: DNS, ${PLAIN}`),
    },
    {
      name: "another resolution",
      finds: [{ path: "spec.hosts[0]", severity: "warning" }],
      yaml: OURS + ROUTE + theirs(HTTPS),
    },
    {
      name: "another location, in the same namespace",
      finds: [{ path: "spec.hosts[0]", severity: "warning" }],
      yaml:
        OURS + entry("namespace: gateway-system, name: openai-2", `resolution: DNS, location: MESH_INTERNAL, ${HTTPS}`),
    },
  ],
  good: [
    {
      name: "a second one that its own namespace alone sees",
      yaml: OURS + ROUTE + theirs(`exportTo: ["."], resolution: DNS, ${TCP}`),
    },
    { name: "the same, with no gateway in view", yaml: OURS + theirs(`exportTo: ["."], resolution: DNS, ${TCP}`) },
    { name: "two that say the same", yaml: OURS + theirs(`resolution: DNS, location: MESH_EXTERNAL, ${HTTPS}`) },
    {
      name: "workloads of the mesh itself, which are no matter of egress",
      yaml:
        entry("namespace: a, name: vm", `resolution: STATIC, location: MESH_INTERNAL, ${PLAIN}`) +
        entry("namespace: b, name: vm", `resolution: STATIC, location: MESH_INTERNAL, ${TCP}`),
    },
  ],
});
