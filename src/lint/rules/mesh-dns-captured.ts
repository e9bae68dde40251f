import type { FieldPath } from "../../model/field-path.ts";
import type { Kind, Kinds } from "../../model/kinds.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { someOf } from "../attachment/covered-listeners.ts";
import { egressOwner } from "../attachment/egress-owners.ts";
import { type Bypass, dnsBypasses } from "../mesh/dns-capture.ts";
import { defineRule, type Report } from "../rule.ts";

type Judged = Kinds["ServiceEntry" | "Namespace" | "Pod"];

/** A Topology is immutable, and every object of it asks: by the object that completes each bypass. */
const known = new WeakMap<Topology, ReadonlyMap<Kinds[Kind], readonly Bypass[]>>();

/** Grouped by the one of their objects that was read last, as `readLast` chooses it, in one pass for all. */
function bypassesOf(topology: Topology): ReadonlyMap<Kinds[Kind], readonly Bypass[]> {
  const cached = known.get(topology);
  if (cached !== undefined) return cached;
  const order = new Map(topology.decoded.map(({ object }, index) => [object, index]));
  const orderOf = (object: Kinds[Kind]): number => order.get(object) ?? -1;
  const grouped = Map.groupBy(dnsBypasses(topology), ({ entry, namespace, by }) =>
    [entry, namespace, by].reduce<Kinds[Kind]>((last, one) => (orderOf(one) > orderOf(last) ? one : last), entry),
  );
  known.set(topology, grouped);
  return grouped;
}

const unique = <T>(values: readonly T[]): readonly T[] => [...new Set(values)];

/** Where the object that completes a bypass can mend it. */
function pathIn(object: Judged, { entry, by, path, hosts }: Bypass): FieldPath {
  if (object === entry) {
    const { exportTo = [], hosts: all = [] } = entry.spec ?? {};
    return exportTo.length > 0 ? ["spec", "exportTo"] : ["spec", "hosts", all.indexOf(hosts[0] ?? "")];
  }
  return object === by ? path : ["metadata", "labels", "sluice.dev/egress"];
}

function check(object: Judged, topology: Topology): readonly Report[] {
  const bypasses = bypassesOf(topology).get(object) ?? [];
  const [first] = bypasses;
  if (first === undefined) return [];
  const hosts = unique(bypasses.flatMap((bypass) => bypass.hosts));
  const owner = egressOwner(hosts[0] ?? "", topology);
  const namespaces = unique(bypasses.map(({ namespace }) => `\`${namespace.metadata.name}\``));
  const entries = unique(bypasses.map(({ entry }) => `\`${entry.metadata.namespace}/${entry.metadata.name}\``));
  const home = owner?.gateway.namespace ?? first.entry.metadata.namespace;
  const places = bypasses.flatMap(({ entry, by, path }) => [
    { object: entry, path: ["spec", "hosts"], message: "the mesh answers by this" },
    { object: by, path, message: "this has the pods' DNS captured" },
  ]);
  const others = [...new Map(places.map((place) => [place.object, place])).values()];
  return [
    {
      path: pathIn(object, first),
      ...(bypasses.every(({ audit }) => audit) ? { severity: "warning" as const } : {}),
      message: `the mesh answers pods of namespace ${someOf(namespaces)} for ${someOf(hosts)} with an address of its own, so their requests go straight out, past egress gateway \`${home}/${owner?.gateway.name ?? ""}\``,
      hint: `Set \`exportTo: [${home === first.entry.metadata.namespace ? '"."' : home}]\` on ServiceEntry ${someOf(entries)}; or leave DNS to the pods, by the annotation \`ambient.istio.io/dns-capture: "false"\`.`,
      related: others
        .filter((place) => place.object !== object)
        .map((place) => ({ ...place, object: refOf(place.object) })),
    },
  ];
}

const GATEWAY = `
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {namespace: gateway-system, name: egress, labels: {sluice.dev/egress-gateway: "true"}}
        spec:
          gatewayClassName: istio
          listeners: [{name: openai, port: 80, protocol: HTTP, hostname: api.openai.com}]`;

