import { isDeepStrictEqual } from "node:util";
import type { Mend } from "../../model/edit.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { normalizeHostname } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import {
  destinationRulesFor,
  ISTIO_ROOT_NAMESPACE,
  isExportedTo,
  type Transport,
  upstreamTransport,
} from "../../model/transport.ts";
import { defineRule, type Report } from "../rule.ts";
import { backendsFor, backendsSpeltLike, type ProxiedBackend } from "../upstream/proxied-backends.ts";

type DestinationRule = Kinds["DestinationRule"];
type Resolved = Extract<Transport, { readonly status: "resolved" }>;

/** One connection of a gateway for which the rule was written, as it is without the rule's settings. */
type Connection = { readonly backend: ProxiedBackend; readonly transport: Resolved };

/**
 * Judged from the gateways' view only: a rule that some gateway uses is well placed, and one beside TLS settings that
 * a gateway has already may be for the sidecars of its namespace.
 */
function check(object: DestinationRule, topology: Topology): readonly Report[] {
  const host = object.spec?.host ?? "";
  if (host === "" || !originatesTls(object)) return [];
  const meant = connectionsOf(backendsFor([host], topology), topology);
  if (meant.length === 0) return misspelt(object, topology);
  if (meant.some(({ transport: { tls } }) => "by" in tls && tls.by.rule === object)) return [];
  for (const connection of meant) {
    const report = notUsed(object, connection, topology);
    if (report !== undefined) return [report];
  }
  return [];
}

const originatesTls = ({ spec }: DestinationRule): boolean =>
  [spec?.trafficPolicy, ...(spec?.trafficPolicy?.portLevelSettings ?? [])].some(
    (policy) => policy?.tls?.mode === "SIMPLE" || policy?.tls?.mode === "MUTUAL",
  );

const connectionsOf = (backends: readonly ProxiedBackend[], { objects }: Topology): readonly Connection[] =>
  backends.flatMap((backend) => {
    const transport = upstreamTransport(backend, backend.proxy, objects);
    return transport.status === "resolved" ? [{ backend, transport }] : [];
  });

function notUsed(object: DestinationRule, connection: Connection, { objects }: Topology): Report | undefined {
  const { backend, transport } = connection;
  const { namespace } = object.metadata;
  const { namespace: gatewayNamespace } = backend.proxy;
  const entryNamespace = transport.entry.metadata.namespace;
  const plain = transport.tls.status === "plaintext";
  if (![gatewayNamespace, entryNamespace, ISTIO_ROOT_NAMESPACE].includes(namespace)) {
    const reason = `it is in \`${namespace}\`, and a gateway looks in its own namespace, the ServiceEntry's and the root namespace only`;
    return plain ? unusedReport(["metadata", "namespace"], reason, connection) : undefined;
  }
  if (!isExportedTo(object.spec?.exportTo, namespace, gatewayNamespace)) {
    const reason = `its \`exportTo\` leaves out namespace \`${gatewayNamespace}\``;
    return plain ? unusedReport(["spec", "exportTo"], reason, connection) : undefined;
  }
  const considered = destinationRulesFor(backend.host, entryNamespace, gatewayNamespace, objects);
  const winner = "by" in transport.tls ? transport.tls.by.rule : undefined;
  if (considered.includes(object) && object.spec?.workloadSelector !== undefined) {
    const reason = "its `workloadSelector` does not select the gateway's pods";
    return plain
      ? { ...unusedReport(["spec", "workloadSelector"], reason, connection), severity: "warning" }
      : undefined;
  }
  return winner === undefined ? undefined : shadowedBy(winner, object, connection);
}

function unusedReport(path: FieldPath, reason: string, { backend, transport }: Connection): Report {
  const { host, proxy, route } = backend;
  return {
    path,
    message: `gateway \`${formatName(proxy)}\` never uses this DestinationRule (${reason}): TLS to ${host} is not originated`,
    hint: `Create it in namespace \`${proxy.namespace}\`.`,
    related: [
      { object: refOf(route), path: [...backend.path, "name"], message: "this route sends requests to the host" },
      { object: refOf(transport.entry), path: ["spec", "hosts"], message: "this ServiceEntry defines the host" },
    ],
  };
}

/** Another rule for the same host comes first; two that say the same do no harm. */
function shadowedBy(
  winner: DestinationRule,
  object: DestinationRule,
  { backend: { proxy, host } }: Connection,
): Report | undefined {
  const same = isDeepStrictEqual(winner.spec?.trafficPolicy, object.spec?.trafficPolicy);
  if (winner.spec?.host !== object.spec?.host || same) return undefined;
  const how =
    winner.metadata.namespace === object.metadata.namespace
      ? "the older one of a namespace gives the traffic policy"
      : `it looks in namespace \`${winner.metadata.namespace}\` first`;
  return {
    path: ["spec", "host"],
    severity: "warning",
    message: `gateway \`${formatName(proxy)}\` takes its settings for ${host} from DestinationRule \`${formatName(winner.metadata)}\` (${how}): those here have no effect on it`,
    hint: "Keep one DestinationRule for the host, in the gateway's namespace.",
    related: [{ object: refOf(winner), path: ["spec", "host"], message: "this one is used" }],
  };
}

/** Letter case or a trailing dot, and nothing else. */
const spelled = (host: string): Mend => ({
  title: `write the host as \`${host}\``,
  edits: [{ op: "set", path: ["spec", "host"], value: host }],
});

