import type { Mend } from "../../model/edit.ts";
import { type FieldPath, formatPath } from "../../model/field-path.ts";
import { entriesNear } from "../../model/host-lookup.ts";
import type { Kinds } from "../../model/kinds.ts";
import { formatName } from "../../model/object-ref.ts";
import { refOf, type Topology } from "../../model/topology.ts";
import {
  covers,
  isClusterHost,
  type RuleField,
  type UpstreamBackend,
  type UpstreamProxy,
  upstreamTransport,
} from "../../model/transport.ts";
import { waypointBinding } from "../../model/waypoint-binding.ts";
import { readLast } from "../arrival.ts";
import { defineRule, type Report } from "../rule.ts";
import { backendsFor } from "../upstream/proxied-backends.ts";

type Entry = Kinds["ServiceEntry"];
type Judged = Entry | Kinds["DestinationRule"];

/** One port whose traffic is encrypted for a server that does not expect it. */
type Mismatch = {
  readonly host: string;
  readonly entry: Entry;
  readonly portIndex: number;
  readonly by: RuleField;
  /** Whether it is open that anybody uses the port: no route or waypoint leads there, and another port is right. */
  readonly unsure: boolean;
  /** `plain-port`: the other end speaks plain HTTP. `twice`: the client has encrypted already. */
  readonly fault: { readonly kind: "plain-port"; readonly dialled: number } | { readonly kind: "twice" };
};

const PLAIN_PORTS = new Set([80, 8080]);
const TLS_PROTOCOLS = new Set(["HTTPS", "TLS"]);

/** A mismatch needs a ServiceEntry and a DestinationRule, and is reported on the one that was read last (arrival.ts). */
function check(object: Judged, topology: Topology): readonly Report[] {
  const patterns = object.kind === "ServiceEntry" ? (object.spec?.hosts ?? []) : [object.spec?.host ?? ""];
  const entries = object.kind === "ServiceEntry" ? [object] : entriesNear(patterns, topology.objects);
  const found = entries
    .flatMap((entry) => mismatchesOf(entry, patterns, topology))
    .filter(
      ({ entry, by }) => (object === entry || object === by.rule) && readLast([entry, by.rule], topology) === object,
    )
    .map((mismatch) => reportOn(object, mismatch));
  return [...new Map(found.map((report) => [formatPath(report.path), report])).values()];
}

function mismatchesOf(entry: Entry, patterns: readonly string[], topology: Topology): readonly Mismatch[] {
  const hosts = (entry.spec?.hosts ?? []).filter(
    (host) =>
      !isClusterHost(host, topology.settings.clusterDomain) &&
      patterns.some((pattern) => covers(pattern, host) || covers(host, pattern)),
  );
  if (hosts.length === 0) return [];
  const backends = backendsFor(hosts, topology);
  const routed = backends.flatMap(({ proxy, ...backend }) => mismatchAt(backend, proxy, entry, false, topology));
  if (backends.length > 0) return routed;
  const client = clientOf(entry, topology);
  const unsure = !client.waypoint && (entry.spec?.ports ?? []).some((port) => !PLAIN_PORTS.has(dialledBy(port)));
  return hosts.flatMap((host) =>
    (entry.spec?.ports ?? []).flatMap(({ number: port = 0 }) =>
      mismatchAt({ host, port }, client.proxy, entry, client.waypoint, topology).map((found) => ({ ...found, unsure })),
    ),
  );
}

const dialledBy = ({ number = 0, targetPort = number }: { number?: number; targetPort?: number }): number => targetPort;

/** Who opens the connections where no route leads: the waypoint, else the sidecars of the entry's own namespace. */
function clientOf(entry: Entry, { objects }: Topology): { readonly proxy: UpstreamProxy; readonly waypoint: boolean } {
  const binding = waypointBinding(entry, objects);
  if (binding.status !== "asked") {
    return { proxy: { namespace: entry.metadata.namespace, name: "", gateway: undefined }, waypoint: false };
  }
  const { namespace, name } = binding;
  return { proxy: { namespace, name, gateway: objects.get("Gateway", namespace, name) }, waypoint: true };
}