const entry = (more = "", labels = "labels: {}"): string => `
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: gateway-system, name: openai, ${labels}}
        spec:
          hosts: [api.openai.com]
          ports: [{number: 443, name: https, protocol: HTTPS}]
          resolution: DNS${more}`;

const namespace = (labels: string): string => `
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: team-a, labels: {${labels}}}`;

const pod = (metadata: string): string => `
        ---
        apiVersion: v1
        kind: Pod
        metadata: {namespace: team-a, name: client, ${metadata}}
        spec: {containers: [{name: client}]}`;

const OPTED = "sluice.dev/egress: enabled";
const AMBIENT = `${OPTED}, istio.io/dataplane-mode: ambient`;
const SIDECAR = `annotations: {proxy.istio.io/config: '{"proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true"}}'}`;

export const rule = defineRule({
  id: "mesh-dns-captured",
  kinds: ["ServiceEntry", "Namespace", "Pod"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute", "DNSPolicy", "Secret", "Service"],
  severity: "error",
  scope: "conflict",
  title: "The mesh answers for an egress host before Sluice's resolver is asked",
  why: "In a pod whose DNS the mesh captures, the local proxy answers for every host that has a ServiceEntry in sight; only other names reach the resolver. The pod gets an address of the mesh and leaves past the egress gateway, without any policy.",
  fix: "Let the ServiceEntry be seen by the egress gateway's namespace only (`exportTo`), or keep the mesh away from the pods' DNS.",
  sources: [
    "istio manifests/charts/istio-cni/values.yaml: ambient.dnsCapture is true by default",
    "Istio reference, ServiceEntry exportTo; pod annotation ambient.istio.io/dns-capture; DNS proxying for sidecars",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "an ambient namespace and an entry that everybody sees",
      finds: [{ path: "spec.hosts[0]" }],
      yaml: GATEWAY + namespace(AMBIENT) + entry(),
    },
    {
      name: "the same, the Namespace read last",
      finds: [{ path: 'metadata.labels["istio.io/dataplane-mode"]' }],
      yaml: GATEWAY + entry() + namespace(AMBIENT),
    },
    {
      name: "an entry that is exported to the namespace by name",
      finds: [{ path: "spec.exportTo" }],
      yaml: GATEWAY + namespace(AMBIENT) + entry("\n          exportTo: [., team-a]"),
    },
    {
      name: "a sidecar that captures DNS",
      finds: [{ path: 'metadata.annotations["proxy.istio.io/config"]' }],
      yaml: GATEWAY + entry() + namespace(OPTED) + pod(SIDECAR),
    },
    {
      name: "a namespace that is only watched so far",
      finds: [{ path: "spec.hosts[0]", severity: "warning" }],
      yaml: GATEWAY + namespace(AMBIENT.replace("enabled", "audit")) + entry(),
    },
  ],
  good: [
    {
      name: "an entry for its own namespace only",
      yaml: GATEWAY + namespace(AMBIENT) + entry('\n          exportTo: ["."]'),
    },
    {
      name: "a namespace that is not in the mesh",
      yaml: GATEWAY + namespace(OPTED) + entry() + pod("labels: {app: client}"),
    },
    {
      name: "a namespace that has not opted in",
      yaml: GATEWAY + namespace("istio.io/dataplane-mode: ambient") + entry(),
    },
    {
      name: "pods that keep their own DNS",
      yaml: GATEWAY + namespace(AMBIENT) + entry() + pod('annotations: {ambient.istio.io/dns-capture: "false"}'),
    },
    {
      name: "an entry that a waypoint carries",
      yaml: GATEWAY + namespace(AMBIENT) + entry("", "labels: {istio.io/use-waypoint: egress-waypoint}"),
    },
    {
      name: "an entry without an address to answer with",
      yaml: GATEWAY + namespace(AMBIENT) + entry().replace("resolution: DNS", "resolution: NONE"),
    },
    {
      name: "another host",
      yaml: GATEWAY + namespace(AMBIENT) + entry().replace("[api.openai.com]", "[api.github.com]"),
    },
  ],
});
