import { allRoutes, type Route } from "../../model/attachment.ts";
import type { FieldPath } from "../../model/field-path.ts";
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

/** A Topology is immutable and every object of it asks the same, so that each is read once. */
const known = new WeakMap<Topology, readonly ProxiedBackend[]>();

/** The Hostname backends that gateways serve, waypoints and names of the cluster itself left out. */
export function proxiedBackends(topology: Topology): readonly ProxiedBackend[] {
  const cached = known.get(topology);
  if (cached !== undefined) return cached;
  const found = allRoutes(topology.objects).flatMap((route) => backendsOf(route, topology));
  known.set(topology, found);
  return found;
}

function backendsOf(route: Route, topology: Topology): readonly ProxiedBackend[] {
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

/** Those of them whose host is one that a ServiceEntry or DestinationRule means by its names. */
export const backendsFor = (patterns: readonly string[], topology: Topology): readonly ProxiedBackend[] =>
  proxiedBackends(topology).filter(({ host }) => patterns.some((pattern) => covers(pattern, host)));
