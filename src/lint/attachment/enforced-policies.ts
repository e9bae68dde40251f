import type { Route } from "../../model/attachment.ts";
import { isWaypoint } from "../../model/egress-gateway.ts";
import type { Kinds } from "../../model/kinds.ts";
import { levelOn, pathsOf, type RoutePath } from "../../model/policy-target.ts";
import type { Topology } from "../../model/topology.ts";

/** Kinds that Kuadrant enforces in the gateway's policy plugin. */
export type EnforcedPolicy = Kinds["AuthPolicy" | "RateLimitPolicy" | "TokenRateLimitPolicy" | "PlanPolicy"];

const living = ({ objects }: Topology): readonly EnforcedPolicy[] =>
  [
    ...objects.of("AuthPolicy"),
    ...objects.of("RateLimitPolicy"),
    ...objects.of("TokenRateLimitPolicy"),
    ...objects.of("PlanPolicy"),
  ].filter(({ metadata }) => metadata.deletionTimestamp === undefined);

/** The policies on a Gateway itself, or on one of its listeners. */
export const gatewayPolicies = (gateway: Kinds["Gateway"], topology: Topology): readonly EnforcedPolicy[] =>
  living(topology).filter(
    ({ metadata, spec }) =>
      metadata.namespace === gateway.metadata.namespace &&
      spec?.targetRef?.kind === "Gateway" &&
      spec.targetRef.name === gateway.metadata.name,
  );

/** One way of a request on which policies hold, at whatever level. */
export type GuardedWay = { readonly way: RoutePath; readonly policies: readonly EnforcedPolicy[] };

/** The ways through a route on which at least one policy holds; not those of waypoints, for which no plugin is made. */
export function guardedWays(route: Route, topology: Topology): readonly GuardedWay[] {
  const attachments = topology.attachments.filter(({ route: own, gateway }) => own === route && !isWaypoint(gateway));
  if (attachments.length === 0) return [];
  const all = living(topology);
  return pathsOf(attachments)
    .map((way) => ({ way, policies: all.filter((policy) => levelOn(policy, way) !== undefined) }))
    .filter(({ policies }) => policies.length > 0);
}