function mismatchAt(
  { host, port }: UpstreamBackend,
  proxy: UpstreamProxy,
  entry: Entry,
  waypoint: boolean,
  { objects }: Topology,
): readonly Mismatch[] {
  const transport = upstreamTransport({ host, port }, proxy, objects);
  if (transport.status !== "resolved" || transport.entry !== entry) return [];
  const { portIndex, dialled, tls } = transport;
  if (tls.status !== "originated") return [];
  const at = { host, entry, portIndex, by: tls.by, unsure: false };
  const plain = dialled.find((number) => PLAIN_PORTS.has(number));
  const { protocol = "" } = entry.spec?.ports?.[portIndex] ?? {};
  const isTls = TLS_PROTOCOLS.has(protocol.toUpperCase());
  if (plain !== undefined && !isTls) return [{ ...at, fault: { kind: "plain-port", dialled: plain } }];
  return waypoint && isTls ? [{ ...at, fault: { kind: "twice" } }] : [];
}

function reportOn(object: Judged, mismatch: Mismatch): Report {
  const { host, entry, portIndex, by, unsure, fault } = mismatch;
  const mend = mendFor(mismatch);
  const { number = 0, targetPort } = entry.spec?.ports?.[portIndex] ?? {};
  const field = fault.kind === "twice" ? "protocol" : targetPort === undefined ? "number" : ("targetPort" as const);
  const port: FieldPath = ["spec", "ports", portIndex, field];
  const several = (entry.spec?.ports ?? []).length > 1;
  const message =
    fault.kind === "twice"
      ? `callers encrypt to ${host}:${number} by themselves, and DestinationRule \`${formatName(by.rule.metadata)}\` encrypts it again: the handshake fails and requests get 503`
      : `TLS is originated to ${host}:${fault.dialled}, a port on which servers speak plain HTTP: requests fail with 503`;
  const onEntry = object === entry;
  return {
    path: onEntry ? port : by.path,
    ...(unsure ? { severity: "warning" as const } : {}),
    message,
    hint: hintFor(fault.kind, number, several),
    related: [
      onEntry
        ? { object: refOf(by.rule), path: by.path, message: "TLS is originated here" }
        : { object: refOf(entry), path: port, message: "the port is declared here" },
    ],
    ...(mend === undefined ? {} : { mend }),
  };
}

/** Port 80 is HTTP's, so that 443 is meant; with several ports, or another one, the settings may be what is wrong. */
function mendFor({ entry, portIndex, fault, unsure }: Mismatch): Mend | undefined {
  const ports = entry.spec?.ports ?? [];
  if (fault.kind !== "plain-port" || fault.dialled !== 80 || unsure || ports.length !== 1) return undefined;
  const { number = 0 } = ports[portIndex] ?? {};
  const path = ["spec", "ports", portIndex, "targetPort"];
  return {
    title: `set \`targetPort: 443\` on port ${number}`,
    edits: [{ op: "set", path, value: 443, object: refOf(entry) }],
  };
}

function hintFor(kind: Mismatch["fault"]["kind"], number: number, several: boolean): string {
  if (kind === "twice") {
    return `Let callers send plain HTTP (\`{number: 80, name: http, protocol: HTTP, targetPort: 443}\`), or take \`tls\` out for port ${number}.`;
  }
  const target = `Set \`targetPort: 443\` on port ${number} of the ServiceEntry`;
  return several
    ? `${target}, or originate TLS only where it belongs: move \`tls\` to \`portLevelSettings\` with \`port: {number: 443}\`.`
    : `${target}, or declare \`number: 443\`.`;
}

const entry = (ports: string, labels = ""): string => `
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {namespace: istio-egress, name: httpbin${labels}}
        spec: {hosts: [httpbin.org], resolution: DNS, ports: [${ports}]}
        ---`;

const destination = (policy = "tls: {mode: SIMPLE}"): string => `
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {namespace: istio-egress, name: httpbin}
        spec: {host: httpbin.org, trafficPolicy: {${policy}}}
        ---`;

