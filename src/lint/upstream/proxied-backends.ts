import type { Route } from "../../model/attachment.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { routesCoveredBy, routesSpeltLike } from "../../model/host-lookup.ts";
import type { Topology } from "../../model/topology.ts";
import { covers, gatewayProxies, isClusterHost, isHostnameBackend, type UpstreamProxy } from "../../model/transport.ts";

/** One external host and port that a route reaches through the proxy of a gateway. */
export type ProxiedBackend = {
  readonly host: string;
  /** 0 when the backend names none, which is a mistake of its own. */
  readonly port: number;
  readonly proxy: UpstreamProxy;
  readonly route: Route;
  /** The backendRef. */
  readonly path: FieldPath;
};

/** Those whose host may be meant by a name that is spelt otherwise, or by one label of theirs. */
export const backendsSpeltLike = (host: string, topology: Topology): readonly ProxiedBackend[] =>
  routesSpeltLike(host, topology.objects).flatMap((route) => backendsOf(route, topology));

/** A Topology is immutable, and every object for a host asks for the same routes: each is read once. */
const known = new WeakMap<Topology, WeakMap<Route, readonly ProxiedBackend[]>>();

function backendsOf(route: Route, topology: Topology): readonly ProxiedBackend[] {
  const ofTopology = known.get(topology) ?? new WeakMap<Route, readonly ProxiedBackend[]>();
  const before = ofTopology.get(route);
  if (before !== undefined) return before;
  known.set(topology, ofTopology);
  const backends = readBackends(route, topology);
  ofTopology.set(route, backends);
  return backends;
}

function readBackends(route: Route, topology: Topology): readonly ProxiedBackend[] {
  const backends = (route.spec?.rules ?? []).flatMap(({ backendRefs = [] }, rule) =>
    backendRefs.flatMap((backend, index) => {
      const { name: host = "", port = 0, weight } = backend;
      const leaves = isHostnameBackend(backend) && !isClusterHost(host, topology.settings.clusterDomain);
      if (!leaves || host === "" || weight === 0) return [];
      const path: FieldPath = ["spec", "rules", rule, "backendRefs", index];
      return [{ host, port, route, path }];
    }),
  );
  if (backends.length === 0) return [];
  const proxies = gatewayProxies(route, topology);
  return backends.flatMap((backend) => proxies.map((proxy) => ({ ...backend, proxy })));
}

/**
 * The Hostname backends that gateways serve and whose host is one that a ServiceEntry or DestinationRule means by its
 * names; waypoints and names of the cluster itself left out.
 */
export const backendsFor = (patterns: readonly string[], topology: Topology): readonly ProxiedBackend[] =>
  routesCoveredBy(patterns, topology.objects)
    .flatMap((route) => backendsOf(route, topology))
    .filter(({ host }) => patterns.some((pattern) => covers(pattern, host)));
