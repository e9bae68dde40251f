import { isListed, PRIVATE_NETWORKS } from "../../model/address.ts";
import type { Route } from "../../model/attachment.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { entriesCoveredBy, routesCoveredBy } from "../../model/host-lookup.ts";
import type { Kinds } from "../../model/kinds.ts";
import type { Topology } from "../../model/topology.ts";
import {
  covers,
  gatewayProxies,
  isClusterHost,
  isHostnameBackend,
  type Transport,
  type UpstreamProxy,
  type UpstreamTls,
  upstreamTransport,
} from "../../model/transport.ts";
import { waypointBinding } from "../../model/waypoint-binding.ts";
import { type UpstreamCredential, upstreamCredential } from "./upstream-credential.ts";

/** What makes a leak together. */
export type LeakingObject = Kinds["ServiceEntry" | "DestinationRule" | "HTTPRoute" | "GRPCRoute"];
export type LeakField = { readonly object: LeakingObject; readonly path: FieldPath };

/** One connection that leaves a proxy for the outside without TLS that a public server would accept. */
export type PlaintextLeak = {
  readonly host: string;
  readonly port: number;
  readonly proxy: UpstreamProxy;
  readonly transport: Extract<Transport, { readonly status: "resolved" }>;
  readonly tls: Exclude<UpstreamTls, { readonly status: "originated" | "policy" | "unknown" }>;
  readonly credential: UpstreamCredential | undefined;
  /** The route's backend (none behind a waypoint), the ServiceEntry's port, the DestinationRule's field if one applies. */
  readonly fields: readonly LeakField[];
};

/** Protocols that a waypoint reads; on others the client encrypts by itself. */
const PLAIN_HTTP_PROTOCOLS = new Set(["HTTP", "HTTP2", "GRPC", "GRPC-WEB"]);

/** The leaks that an object may take part in. */
export function plaintextLeaks(object: LeakingObject, topology: Topology): readonly PlaintextLeak[] {
  const { objects } = topology;
  if (object.kind === "HTTPRoute" || object.kind === "GRPCRoute") return routeLeaks(object, topology, () => true);
  const patterns = object.kind === "ServiceEntry" ? (object.spec?.hosts ?? []) : [object.spec?.host ?? ""];
  const concerns = (host: string): boolean => patterns.some((pattern) => covers(pattern, host));
  const entries = object.kind === "ServiceEntry" ? [object] : entriesCoveredBy(patterns, objects);
  return [
    ...routesCoveredBy(patterns, objects).flatMap((route) => routeLeaks(route, topology, concerns)),
    ...entries.flatMap((entry) => waypointLeaks(entry, topology, concerns)),
  ];
}

function routeLeaks(route: Route, topology: Topology, concerns: (host: string) => boolean): readonly PlaintextLeak[] {
  let known: ReturnType<typeof gatewayProxies> | undefined;
  // Asked for only by a backend that matters: most routes have none.
  const proxies = () => {
    known ??= gatewayProxies(route, topology);
    return known;
  };
  return (route.spec?.rules ?? []).flatMap(({ backendRefs = [] }, ruleIndex) =>
    backendRefs.flatMap((backend, index): readonly PlaintextLeak[] => {
      const { name: host = "", port, weight } = backend;
      if (!isHostnameBackend(backend) || port === undefined || weight === 0) return [];
      if (isClusterHost(host, topology.settings.clusterDomain) || !concerns(host)) return [];
      const field: LeakField = { object: route, path: ["spec", "rules", ruleIndex, "backendRefs", index, "port"] };
      return proxies().flatMap((proxy) => {
        const leak = leakAt({ host, port }, proxy, topology, [field]);
        return leak === undefined ? [] : [{ ...leak, credential: upstreamCredential(route, ruleIndex, topology) }];
      });
    }),
  );
}

/** Ports of a ServiceEntry that a waypoint carries, unless a gateway's route does. */
function waypointLeaks(
  entry: Kinds["ServiceEntry"],
  topology: Topology,
  concerns: (host: string) => boolean,
): readonly PlaintextLeak[] {
  const binding = waypointBinding(entry, topology.objects);
  if (binding.status !== "asked") return [];
  const { namespace, name } = binding;
  const proxy = { namespace, name, gateway: topology.objects.get("Gateway", namespace, name) };
  const hosts = (entry.spec?.hosts ?? []).filter(
    (host) => concerns(host) && !isClusterHost(host, topology.settings.clusterDomain) && !isRouted(host, topology),
  );
  return (entry.spec?.ports ?? []).flatMap(({ number: port, protocol = "" }) => {
    if (port === undefined || !PLAIN_HTTP_PROTOCOLS.has(protocol.toUpperCase())) return [];
    return hosts.flatMap((host) => {
      const leak = leakAt({ host, port }, proxy, topology, []);
      return leak?.transport.entry === entry ? [leak] : [];
    });
  });
}

/** Whether a route through a gateway's listener leads to the host: then it is no matter of waypoints. */
export const isRouted = (host: string, topology: Topology): boolean =>
  routesCoveredBy([host], topology.objects).some((route) => gatewayProxies(route, topology).length > 0);

function leakAt(
  backend: { readonly host: string; readonly port: number },
  proxy: UpstreamProxy,
  topology: Topology,
  fields: readonly LeakField[],
): PlaintextLeak | undefined {
  const transport = upstreamTransport(backend, proxy, topology.objects);
  if (transport.status !== "resolved" || !leavesCluster(transport.entry, topology)) return undefined;
  const { tls, entry, portIndex } = transport;
  if (tls.status === "originated" || tls.status === "policy" || tls.status === "unknown") return undefined;
  const port: LeakField = { object: entry, path: ["spec", "ports", portIndex] };
  const by: readonly LeakField[] = "by" in tls ? [{ object: tls.by.rule, path: tls.by.path }] : [];
  return { ...backend, proxy, transport, tls, credential: undefined, fields: [...fields, port, ...by] };
}

/** Whether an entry's connections go to somebody else: not inside the mesh, and not only to private endpoints. */
function leavesCluster({ spec }: Kinds["ServiceEntry"], topology: Topology): boolean {
  if (spec?.location === "MESH_INTERNAL") return false;
  const endpoints = (spec?.endpoints ?? []).map(({ address = "" }) => address);
  const isInside = (address: string): boolean =>
    address.startsWith("unix://") ||
    isListed(address, PRIVATE_NETWORKS) ||
    isClusterHost(address, topology.settings.clusterDomain);
  return endpoints.length === 0 || !endpoints.every(isInside);
}