const route = (port: number): string => `
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {namespace: istio-egress, name: httpbin}
        spec:
          parentRefs: [{name: egress}]
          rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: httpbin.org, port: ${port}}]}]
        ---`;

const HTTP = "{number: 80, name: http, protocol: HTTP}";
const HTTPS = "{number: 443, name: https, protocol: HTTPS}";
const BOUND = ", labels: {istio.io/use-waypoint: egress-waypoint}";

export const rule = defineRule({
  id: "tls-origination-wrong-port",
  kinds: ["ServiceEntry", "DestinationRule"],
  reads: ["ServiceEntry", "DestinationRule", "HTTPRoute", "GRPCRoute", "Gateway", "Namespace", "BackendTLSPolicy"],
  severity: "error",
  scope: "conflict",
  title: "TLS is originated to a port that does not expect it",
  why: "The DestinationRule starts TLS on whatever port the ServiceEntry dials. A port of plain HTTP, or a stream that is encrypted already, breaks the handshake, and every request fails.",
  fix: "Dial the TLS port: `{number: 80, name: http, protocol: HTTP, targetPort: 443}`, or `number: 443`.",
  sources: [
    "Istio task: Egress TLS Origination, which maps port 80 to target port 443",
    "Kuadrant user guide, ambient egress, TLS step: `targetPort: 443`",
    "Observed on a real istiod and Envoy: port 80 with targetPort 443 and SIMPLE reached the host over TLS",
  ],
  since: "0.2.0",

  check,

  bad: [
    {
      name: "TLS to port 80",
      finds: [{ path: "spec.trafficPolicy.tls.mode", mended: "ServiceEntry httpbin spec.ports[0].targetPort: 443" }],
      yaml: entry(HTTP) + destination(),
    },
    {
      name: "a port 80 that is declared after the TLS settings, for a waypoint",
      finds: [{ path: "spec.ports[0].number", mended: "spec.ports[0].targetPort: 443" }],
      yaml: destination() + entry(HTTP, BOUND),
    },
    {
      name: "TLS for the whole host, of which a route uses port 80",
      finds: [{ path: "spec.trafficPolicy.tls.mode" }],
      yaml: entry(`${HTTPS}, ${HTTP}`) + route(80) + destination(),
    },
    {
      name: "TLS for both ports of a host that no route uses yet",
      finds: [{ path: "spec.trafficPolicy.tls.mode", severity: "warning" }],
      yaml: entry(`${HTTPS}, ${HTTP}`) + destination(),
    },
    {
      name: "a target port that is plain as well",
      finds: [{ path: "spec.ports[0].targetPort" }],
      yaml: destination() + entry("{number: 80, name: http, protocol: HTTP, targetPort: 8080}"),
    },
    {
      name: "a stream behind a waypoint that callers encrypt themselves",
      finds: [{ path: "spec.ports[0].protocol" }],
      yaml: destination() + entry(HTTPS, BOUND),
    },
  ],
  good: [
    {
      name: "port 80 that dials 443",
      yaml: entry("{number: 80, name: http, protocol: HTTP, targetPort: 443}", BOUND) + destination(),
    },
    { name: "port 443 behind a gateway's route", yaml: entry(HTTPS) + destination() + route(443) },
    {
      name: "another TLS port",
      yaml: entry("{number: 8443, name: https, protocol: HTTPS}") + destination() + route(8443),
    },
    {
      name: "TLS for the port that has it",
      yaml:
        entry(`${HTTPS}, ${HTTP}`) +
        route(80) +
        destination("portLevelSettings: [{port: {number: 443}, tls: {mode: SIMPLE}}]"),
    },
    {
      name: "two ports of which the route uses the right one",
      yaml: entry(`${HTTPS}, ${HTTP}`) + route(443) + destination(),
    },
    { name: "plain HTTP without TLS settings", yaml: entry(HTTP) + destination("tls: {mode: DISABLE}") },
  ],
});
