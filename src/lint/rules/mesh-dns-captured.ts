import type { FieldPath } from "../../model/field-path.ts";
import type { Kind, Kinds } from "../../model/kinds.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import { someOf } from "../attachment/covered-listeners.ts";
import { egressOwner } from "../attachment/egress-owners.ts";
import { type Bypass, dnsBypasses } from "../mesh/dns-capture.ts";
import { defineRule, type Report } from "../rule.ts";

type Judged = Kinds["ServiceEntry" | "Namespace" | "Pod" | "ProxyConfig" | "ConfigMap"];

/** A Topology is immutable, and every object of it asks: by the object that completes each bypass. */
const known = new WeakMap<Topology, ReadonlyMap<Kinds[Kind], readonly Bypass[]>>();

/** Grouped by the one of their objects that was read last, as `readLast` chooses it, in one pass for all. */
function bypassesOf(topology: Topology): ReadonlyMap<Kinds[Kind], readonly Bypass[]> {
  const cached = known.get(topology);
  if (cached !== undefined) return cached;
  const orderOf = (object: Kinds[Kind]): number => topology.positionOf(object);
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

/** How pods get their own DNS back. */
const release = ({ path }: Bypass): string =>
  path.at(-1) === "istio.io/dataplane-mode"
    ? '`ambient.istio.io/dns-capture: "false"`'
    : '`proxy.istio.io/config: \'{"proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "false"}}\'`';

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
      ...(object === first.by && first.range !== undefined ? { range: first.range } : {}),
      ...(bypasses.every(({ audit }) => audit) ? { severity: "warning" as const } : {}),
      message: `the mesh answers pods of namespace ${someOf(namespaces)} for ${someOf(hosts)} with an address of its own, so their requests go straight out, past egress gateway \`${home}/${owner?.gateway.name ?? ""}\``,
      hint: `Set \`exportTo: [${home === first.entry.metadata.namespace ? '"."' : home}]\` on ServiceEntry ${someOf(entries)}; or leave DNS to the pods, by the annotation ${release(first)}.`,
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
const CAPTURE = "ISTIO_META_DNS_CAPTURE";
const sidecar = (value: string): string =>
  `annotations: {proxy.istio.io/config: '{"proxyMetadata": {"${CAPTURE}": "${value}"}}'}`;
const SIDECARS = `${OPTED}, istio-injection: enabled`;

const proxyConfig = (home: string, value = "true", selector = ""): string => `
        ---
        apiVersion: networking.istio.io/v1beta1
        kind: ProxyConfig
        metadata: {namespace: ${home}, name: dns}
        spec: {${selector}environmentVariables: {${CAPTURE}: "${value}"}}`;

const SELECTED = "selector: {matchLabels: {app: client}}, ";

const mesh = (line: string, name = "istio"): string => `
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {namespace: istio-system, name: ${name}}
        data:
          mesh: |
            defaultConfig:
              proxyMetadata:
                ${line}`;

const ON = `${CAPTURE}: "true"`;
const VARIABLE = `spec.environmentVariables.${CAPTURE}`;

export const rule = defineRule({
  id: "mesh-dns-captured",
  kinds: ["ServiceEntry", "Namespace", "Pod", "ProxyConfig", "ConfigMap"],
  reads: ["Gateway", "HTTPRoute", "GRPCRoute", "DNSPolicy", "Secret", "Service"],
  severity: "error",
  scope: "conflict",
  title: "The mesh answers for an egress host before Sluice's resolver is asked",
  why: "In a pod whose DNS the mesh captures, the local proxy answers for every host that has a ServiceEntry in sight; only other names reach the resolver. The pod gets an address of the mesh and leaves past the egress gateway, without any policy.",
  fix: "Let the ServiceEntry be seen by the egress gateway's namespace only (`exportTo`), or keep the mesh away from the pods' DNS.",
  sources: [
    "istio manifests/charts/istio-cni/values.yaml: ambient.dnsCapture is true by default",
    "Istio reference, ServiceEntry exportTo; pod annotation ambient.istio.io/dns-capture; DNS proxying for sidecars",
    "istio pilot/pkg/model/proxy_config.go: a pod's annotation, ProxyConfigs that select it, of its namespace, of the root namespace, then meshConfig.defaultConfig",
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
      finds: [{ path: 'metadata.annotations["proxy.istio.io/config"]', text: `${CAPTURE}": "true"` }],
      yaml: GATEWAY + entry() + namespace(OPTED) + pod(sidecar("true")),
    },
    {
      name: "a ProxyConfig of the namespace that has sidecars capture DNS",
      finds: [{ path: VARIABLE }],
      yaml: GATEWAY + entry() + namespace(SIDECARS) + proxyConfig("team-a"),
    },
    {
      name: "a ProxyConfig for the whole mesh",
      finds: [{ path: VARIABLE }],
      yaml: GATEWAY + entry() + namespace(SIDECARS) + proxyConfig("istio-system"),
    },
    {
      name: "a ProxyConfig that selects the pod, although the namespace's turns it off",
      finds: [{ path: VARIABLE }],
      yaml:
        GATEWAY +
        entry() +
        namespace(SIDECARS) +
        pod("labels: {app: client}") +
        proxyConfig("team-a", "false") +
        proxyConfig("team-a", "true", SELECTED).replace("name: dns", "name: client"),
    },
    {
      name: "the default of the whole mesh",
      finds: [{ path: "data.mesh", text: ON }],
      yaml: GATEWAY + entry() + namespace(SIDECARS) + mesh(ON),
    },
    {
      name: "the default of the revision that the namespace names",
      finds: [{ path: "data.mesh", text: ON }],
      yaml: GATEWAY + entry() + namespace(`${OPTED}, istio.io/rev: canary`) + mesh(ON, "istio-canary"),
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
      name: "a default of the mesh that the namespace's ProxyConfig turns off",
      yaml: GATEWAY + entry() + namespace(SIDECARS) + mesh(ON) + proxyConfig("team-a", "false"),
    },
    {
      name: "a default of the mesh that the pod's annotation turns off",
      yaml: GATEWAY + entry() + namespace(SIDECARS) + mesh(ON) + pod(sidecar("false")),
    },
    { name: "a setting in a comment", yaml: GATEWAY + entry() + namespace(SIDECARS) + mesh(`OTHER: a # ${ON}`) },
    {
      name: "a default of the mesh and a namespace without sidecars",
      yaml: GATEWAY + entry() + namespace(OPTED) + mesh(ON) + proxyConfig("istio-system"),
    },
    {
      name: "a ProxyConfig that selects other pods, and one of another namespace",
      yaml:
        GATEWAY +
        entry() +
        namespace(SIDECARS) +
        pod("labels: {app: other}") +
        proxyConfig("team-a", "true", SELECTED) +
        proxyConfig("team-b"),
    },
    {
      name: "the default of another revision",
      yaml: GATEWAY + entry() + namespace(SIDECARS) + mesh(ON, "istio-canary"),
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
