import type { Route } from "../../model/attachment.ts";
import { declaredRules, effectivePolicy } from "../../model/effective-policy.ts";
import { normalizeHostname } from "../../model/hostname.ts";
import type { Listener } from "../../model/kinds/gateway.ts";
import type { Kinds } from "../../model/kinds.ts";
import { pathsOf, policiesOn, type RoutePath } from "../../model/policy-target.ts";
import type { Topology } from "../../model/topology.ts";
import { type LeavingBackend, leavingBackends } from "../upstream/leaving-backends.ts";

/** A way out of the cluster. */
export type LeavingWay = { readonly way: RoutePath; readonly backends: readonly LeavingBackend[] };

/** The ways out through one egress gateway, by whether an AuthPolicy holds on them. */
export type Exits = {
  readonly open: ReadonlyMap<Route, readonly LeavingWay[]>;
  /** One way for each route. */
  readonly guarded: readonly LeavingWay[];
  /** The same by the name of the host that they lead to. */
  readonly guardedByHost: ReadonlyMap<string, readonly LeavingWay[]>;
};

/** A Topology is immutable and every route of it asks the same, so that each gateway is read once. */
const known = new WeakMap<Topology, Map<Kinds["Gateway"], Exits>>();

function exitsOn(gateway: Kinds["Gateway"], topology: Topology): Exits {
  const ofTopology = known.get(topology) ?? new Map<Kinds["Gateway"], Exits>();
  known.set(topology, ofTopology);
  const exits = ofTopology.get(gateway) ?? exitsAmong(pathsOf(topology.attachmentsOn(gateway)), topology);
  ofTopology.set(gateway, exits);
  return exits;
}

/** The ways out of one route through one egress gateway on which no AuthPolicy holds, and those of others that have one. */
export type RouteExits = {
  readonly open: readonly LeavingWay[];
  /** The first route with an AuthPolicy on its way out through the gateway, and to a host when one is given. */
  guardedBeside(host?: string): LeavingWay | undefined;
};

/** The ways out of a route, an entry for each of its egress gateways. */
export function routeExits(route: Route, topology: Topology): readonly RouteExits[] {
  const attachments = topology.attachmentsOf(route);
  const gateways = new Set(attachments.map(({ gateway }) => gateway));
  return [...gateways]
    .filter((gateway) => topology.egressGateways.includes(gateway))
    .map((gateway) => {
      const own = pathsOf(attachments.filter((attachment) => attachment.gateway === gateway));
      const { open } = exitsAmong(own, topology);
      // What others do is not changed by a change of this route, so that it is read once for all changes.
      const { topology: before, change } = topology.origin ?? {};
      const asBefore = before !== undefined && change?.after === route && before.egressGateways.includes(gateway);
      const others = (): Exits => exitsOn(gateway, asBefore ? before : topology);
      const isOther = ({ way }: LeavingWay): boolean =>
        way.attachment.route !== route && (!asBefore || way.attachment.route !== change?.before);
      return {
        open: open.get(route) ?? [],
        guardedBeside: (host) =>
          (host === undefined ? others().guarded : (others().guardedByHost.get(host) ?? [])).find(isOther),
      };
    });
}

function exitsAmong(through: readonly RoutePath[], topology: Topology): Exits {
  const leaving = through
    .map((way): LeavingWay => ({ way, backends: leavingBackends(way, topology) }))
    .filter(({ backends }) => backends.length > 0);
  const sides = Map.groupBy(
    leaving,
    ({ way }) => (effectivePolicy("AuthPolicy", way, topology.objects)?.rules.size ?? 0) > 0,
  );
  const guarded = sides.get(true) ?? [];
  const byHost = Map.groupBy(
    guarded.flatMap((leave) => leave.backends.map((backend) => ({ leave, host: hostNameOf(backend) }))),
    ({ host }) => host,
  );
  return {
    open: Map.groupBy(sides.get(false) ?? [], ({ way }) => way.attachment.route),
    guarded: onePerRoute(guarded),
    guardedByHost: new Map([...byHost].map(([host, leaves]) => [host, onePerRoute(leaves.map(({ leave }) => leave))])),
  };
}

const onePerRoute = (ways: readonly LeavingWay[]): readonly LeavingWay[] => [
  ...new Map(ways.map((leave) => [leave.way.attachment.route, leave])).values(),
];

/** The name of a backend's host in comparable form. */
export const hostNameOf = ({ host }: LeavingBackend): string => normalizeHostname(host) ?? host;

/** Whether an AuthPolicy with `overrides` holds on a listener, so that no route can do without it. */
export const isHeldByOverrides = (gateway: Kinds["Gateway"], listener: Listener, { objects }: Topology): boolean =>
  policiesOn("AuthPolicy", gateway, objects).some((policy) => {
    const { targetRef = {}, overrides } = policy.spec ?? {};
    return (
      overrides !== undefined &&
      policy.metadata.deletionTimestamp === undefined &&
      (targetRef.sectionName === undefined || targetRef.sectionName === listener.name) &&
      declaredRules(policy).size > 0
    );
  });
