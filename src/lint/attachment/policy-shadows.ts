import { compareAge, compareNames } from "../../model/age.ts";
import type { Kind, Kinds } from "../../model/kinds.ts";
import { defineLookup } from "../../model/object-index.ts";
import { levelOn, policiesOnPath, waysOf } from "../../model/policy-target.ts";
import {
  type Contender,
  type ContendingKind,
  contendingRules,
  type Defeat,
  defeatOf,
  strategyOf,
} from "../../model/same-target.ts";
import type { Topology } from "../../model/topology.ts";
import { readLast } from "../arrival.ts";

/** One policy that another one, on its own target or above it, leaves without effect. */
export type Shadow = Omit<Defeat, "reason"> & { readonly reason: Defeat["reason"] | "override-above" };

/** Kinds that contend with each other: Kuadrant makes a RateLimitPolicy of every PlanPolicy. */
const familyOf = (kind: ContendingKind): ContendingKind => (kind === "PlanPolicy" ? "RateLimitPolicy" : kind);

const kindsOf = (family: ContendingKind): readonly ContendingKind[] =>
  family === "RateLimitPolicy" ? ["RateLimitPolicy", "PlanPolicy"] : [family];

/** Whether a policy counts: it is not being deleted, and not the one that the operator makes of a PlanPolicy. */
const counts = ({ kind, metadata }: Contender, { objects }: Topology): boolean =>
  metadata.deletionTimestamp === undefined &&
  !(kind === "RateLimitPolicy" && objects.get("PlanPolicy", metadata.namespace, metadata.name) !== undefined);

const targetKey = ({ spec, metadata }: Contender): string | undefined => {
  const { kind, name, sectionName = "" } = spec?.targetRef ?? {};
  return kind === undefined || name === undefined ? undefined : `${metadata.namespace}/${kind}/${name}/${sectionName}`;
};

const CONTENDERS = defineLookup({
  kinds: ["AuthPolicy", "RateLimitPolicy", "TokenRateLimitPolicy", "PlanPolicy", "DNSPolicy", "TLSPolicy"],
  keysOf: (policy) => {
    const key = targetKey(policy);
    return key === undefined ? [] : [`${familyOf(policy.kind)} ${key}`];
  },
});

/** A Topology is immutable, and every policy on a target asks the same: each target's pairs by the policy read last. */
const known = new WeakMap<Topology, Map<string, ReadonlyMap<Kinds[Kind] | undefined, readonly Shadow[]>>>();

/** Pairs on one target: each policy that is left without effect, with one that stands. */
export function shadowsBeside(policy: Contender, topology: Topology): readonly Shadow[] {
  const target = targetKey(policy);
  if (target === undefined) return [];
  const key = `${familyOf(policy.kind)} ${target}`;
  const ofTopology = known.get(topology) ?? new Map<string, ReadonlyMap<Kinds[Kind] | undefined, readonly Shadow[]>>();
  known.set(topology, ofTopology);
  const shadows =
    ofTopology.get(key) ??
    Map.groupBy(shadowsAmong(topology.objects.having(CONTENDERS, key).filter((one) => counts(one, topology))), (pair) =>
      readLast([pair.winner, pair.loser], topology),
    );
  ofTopology.set(key, shadows);
  return shadows.get(policy) ?? [];
}

function shadowsAmong(rivals: readonly Contender[]): readonly Shadow[] {
  const defeats = rivals.flatMap((a, index) => rivals.slice(index + 1).flatMap((b) => defeatOf(a, b) ?? []));
  const byLoser = Map.groupBy(defeats, ({ loser }) => loser);
  return [...byLoser.values()].flatMap((all) => {
    const own = all.toSorted((a, b) => compareAge(a.winner, b.winner));
    return own.findLast(({ winner }) => !byLoser.has(winner)) ?? own.at(-1) ?? [];
  });
}

const isOverrider = (policy: Contender): boolean => {
  const { overrides, merge } = strategyOf(policy);
  return overrides && !merge && contendingRules(policy).length > 0;
};

/** Pairs in which a policy higher up overrides, so that a more specific one has no effect on any path. */
export function shadowsBeneath(policy: Contender, topology: Topology): readonly Shadow[] {
  const losers = isOverrider(policy) ? policiesUnder(policy, topology) : [policy];
  return losers.flatMap((loser) => {
    const winner = knownOverrider(loser, topology);
    const pair = winner === undefined ? [] : [{ winner, loser, reason: "override-above" as const }];
    return loser === policy || winner === policy ? pair : [];
  });
}

/** Every policy that contends with one of this kind somewhere on its ways, itself included. */
function policiesUnder(policy: Contender, topology: Topology): readonly Contender[] {
  const kinds = kindsOf(familyOf(policy.kind));
  const ways = waysOf(policy, topology);
  const found = kinds.flatMap((kind): readonly Contender[] => {
    const all = ways.flatMap((way): readonly Contender[] => policiesOnPath(kind, way, topology.objects));
    return [...new Set(all)].filter((one) => counts(one, topology)).sort(compareNames);
  });
  return found.includes(policy) ? found : [policy, ...found];
}

/** Whether a policy's target can lie above another's at all, by the targetRefs alone. */
function mayCover(winner: Contender, loser: Contender): boolean {
  const [upper, lower] = [winner.spec?.targetRef ?? {}, loser.spec?.targetRef ?? {}];
  if (upper.kind === "Gateway" && lower.kind !== "Gateway") return true;
  return (
    upper.kind === lower.kind &&
    upper.name === lower.name &&
    winner.metadata.namespace === loser.metadata.namespace &&
    upper.sectionName === undefined &&
    lower.sectionName !== undefined
  );
}

/** Every overriding policy above asks for the same ones below it. */
const overriders = new WeakMap<Topology, Map<Contender, Contender | undefined>>();

function knownOverrider(loser: Contender, topology: Topology): Contender | undefined {
  const ofTopology = overriders.get(topology) ?? new Map<Contender, Contender | undefined>();
  overriders.set(topology, ofTopology);
  if (!ofTopology.has(loser)) ofTopology.set(loser, overriderOf(loser, topology));
  return ofTopology.get(loser);
}

/** The least specific policy whose overrides replace another one, when that is so on every path the other one is on. */
function overriderOf(loser: Contender, topology: Topology): Contender | undefined {
  const kinds = kindsOf(familyOf(loser.kind));
  const above = waysOf(loser, topology).map((way) => {
    const level = levelOn(loser, way) ?? 0;
    return kinds
      .flatMap((kind): readonly Contender[] => policiesOnPath(kind, way, topology.objects))
      .find(
        (one) => (levelOn(one, way) ?? 4) < level && isOverrider(one) && mayCover(one, loser) && counts(one, topology),
      );
  });
  return above.every((winner) => winner !== undefined) ? above[0] : undefined;
}
