import { compareAge } from "./age.ts";
import type { Attachment } from "./attachment.ts";
import type { FieldPath } from "./field-path.ts";
import type { AuthBlock, AuthRules } from "./kinds/auth-policy.ts";
import type { Kinds } from "./kinds.ts";
import type { ObjectIndex } from "./object-index.ts";
import { levelOn, policiesOnPath, type RoutePath } from "./policy-target.ts";

/** Kinds whose rules merge along the chain of targets. */
export type MergedKind = "AuthPolicy" | "RateLimitPolicy" | "TokenRateLimitPolicy";

/** The unit of merging: one named limit or item, or the spec-level `when`. */
export type EffectiveRule = {
  /** `limits/per-workload`, `authentication/workload-sa`, `response.success.filters/identity`, `when` … */
  readonly key: string;
  readonly value: unknown;
  /** The policy that brings it, and where in it. */
  readonly policy: Kinds[MergedKind];
  readonly path: FieldPath;
};

/** The rules of one kind that hold on one path, each with where it comes from. */
export type EffectivePolicy = {
  readonly rules: ReadonlyMap<string, EffectiveRule>;
  /** Every policy of the kind on the path, least specific first. Those that bring no rule are overridden. */
  readonly policies: readonly Kinds[MergedKind][];
};

type RuleMap = ReadonlyMap<string, EffectiveRule>;

/** The part of `spec` that holds a policy's rules, and how it combines with others. */
type Block = { readonly rules: RuleMap; readonly overrides: boolean; readonly merge: boolean };

/**
 * The effective policy of one kind on one path, as Kuadrant computes it: policies from the least to the most specific
 * target, on one target from the oldest on; folded from the most specific back, each by its own strategy.
 * Undefined when no policy of the kind is on the path.
 * Source: kuadrant-operator api/v1/merge_strategies.go; RFC 0009 "Defaults & Overrides".
 */
export function effectivePolicy(kind: MergedKind, path: RoutePath, objects: ObjectIndex): EffectivePolicy | undefined {
  const answers = answersOf(kind, objects);
  const ofRules = answers.byWay.get(path.attachment);
  if (ofRules?.has(path.ruleIndex)) return ofRules.get(path.ruleIndex);
  const effective = fold(kind, path, objects, answers);
  if (ofRules === undefined) answers.byWay.set(path.attachment, new Map([[path.ruleIndex, effective]]));
  else ofRules.set(path.ruleIndex, effective);
  return effective;
}

function answersOf(kind: MergedKind, objects: ObjectIndex): Known {
  const before = known.get(objects)?.get(kind);
  if (before !== undefined) return before;
  const ofKind = known.get(objects) ?? new Map<MergedKind, Known>();
  known.set(objects, ofKind);
  const answers: Known = { byWay: new WeakMap(), byPlacement: new Map() };
  ofKind.set(kind, answers);
  return answers;
}

/** What has been answered: by way, and by the policies that are on a way, as most ways have the same ones. */
type Known = {
  readonly byWay: WeakMap<Attachment, Map<number, EffectivePolicy | undefined>>;
  readonly byPlacement: Map<string, EffectivePolicy>;
};

/** Objects are immutable, and many rules ask about the same ways. Ways with the same policies have the same answer. */
const known = new WeakMap<ObjectIndex, Map<MergedKind, Known>>();

function fold(
  kind: MergedKind,
  path: RoutePath,
  objects: ObjectIndex,
  { byPlacement }: Known,
): EffectivePolicy | undefined {
  const placed = policiesOnPath(kind, path, objects)
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map((policy) => ({ policy, level: levelOn(policy, path) }))
    .filter(({ level }) => level !== undefined)
    .sort((a, b) => (a.level ?? 0) - (b.level ?? 0) || compareAge(a.policy, b.policy));
  const policies = placed.map(({ policy }) => policy);
  const last = policies.at(-1);
  if (last === undefined) return undefined;
  const placement = placed.map(({ policy, level }) => `${level} ${policy.metadata.namespace}/${policy.metadata.name}`);
  const key = placement.join("\n");
  const same = byPlacement.get(key);
  if (same !== undefined) return same;
  const rules = policies.reduceRight<RuleMap>(
    (target, source) => combine(blockOf(source), target),
    blockOf(last).rules,
  );
  const effective: EffectivePolicy = { rules, policies };
  byPlacement.set(key, effective);
  return effective;
}

function combine(source: Block, target: RuleMap): RuleMap {
  if (source.overrides) return source.merge ? new Map([...target, ...source.rules]) : source.rules;
  if (source.merge) return new Map([...source.rules, ...target]);
  return target.size > 0 ? target : source.rules;
}

/** The rules that a policy declares, by key, whatever block they stand in. */
export const declaredRules = (policy: Kinds[MergedKind]): RuleMap => blockOf(policy).rules;

/** Objects are immutable, and every way through a gateway asks for the same ones. */
const blocks = new WeakMap<Kinds[MergedKind], Block>();

function blockOf(policy: Kinds[MergedKind]): Block {
  const before = blocks.get(policy);
  if (before !== undefined) return before;
  const block = readBlock(policy);
  blocks.set(policy, block);
  return block;
}

function readBlock(policy: Kinds[MergedKind]): Block {
  const spec = policy.spec ?? {};
  const strategy = spec.overrides ?? spec.defaults;
  const [field, content] =
    spec.overrides !== undefined
      ? (["overrides", spec.overrides] as const)
      : spec.defaults !== undefined
        ? (["defaults", spec.defaults] as const)
        : ([undefined, spec] as const);
  const base: FieldPath = field === undefined ? ["spec"] : ["spec", field];
  const entries = rulesIn(content as AuthBlock & { limits?: object }).map(
    ([key, value, path]): [string, EffectiveRule] => [key, { key, value, policy, path: [...base, ...path] }],
  );
  return {
    rules: new Map(entries),
    overrides: field === "overrides",
    merge: strategy?.strategy === "merge",
  };
}

type Entry = readonly [key: string, value: unknown, path: FieldPath];

function rulesIn(block: AuthBlock & { readonly limits?: object }): readonly Entry[] {
  const when: readonly Entry[] = block.when === undefined ? [] : [["when", block.when, ["when"]]];
  return [
    ...when,
    ...named("limits", block.limits, ["limits"]),
    ...named("patterns", block.patterns, ["patterns"]),
    ...authRules(block.rules ?? {}),
  ];
}

const named = (prefix: string, map: object | undefined, path: FieldPath): readonly Entry[] =>
  Object.entries(map ?? {}).map(([name, value]) => [`${prefix}/${name}`, value, [...path, name]]);

function authRules(rules: AuthRules): readonly Entry[] {
  const { response = {} } = rules;
  const single = (["unauthenticated", "unauthorized"] as const).flatMap((field): readonly Entry[] =>
    response[field] === undefined ? [] : [[`response.${field}`, response[field], ["rules", "response", field]]],
  );
  return [
    ...(["authentication", "metadata", "authorization", "callbacks"] as const).flatMap((phase) =>
      named(phase, rules[phase], ["rules", phase]),
    ),
    ...(["headers", "filters"] as const).flatMap((field) =>
      named(`response.success.${field}`, response.success?.[field], ["rules", "response", "success", field]),
    ),
    ...single,
  ];
}