/** A host that nobody calls under that spelling: another case, a dot at its end, or a short name. */
function misspelt(object: DestinationRule, topology: Topology): readonly Report[] {
  const host = object.spec?.host ?? "";
  const isService = topology.objects.get("Service", object.metadata.namespace, host) !== undefined;
  const near = backendsSpeltLike(host, topology).filter((backend) =>
    host.includes(".")
      ? normalizeHostname(backend.host) === normalizeHostname(host)
      : !isService && backend.host.split(".").includes(host.toLowerCase()),
  );
  const wanting = connectionsOf(near, topology).find(({ transport }) => transport.tls.status === "plaintext");
  if (wanting === undefined) return [];
  const { backend } = wanting;
  const meaning = host.includes(".")
    ? "Istio compares host names letter by letter"
    : `Istio takes a short name for the Service \`${host}.${object.metadata.namespace}\``;
  return [
    {
      path: ["spec", "host"],
      severity: "warning",
      message: `gateway \`${formatName(backend.proxy)}\` never uses this DestinationRule (${meaning}): TLS to ${backend.host} is not originated`,
      hint: `Write \`host: ${backend.host}\`.`,
      ...(host.includes(".") ? { mend: spelled(backend.host) } : {}),
    },
  ];
}

const entry = (namespace = "gateway-system"): string => `
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: ${namespace}, name: openai}
        spec: {hosts: [api.openai.com], resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: gateway-system, name: openai}
        spec:
          parentRefs: [{name: egress}]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]`;

const destination = (metadata: string, fields = "", host = "api.openai.com"): string => `
        ---
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {${metadata}}
        spec: {host: ${host}, ${fields}trafficPolicy: {tls: {mode: SIMPLE, subjectAltNames: [api.openai.com]}}}`;

const HOME = "namespace: gateway-system, name: openai";
const TEAM = "namespace: team-a, name: openai";

const OLDER = `
        ---
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {namespace: gateway-system, name: openai-old, creationTimestamp: "2026-01-01T00:00:00Z"}
        spec: {host: api.openai.com, trafficPolicy: {tls: {mode: SIMPLE, sni: api.openai.com}}}`;

const selecting = (name: string): string =>
  `workloadSelector: {matchLabels: {gateway.networking.k8s.io/gateway-name: ${name}}}, `;

export const rule = defineRule({
  id: "destinationrule-not-applied",
  kinds: ["DestinationRule"],
  reads: ["ServiceEntry", "HTTPRoute", "GRPCRoute", "Gateway", "Service", "BackendTLSPolicy"],
  severity: "error",
  scope: "conflict",
  title: "TLS settings that the egress gateway never uses",
  why: "The DestinationRule is there and looks right, but the gateway does not find it, or finds another one first. TLS is originated on paper only, and requests fail or leave in clear.",
  fix: "Create the DestinationRule in the gateway's namespace, for the exact host.",
  sources: [
    "istio pilot/pkg/model/push_context.go and destination_rule.go: where a proxy looks, and in which order",
    "Istio analyzers IST0101 and IST0174",
    "Observed on a real istiod and Envoy: in a third namespace, or for another host, 503; in the ServiceEntry's namespace, 200",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "a rule in the application's namespace",
      finds: [{ path: "metadata.namespace" }],
      yaml: entry() + destination(TEAM),
    },
    {
      name: "a rule beside the ServiceEntry that it keeps to itself",
      finds: [{ path: "spec.exportTo" }],
      yaml: entry("team-a") + destination(TEAM, 'exportTo: ["."], '),
    },
    {
      name: "an older rule for the same host and namespace",
      finds: [{ path: "spec.host", severity: "warning" }],
      yaml: entry() + OLDER + destination(`${HOME}, creationTimestamp: "2026-02-01T00:00:00Z"`),
    },
    {
      name: "a rule beside the ServiceEntry, and another at the gateway",
      finds: [{ path: "spec.host", severity: "warning" }],
      yaml: entry("team-a") + OLDER + destination(TEAM),
    },
    {
      name: "a selector that means another gateway",
      finds: [{ path: "spec.workloadSelector", severity: "warning" }],
      yaml: entry() + destination(HOME, selecting("other")),
    },
    {
      name: "a short name",
      finds: [{ path: "spec.host", severity: "warning" }],
      yaml: entry() + destination(HOME, "", "openai"),
    },
    {
      name: "the host in another case",
      finds: [{ path: "spec.host", severity: "warning", mended: "api.openai.com" }],
      yaml: entry() + destination(HOME, "", "API.OpenAI.com"),
    },
  ],
  good: [
    { name: "the gateway's namespace", yaml: entry() + destination(HOME) },
    { name: "the ServiceEntry's namespace, for everybody", yaml: entry("team-a") + destination(TEAM) },
    {
      name: "the root namespace",
      yaml: entry() + destination(`namespace: ${ISTIO_ROOT_NAMESPACE}, name: openai`),
    },
    {
      name: "a rule for sidecars, next to the one of the gateway",
      yaml: entry() + destination(HOME) + destination(TEAM),
    },
    { name: "a selector that means this gateway", yaml: entry() + destination(HOME, selecting("egress")) },
    { name: "a host that no gateway sends to", yaml: entry() + destination(TEAM, "", "api.github.com") },
    {
      name: "a short name that is a Service",
      yaml: `${entry()}${destination(HOME, "", "openai")}
        ---
        apiVersion: v1
        kind: Service
        metadata: {namespace: gateway-system, name: openai}
        spec: {clusterIP: 10.96.0.30}`,
    },
  ],
});
