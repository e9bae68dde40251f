import { effectivePolicy } from "../model/effective-policy.ts";
import type { Finding } from "../model/finding.ts";
import type { Kind, Kinds } from "../model/kinds.ts";
import { formatRef, identityOf, type ObjectRef } from "../model/object-ref.ts";
import { pathsOf } from "../model/policy-target.ts";
import { refOf, type Topology } from "../model/topology.ts";

/** The id of findings about the deletion of the last policy of its kind. They are no rule's: nothing is wrong as written. */
export const LOST_GUARD = "protection-lost";

type Pictures = { readonly before: Topology; readonly after: Topology };

/**
 * What is left without any policy of a kind when one goes: the routes through egress gateways on which an AuthPolicy or
 * RateLimitPolicy was in force, the waypoints and ServiceEntries that an AuthorizationPolicy was for.
 */
export function lostGuards(gone: Kinds[Kind], pictures: Pictures): readonly Finding[] {
  const bare = bareObjects(gone, pictures);
  return [...new Map(bare.map((ref) => [identityOf(ref), ref])).values()].map((object) => ({
    rule: LOST_GUARD,
    severity: "warning",
    scope: "absence",
    title: `${formatRef(object)}: no ${gone.kind} is left on it`,
    message: `${formatRef(refOf(gone))} is the last ${gone.kind} that is in force there`,
    hint: `Put another ${gone.kind} in its place first.`,
    object,
    path: [],
  }));
}

function bareObjects(gone: Kinds[Kind], pictures: Pictures): readonly ObjectRef[] {
  switch (gone.kind) {
    case "AuthPolicy":
    case "RateLimitPolicy":
      return bareRoutes(gone as Kinds["AuthPolicy" | "RateLimitPolicy"], pictures);
    case "AuthorizationPolicy":
      return bareTargets(gone as Kinds["AuthorizationPolicy"], pictures.after);
    default:
      return [];
  }
}

function bareRoutes(gone: Kinds["AuthPolicy" | "RateLimitPolicy"], { before, after }: Pictures): readonly ObjectRef[] {
  const egress = new Set(before.egressGateways);
  const ways = pathsOf(before.attachments.filter(({ gateway }) => egress.has(gateway)));
  return ways
    .filter((way) => {
      const held = [...(effectivePolicy(gone.kind, way, before.objects)?.rules.values() ?? [])];
      if (!held.some(({ policy }) => policy === gone)) return false;
      return (effectivePolicy(gone.kind, way, after.objects)?.rules.size ?? 0) === 0;
    })
    .map(({ attachment }) => refOf(attachment.route));
}

type Target = { readonly kind?: string; readonly name?: string };

const targetsOf = ({ spec }: Kinds["AuthorizationPolicy"]): readonly Target[] => [
  ...(spec?.targetRefs ?? []),
  ...(spec?.targetRef === undefined ? [] : [spec.targetRef]),
];

function bareTargets(gone: Kinds["AuthorizationPolicy"], { objects }: Topology): readonly ObjectRef[] {
  const { namespace } = gone.metadata;
  const others = objects
    .of("AuthorizationPolicy")
    .filter(({ metadata }) => metadata.namespace === namespace)
    .flatMap(targetsOf);
  return targetsOf(gone).flatMap(({ kind, name = "" }) => {
    if (kind !== "Gateway" && kind !== "ServiceEntry") return [];
    const target = objects.get(kind, namespace, name);
    const held = others.some((other) => other.kind === kind && other.name === name);
    return target === undefined || held ? [] : [refOf(target)];
  });
}
