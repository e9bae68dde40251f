import { compareAge } from "./age.ts";
import { declaredRules, type MergedKind } from "./effective-policy.ts";
import type { Kinds } from "./kinds.ts";

/** Kinds of which two on one target contend. A PlanPolicy is turned into a RateLimitPolicy of its own name. */
export type ContendingKind = MergedKind | "DNSPolicy" | "TLSPolicy" | "PlanPolicy";
export type Contender = Kinds[ContendingKind];

/** Why one of two policies on one target is not enforced. */
export type Defeat = {
  readonly winner: Contender;
  readonly loser: Contender;
  readonly reason: "newest-default" | "oldest-override" | "merge-covers-all" | "older-accepted";
};

/** The rules of a policy by which it merges; those of a PlanPolicy are its tiers. Empty for DNSPolicy and TLSPolicy. */
export function contendingRules(policy: Contender): readonly string[] {
  if (policy.kind === "DNSPolicy" || policy.kind === "TLSPolicy") return [];
  if (policy.kind === "PlanPolicy") return (policy.spec?.plans ?? []).map(({ tier = "" }) => `limits/${tier}`);
  return [...declaredRules(policy).keys()];
}

/** How a policy combines with others of its target. */
export function strategyOf(policy: Contender): { readonly overrides: boolean; readonly merge: boolean } {
  if (policy.kind === "DNSPolicy" || policy.kind === "TLSPolicy" || policy.kind === "PlanPolicy") {
    return { overrides: false, merge: false };
  }
  const { overrides, defaults } = policy.spec ?? {};
  return { overrides: overrides !== undefined, merge: (overrides ?? defaults)?.strategy === "merge" };
}

/**
 * Which of two policies of one kind on one target leaves the other nothing, by the fold of effective-policy.ts for
 * two policies on one node: the newer one is what stands, and the older one is combined into it by its own strategy.
 * Undefined when both bring rules.
 */
export function defeatOf(a: Contender, b: Contender): Defeat | undefined {
  const [older, newer] = compareAge(a, b) <= 0 ? [a, b] : [b, a];
  if (a.kind === "DNSPolicy" || a.kind === "TLSPolicy") {
    return { winner: older, loser: newer, reason: "older-accepted" };
  }
  const { overrides, merge } = strategyOf(older);
  const [upper, lower] = overrides ? [older, newer] : [newer, older];
  const winning = new Set(contendingRules(upper));
  const losing = contendingRules(lower);
  if (winning.size === 0 || losing.length === 0) return undefined;
  if (!merge) return { winner: upper, loser: lower, reason: overrides ? "oldest-override" : "newest-default" };
  return losing.every((key) => winning.has(key))
    ? { winner: upper, loser: lower, reason: "merge-covers-all" }
    : undefined;
}
