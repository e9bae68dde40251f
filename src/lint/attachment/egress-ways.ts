import type { Route } from "../../model/attachment.ts";
import { declaredRules, effectivePolicy } from "../../model/effective-policy.ts";
import { normalizeHostname } from "../../model/hostname.ts";
import type { Listener } from "../../model/kinds/gateway.ts";
import type { Kinds } from "../../model/kinds.ts";
import { pathsOf, type RoutePath } from "../../model/policy-target.ts";
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

type Ways = { readonly all: readonly RoutePath[]; exits?: readonly Exits[] };

/** A Topology is immutable and every object of it asks the same, so that each is read once. */
const known = new WeakMap<Topology, Ways>();

function waysOf(topology: Topology): Ways {
  const cached = known.get(topology);
  if (cached !== undefined) return cached;
  const egress = new Set(topology.egressGateways);
  const ways: Ways = { all: pathsOf(topology.attachments.filter(({ gateway }) => egress.has(gateway))) };
  known.set(topology, ways);
  return ways;
}

/** Every way of a request through an egress gateway. */
export const egressWays = (topology: Topology): readonly RoutePath[] => waysOf(topology).all;

/** The ways that lead out of the cluster, an entry for each egress gateway that has one. */
export function exitsOf(topology: Topology): readonly Exits[] {
  const ways = waysOf(topology);
  ways.exits ??= [...Map.groupBy(ways.all, ({ attachment }) => attachment.gateway).values()].map((through) =>
    exitsAmong(through, topology),
  );
  return ways.exits;
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
  objects.of("AuthPolicy").some((policy) => {
    const { targetRef = {}, overrides } = policy.spec ?? {};
    return (
      overrides !== undefined &&
      policy.metadata.deletionTimestamp === undefined &&
      policy.metadata.namespace === gateway.metadata.namespace &&
      targetRef.kind === "Gateway" &&
      targetRef.name === gateway.metadata.name &&
      (targetRef.sectionName === undefined || targetRef.sectionName === listener.name) &&
      declaredRules(policy).size > 0
    );
  });
