import { entriesNaming } from "../../model/host-lookup.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { isClusterHost, isExportedTo } from "../../model/transport.ts";
import { readLast } from "../arrival.ts";
import { defineRule, type Report } from "../rule.ts";
import { backendsFor, type ProxiedBackend } from "../upstream/proxied-backends.ts";

type Entry = Kinds["ServiceEntry"];

/** A pair is reported once, on the entry that was read last (arrival.ts), one report for each of its hosts. */
function check(object: Entry, topology: Topology): readonly Report[] {
  return (object.spec?.hosts ?? []).flatMap((host, index): readonly Report[] => {
    if (isClusterHost(host, topology.settings.clusterDomain)) return [];
    const rivals = entriesNaming(host, topology.objects).filter(
      (other) => other !== object && readLast([object, other], topology) === object && isUnlike(object, other),
    );
    if (rivals.length === 0) return [];
    const observers = observersOf(host, topology);
    const reports = rivals
      .filter((rival) => meet(object, rival, observers))
      .map((rival) => reportOn(object, rival, { host, index }, topology));
    const worst = reports.find(({ severity }) => severity === "error") ?? reports[0];
    return worst === undefined ? [] : [worst];
  });
}

const backendsAt = (host: string, topology: Topology): readonly ProxiedBackend[] => backendsFor([host], topology);

/** The namespaces of the gateways for which it matters what a host means. */
const observersOf = (host: string, topology: Topology): ReadonlySet<string> =>
  new Set([
    ...backendsAt(host, topology).map(({ proxy }) => proxy.namespace),
    ...topology.egressGateways.map(({ metadata }) => metadata.namespace),
  ]);

/** Whether somebody who matters sees both: an egress gateway, or without one in view each other's namespace. */
function meet(a: Entry, b: Entry, observers: ReadonlySet<string>): boolean {
  const sees = (entry: Entry, namespace: string): boolean =>
    isExportedTo(entry.spec?.exportTo, entry.metadata.namespace, namespace);
  return observers.size === 0
    ? sees(a, b.metadata.namespace) && sees(b, a.metadata.namespace)
    : [...observers].some((namespace) => sees(a, namespace) && sees(b, namespace));
}

/** What an entry says of its hosts, in comparable form. `ports` are by number; `said` is by the name of the field. */
type Sayings = {
  readonly ports: ReadonlyMap<number, string>;
  readonly said: readonly (readonly [field: string, value: string])[];
};

/** Objects are immutable, and each is compared with every other one for its hosts: it is read once. */
const known = new WeakMap<Entry, Sayings>();

function sayingsOf(entry: Entry): Sayings {
  const before = known.get(entry);
  if (before !== undefined) return before;
  const { ports: listed = [], resolution = "NONE", location = "MESH_EXTERNAL" } = entry.spec ?? {};
  const ports = new Map(
    listed.map(({ number = 0, protocol = "TCP", targetPort = number }) => [
      number,
      `${protocol.toUpperCase()}${targetPort === number ? "" : ` to ${targetPort}`}`,
    ]),
  );
  const shown = [...ports].sort(([a], [b]) => a - b).map(([number, meaning]) => `${number}/${meaning}`);
  const said = [
    ["ports", shown.join(", ") || "none"],
    ["resolution", resolution],
    ["location", location],
  ] as const;
  known.set(entry, { ports, said });
  return { ports, said };
}

/** In what two entries for a host differ; empty when both say the same. */
function differences(own: Entry, other: Entry): readonly string[] {
  const theirs = sayingsOf(other).said;
  return sayingsOf(own).said.flatMap(([field, ours], index) => {
    const value = theirs[index]?.[1] ?? "";
    return ours === value ? [] : [`${field} ${ours} against ${value}`];
  });
}

/** Whether two entries for a host differ, and not both of them are about the inside of the mesh. */
function isUnlike(own: Entry, other: Entry): boolean {
  if ([own, other].every(({ spec }) => spec?.location === "MESH_INTERNAL")) return false;
  const theirs = sayingsOf(other).said;
  return sayingsOf(own).said.some(([, ours], index) => ours !== theirs[index]?.[1]);
}

function reportOn(
  object: Entry,
  rival: Entry,
  { host, index }: { readonly host: string; readonly index: number },
  topology: Topology,
): Report {
  const found = differences(object, rival);
  const [ours, theirs] = [sayingsOf(object).ports, sayingsOf(rival).ports];
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
