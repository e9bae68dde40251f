import { normalizeHostname } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import type { Topology } from "../../model/topology.ts";

type Route = Kinds["HTTPRoute" | "GRPCRoute"];
type Routing = {
  readonly routes: ReadonlyMap<string, readonly Route[]>;
  readonly services: ReadonlyMap<string, readonly Kinds["VirtualService"][]>;
};

/** A Topology is immutable, and every entry asks for what routes it. */
const known = new WeakMap<Topology, Routing>();

function grouped<T>(pairs: readonly (readonly [key: string, item: T])[]): ReadonlyMap<string, readonly T[]> {
  const groups = Map.groupBy(pairs, ([key]) => key);
  return new Map([...groups].map(([key, members]) => [key, members.map(([, item]) => item)]));
}

function routingOf(topology: Topology): Routing {
  const cached = known.get(topology);
  if (cached !== undefined) return cached;
  const { objects } = topology;
  const routes: readonly Route[] = [...objects.of("HTTPRoute"), ...objects.of("GRPCRoute")];
  const routing: Routing = {
    routes: grouped(
      routes.flatMap((route) =>
        (route.spec?.parentRefs ?? [])
          .filter(({ kind }) => kind === "ServiceEntry")
          .map(({ namespace = route.metadata.namespace, name }) => [`${namespace}/${name}`, route] as const),
      ),
    ),
    services: grouped(
      objects
        .of("VirtualService")
        .filter(({ spec }) => (spec?.http ?? []).length > 0)
        .filter(({ spec }) => spec?.gateways === undefined || spec.gateways.includes("mesh"))
        .flatMap((service) =>
          (service.spec?.hosts ?? []).map((host) => [normalizeHostname(host) ?? host, service] as const),
        ),
    ),
  };
  known.set(topology, routing);
  return routing;
}

/** The routes whose parent is a ServiceEntry. */
export const routesOnEntry = ({ metadata }: Kinds["ServiceEntry"], topology: Topology): readonly Route[] =>
  routingOf(topology).routes.get(`${metadata.namespace}/${metadata.name}`) ?? [];

/** The VirtualServices of the mesh that route HTTP of exactly this host. */
export const virtualServicesOf = (host: string, topology: Topology): readonly Kinds["VirtualService"][] =>
  routingOf(topology).services.get(normalizeHostname(host) ?? host) ?? [];
