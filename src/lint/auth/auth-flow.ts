import type { Route } from "../../model/attachment.ts";
import type { EffectivePolicy, EffectiveRule } from "../../model/effective-policy.ts";
import { effectivePolicy } from "../../model/effective-policy.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { AuthBlock, AuthRules, Pattern } from "../../model/kinds/auth-policy.ts";
import type { Kinds } from "../../model/kinds.ts";
import { levelOn, pathsOf, type RoutePath, waysOf } from "../../model/policy-target.ts";
import type { Topology } from "../../model/topology.ts";

type AuthPolicy = Kinds["AuthPolicy"];

/** In the order in which Authorino runs them; a phase starts when the one before has ended (`auth_pipeline.go`). */
export const AUTH_PHASES = ["authentication", "metadata", "authorization", "response", "callbacks"] as const;
export type AuthPhase = (typeof AUTH_PHASES)[number];

/** What stands under one name of a phase, as the policy spells it. */
type ItemValues = {
  readonly [P in Exclude<AuthPhase, "response">]: NonNullable<AuthRules[P]>[string];
} & { readonly response: NonNullable<NonNullable<NonNullable<AuthRules["response"]>["success"]>["headers"]>[string] };

/** One named step of the pipeline. */
export type AuthItem<P extends AuthPhase = AuthPhase> = {
  [Q in P]: {
    readonly phase: Q;
    readonly name: string;
    readonly value: ItemValues[Q];
    /** Lower runs first; items of one phase with the same number run concurrently. Default 0. */
    readonly priority: number;
    /** All must hold, or the item is skipped. */
    readonly when: readonly Pattern[];
    /** The unit of merging, as in EffectivePolicy: `metadata/x`, `response.success.headers/x`. */
    readonly key: string;
    readonly owner: AuthPolicy;
    readonly path: FieldPath;
  };
}[P];

/** A named pattern: `patternRef` anywhere stands for all of its conditions. */
export type NamedPattern = {
  readonly allOf: readonly Pattern[];
  readonly owner: AuthPolicy;
  readonly path: FieldPath;
};

/** Items and named patterns that work together: those of one policy, or those that hold on one path. */
export type AuthFlow = {
  readonly items: readonly AuthItem[];
  readonly patterns: ReadonlyMap<string, NamedPattern>;
};

/** One block of a policy: the bare spec, `spec.defaults` or `spec.overrides`. */
export type AuthBlockFlow = AuthFlow & {
  readonly owner: AuthPolicy;
  readonly block: AuthBlock;
  readonly path: FieldPath;
  /** Whether the block's strategy is `merge`: items that are not here may come from another policy. */
  readonly merges: boolean;
};

type Placed = { readonly key: string; readonly value: unknown; readonly owner: AuthPolicy; readonly path: FieldPath };

const FIELDS_OF_PHASE: Readonly<Record<AuthPhase, readonly FieldPath[]>> = {
  authentication: [["authentication"]],
  metadata: [["metadata"]],
  authorization: [["authorization"]],
  response: [
    ["response", "success", "headers"],
    ["response", "success", "filters"],
  ],
  callbacks: [["callbacks"]],
};

const PHASE_OF_FIELD: ReadonlyMap<string, AuthPhase> = new Map(
  AUTH_PHASES.flatMap((phase) => FIELDS_OF_PHASE[phase].map((field) => [field.join("."), phase] as const)),
);

function toItem({ key, value, owner, path }: Placed): AuthItem | undefined {
  const slash = key.indexOf("/");
  const phase = PHASE_OF_FIELD.get(key.slice(0, slash));
  if (phase === undefined) return undefined;
  const { priority = 0, when = [] } = value as ItemValues[AuthPhase];
  return { phase, name: key.slice(slash + 1), value, priority, when, key, owner, path } as AuthItem;
}

const entriesAt = (root: unknown, path: FieldPath): readonly (readonly [string, unknown])[] => {
  const map = path.reduce<unknown>(
    (value, step) => (value as Readonly<Record<string, unknown>> | undefined)?.[step],
    root,
  );
  return Object.entries(map ?? {});
};

function flowOf(block: AuthBlock, owner: AuthPolicy, path: FieldPath): AuthFlow {
  const placed = AUTH_PHASES.flatMap((phase) => FIELDS_OF_PHASE[phase]).flatMap((field) =>
    entriesAt(block.rules, field).map(
      ([name, value]): Placed => ({
        key: `${field.join(".")}/${name}`,
        value,
        owner,
        path: [...path, "rules", ...field, name],
      }),
    ),
  );
  const patterns = Object.entries(block.patterns ?? {}).map(
    ([name, { allOf = [] }]) => [name, { allOf, owner, path: [...path, "patterns", name] }] as const,
  );
  return { items: placed.flatMap((entry) => toItem(entry) ?? []), patterns: new Map(patterns) };
}

/** Objects are immutable, and every rule about them asks for the same blocks: they are read once. */
const read = new WeakMap<AuthPolicy, readonly AuthBlockFlow[]>();

/** Every block of a policy that holds rules or named patterns. The API allows one of them; all are read. */
export function authFlows(policy: AuthPolicy): readonly AuthBlockFlow[] {
  const known = read.get(policy);
  if (known !== undefined) return known;
  const blocks = readBlocks(policy);
  read.set(policy, blocks);
  return blocks;
}

