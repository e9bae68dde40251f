import type { Route } from "../../model/attachment.ts";
import { isWaypoint } from "../../model/egress-gateway.ts";
import type { Kinds } from "../../model/kinds.ts";
import { pathsOf, policiesOn, policiesOnPath, type RoutePath } from "../../model/policy-target.ts";
import type { Topology } from "../../model/topology.ts";

/** Kinds that Kuadrant enforces in the gateway's policy plugin. */
export type EnforcedPolicy = Kinds["AuthPolicy" | "RateLimitPolicy" | "TokenRateLimitPolicy" | "PlanPolicy"];

const KINDS = ["AuthPolicy", "RateLimitPolicy", "TokenRateLimitPolicy", "PlanPolicy"] as const;

const isLiving = ({ metadata }: EnforcedPolicy): boolean => metadata.deletionTimestamp === undefined;

/** The policies on a Gateway itself, or on one of its listeners. */
export const gatewayPolicies = (gateway: Kinds["Gateway"], topology: Topology): readonly EnforcedPolicy[] =>
  KINDS.flatMap((kind): readonly EnforcedPolicy[] => policiesOn(kind, gateway, topology.objects)).filter(isLiving);

/** One way of a request on which policies hold, at whatever level. */
export type GuardedWay = { readonly way: RoutePath; readonly policies: readonly EnforcedPolicy[] };

/** The ways through a route on which at least one policy holds; not those of waypoints, for which no plugin is made. */
export function guardedWays(route: Route, topology: Topology): readonly GuardedWay[] {
  const attachments = topology.attachmentsOf(route).filter(({ gateway }) => !isWaypoint(gateway));
  return pathsOf(attachments)
    .map((way) => {
      const all = KINDS.flatMap((kind): readonly EnforcedPolicy[] => policiesOnPath(kind, way, topology.objects));
      return { way, policies: all.filter(isLiving) };
    })
    .filter(({ policies }) => policies.length > 0);
}