function readBlocks(policy: AuthPolicy): readonly AuthBlockFlow[] {
  const { spec = {} } = policy;
  const blocks: readonly (readonly [FieldPath, AuthBlock | undefined])[] = [
    [["spec"], spec],
    [["spec", "defaults"], spec.defaults],
    [["spec", "overrides"], spec.overrides],
  ];
  return blocks.flatMap(([path, block]) => {
    if (block === undefined || (block.rules === undefined && block.patterns === undefined)) return [];
    const merges = path.length > 1 && block.strategy === "merge";
    return [{ ...flowOf(block, policy, path), owner: policy, block, path, merges }];
  });
}

/** Items of one phase are asked for again and again, so each list of items is sorted once. */
const byPhase = new WeakMap<readonly AuthItem[], ReadonlyMap<AuthPhase, readonly AuthItem[]>>();

export function itemsOf<P extends AuthPhase>({ items }: AuthFlow, phase: P): readonly AuthItem<P>[] {
  let sorted = byPhase.get(items);
  if (sorted === undefined) {
    sorted = Map.groupBy(items, (item) => item.phase);
    byPhase.set(items, sorted);
  }
  return (sorted.get(phase) ?? []) as readonly unknown[] as readonly AuthItem<P>[];
}

/**
 * One way of a request, with everything that holds on it whichever policy brings it. Ways on which the same holds have
 * the same `items` and `patterns`, not copies.
 */
export type AuthView = AuthFlow & { readonly on: RoutePath; readonly effective: EffectivePolicy };

type Views = { readonly all: readonly AuthView[]; readonly different: readonly AuthView[] };

/** Everything is immutable, and several rules ask for the same views: they are made once. */
const known = new WeakMap<Topology, WeakMap<AuthPolicy, Views>>();

/** The paths on which the policy takes part at all. */
export const viewsOf = (policy: AuthPolicy, topology: Topology): readonly AuthView[] =>
  knownViews(policy, topology).all;

/** One view for each set of rules that holds somewhere, whatever the number of paths. */
export const differentViews = (policy: AuthPolicy, topology: Topology): readonly AuthView[] =>
  knownViews(policy, topology).different;

function knownViews(policy: AuthPolicy, topology: Topology): Views {
  const ofTopology = known.get(topology) ?? new WeakMap<AuthPolicy, Views>();
  const before = ofTopology.get(policy);
  if (before !== undefined) return before;
  known.set(topology, ofTopology);
  const all = buildViews(policy, topology);
  const views = { all, different: [...new Map(all.map((view) => [view.items, view])).values()] };
  ofTopology.set(policy, views);
  return views;
}

/** What holds on a path depends on which policies are on it, and on which level; most paths have the same ones. */
const buildViews = (policy: AuthPolicy, topology: Topology): readonly AuthView[] =>
  viewsOn(waysOf(policy, topology), topology);

/** The same for one route alone: a policy of a gateway is on thousands. */
export const viewsOnRoute = (policy: AuthPolicy, route: Route, topology: Topology): readonly AuthView[] =>
  viewsOn(
    pathsOf(topology.attachmentsOf(route)).filter((way) => levelOn(policy, way) !== undefined),
    topology,
  );

function viewsOn(ways: readonly RoutePath[], topology: Topology): readonly AuthView[] {
  return ways.flatMap((on) => {
    const effective = effectivePolicy("AuthPolicy", on, topology.objects);
    return effective === undefined ? [] : [{ ...flowFrom(effective), effective, on }];
  });
}

/** Ways with the same policies have one effective policy, and so one flow. */
const flows = new WeakMap<EffectivePolicy, AuthFlow>();

function flowFrom(effective: EffectivePolicy): AuthFlow {
  const flow = flows.get(effective) ?? effectiveFlow([...effective.rules.values()]);
  flows.set(effective, flow);
  return flow;
}

function effectiveFlow(rules: readonly EffectiveRule[]): AuthFlow {
  const placed = rules.map(({ policy, ...rule }): Placed => ({ ...rule, owner: policy as AuthPolicy }));
  const patterns = placed
    .filter(({ key }) => key.startsWith("patterns/"))
    .map(({ key, value, owner, path }) => {
      const { allOf = [] } = value as { readonly allOf?: readonly Pattern[] };
      return [key.slice("patterns/".length), { allOf, owner, path }] as const;
    });
  return { items: placed.flatMap((rule) => toItem(rule) ?? []), patterns: new Map(patterns) };
}

/** Whether an item of a policy is the one that holds in a view, and not another policy's item of the same name. */
export function holdsIn({ effective }: AuthView, { key, owner }: AuthItem): boolean {
  const rule = effective.rules.get(key);
  return rule !== undefined && isSame(rule.policy, owner);
}

const isSame = (a: Pick<AuthPolicy, "metadata">, b: Pick<AuthPolicy, "metadata">): boolean =>
  a.metadata.namespace === b.metadata.namespace && a.metadata.name === b.metadata.name;

/**
 * Whether getting the item's result takes a call over the network, so that items that run at the same time never see
 * it: the API server, SpiceDB, or any URL. An external OPA policy is fetched beforehand.
 */
export function callsNetwork(item: AuthItem): boolean {
  if (item.phase === "metadata" || item.phase === "callbacks") return true;
  if (item.phase !== "authorization") return false;
  return item.value.kubernetesSubjectAccessReview !== undefined || item.value.spicedb !== undefined;
}

/** The lower-case name of the request header that a response item sets; undefined for an item of `filters`. */
export function headerOf({ key, name, value }: AuthItem<"response">): string | undefined {
  return key.startsWith("response.success.headers/") ? (value.key ?? name).toLowerCase() : undefined;
}

/** How messages name an item: "metadata `vault_login`". */
export const formatItem = ({ phase, name }: Pick<AuthItem, "phase" | "name">): string => `${phase} \`${name}\``;
