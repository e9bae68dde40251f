import type { Node } from "../../cel/ast.ts";
import { proofsBy } from "../../cel/guards.ts";
import { parseExpression } from "../../cel/parse.ts";
import { AUTHORINO_PRESENCE, pathUses } from "../../cel/path-uses.ts";
import { selectorPaths } from "../../cel/selector.ts";
import type { Pattern } from "../../model/kinds/auth-policy.ts";
import { type AttributeRead, readsBelow, selectorRead } from "../expressions/attribute-reads.ts";
import { type AuthFlow, type AuthItem, itemsOf } from "./auth-flow.ts";
import { authSites, type ItemRead, itemReads } from "./auth-sites.ts";

/** A place in authorization that reads something of a metadata item. */
export type Mention = { readonly item: AuthItem<"authorization">; readonly place: ItemRead };

/**
 * Why a guard lets a request pass whose value is missing.
 * - `shallow`: it looks at something above the value.
 * - `sibling`: it looks at another value.
 * - `passes`: it looks at the value, but is also true without it: an alternative, a negation, an operator such as `neq`.
 * - `conditional`: its `when` can be false while the header is injected.
 */
export type GuardFlaw = "shallow" | "sibling" | "passes" | "conditional";

/** What authorization does about a value that a header needs. `covered` also stands for what cannot be analysed. */
export type Guarding =
  | { readonly status: "covered" }
  | { readonly status: "absent" }
  | { readonly status: "flawed"; readonly flaw: GuardFlaw; readonly nearest: Mention };

const COVERED: Guarding = { status: "covered" };

/**
 * Whether a request reaches the response phase only when `need`, such as auth.metadata.secret.data.key, is there.
 * Authorization fails when a condition is false or cannot be evaluated, so every condition that reads the value covers
 * it. What Rego does with an item that it mentions is not analysed, and an external Rego policy may do anything.
 */
export function guardingOf(need: readonly string[], header: AuthItem<"response">, flow: AuthFlow): Guarding {
  const items = relevantItems(need[2] ?? "", flow);
  const covering = items.filter((item) => itemCovers(item, need, flow));
  if (covering.some((item) => holdsWhenever(item, header))) return COVERED;
  const [nearest] = items
    .flatMap((item) => mentionsIn(item, need.slice(0, 3), flow).map((place) => ({ item, place })))
    .map((mention) => ({
      mention,
      shared: sharedLength(mention.place.read.names, need),
      covers: covering.includes(mention.item),
    }))
    .toSorted((a, b) => Number(b.covers) - Number(a.covers) || b.shared - a.shared);
  if (nearest === undefined) return covering.length > 0 ? COVERED : { status: "absent" };
  const { mention, shared, covers } = nearest;
  return { status: "flawed", flaw: flawOf(mention.place.read, need, { shared, covers }), nearest: mention };
}

/** Authorization items by the metadata item that they may have to do with; under undefined those that hide it. */
const relevant = new WeakMap<
  readonly AuthItem[],
  ReadonlyMap<string | undefined, readonly AuthItem<"authorization">[]>
>();

function relevantItems(metadataItem: string, flow: AuthFlow): readonly AuthItem<"authorization">[] {
  const known = relevant.get(flow.items) ?? sortByMention(flow);
  relevant.set(flow.items, known);
  return [...(known.get(undefined) ?? []), ...(known.get(metadataItem) ?? [])];
}

const METADATA = ["auth", "metadata"];

/** An item that hides what it reads stands under undefined only: Rego, what does not parse, a pattern by its name. */
function sortByMention(flow: AuthFlow): ReadonlyMap<string | undefined, readonly AuthItem<"authorization">[]> {
  const sorted = new Map<string | undefined, AuthItem<"authorization">[]>();
  for (const item of itemsOf(flow, "authorization")) {
    const names = itemReads(item, flow)
      .map(({ read }) => read.names)
      .filter((read) => readsBelow({ names: METADATA }, read.slice(0, METADATA.length)));
    const hides = isHidden(item, flow) || names.some((read) => read.length <= METADATA.length);
    for (const name of hides ? [undefined] : new Set(names.map((read) => read[METADATA.length]))) {
      const others = sorted.get(name);
      if (others === undefined) sorted.set(name, [item]);
      else others.push(item);
    }
  }
  return sorted;
}

function isHidden(item: AuthItem<"authorization">, flow: AuthFlow): boolean {
  const { opa, patternMatching } = item.value;
  const named = ({ patternRef, any = [], all = [] }: Pattern): boolean =>
    patternRef !== undefined || any.some(named) || all.some(named);
  return (
    opa !== undefined ||
    patternMatching?.patterns?.some(named) === true ||
    authSites(item, flow).some(({ site }) => "tree" in site && site.tree === undefined)
  );
}

function flawOf(
  { names }: AttributeRead,
  need: readonly string[],
  { shared, covers }: { readonly shared: number; readonly covers: boolean },
): GuardFlaw {
  if (covers) return "conditional";
  if (shared >= need.length) return "passes";
  return shared === names.length ? "shallow" : "sibling";
}

/** An item is skipped when one of its conditions does not hold: the header's own conditions then hold as well. */
const holdsWhenever = ({ when }: AuthItem, header: AuthItem): boolean => {
  const given = new Set(header.when.map((condition) => JSON.stringify(condition)));
  return when.every((condition) => given.has(JSON.stringify(condition)));
};

const sharedLength = (a: readonly string[], b: readonly string[]): number => {
  const different = a.findIndex((name, position) => name !== b[position]);
  return different < 0 ? a.length : different;
};

/** Places of an authorization item, its `when` and cache apart, that read something of a metadata item. */
const mentionsIn = (item: AuthItem<"authorization">, prefix: readonly string[], flow: AuthFlow): readonly ItemRead[] =>
  itemReads(item, flow).filter(
    ({ part, read }) => (part === "condition" || part === "value") && readsBelow(read, prefix),
  );

function itemCovers(item: AuthItem<"authorization">, need: readonly string[], flow: AuthFlow): boolean {
  const { opa, patternMatching } = item.value;
  if (opa?.externalPolicy !== undefined || opa?.rego?.includes(need[2] ?? "") === true) return true;
  const patterns = patternMatching?.patterns ?? [];
  if (patterns.some((pattern) => proves(pattern, { need, flow, expanding: [] }))) return true;
  return patternMatching === undefined && mentionsIn(item, need, flow).length > 0;
}

type Proof = { readonly need: readonly string[]; readonly flow: AuthFlow; readonly expanding: readonly string[] };

/** Whether the needed value is there whenever the pattern holds. */
function proves(pattern: Pattern, proof: Proof): boolean {
  const { predicate, selector, patternRef, all, any } = pattern;
  return (
    (predicate !== undefined && predicateProves(predicate, proof.need)) ||
    (selector !== undefined && selectorProves(pattern, proof.need)) ||
    (patternRef !== undefined && namedProves(patternRef, proof)) ||
    all?.some((inner) => proves(inner, proof)) === true ||
    (any !== undefined && any.length > 0 && any.every((inner) => proves(inner, proof)))
  );
}

function namedProves(name: string, proof: Proof): boolean {
  const named = proof.flow.patterns.get(name);
  if (named === undefined) return true;
  if (proof.expanding.includes(name)) return false;
  return named.allOf.some((inner) => proves(inner, { ...proof, expanding: [...proof.expanding, name] }));
}

/** gjson finds "" where there is nothing: only an operator that refuses "" proves anything. */
function selectorProves({ selector = "", operator, value = "" }: Pattern, need: readonly string[]): boolean {
  const reads = selectorPaths(selector).map(selectorRead);
  if (!reads.some((read) => readsBelow(read, need) || mayReach(read, need))) return false;
  if (operator === "eq") return value !== "";
  if (operator === "neq") return value === "";
  return operator !== "excl";
}

/** A path that cannot be followed to its end, and that may end at the needed value. */
const mayReach = (read: AttributeRead, need: readonly string[]): boolean =>
  read.open && readsBelow({ names: need }, read.names);

/** Whether the needed value is there whenever the predicate holds; true of one that cannot be read. */
export function predicateProves(predicate: string, need: readonly string[]): boolean {
  const parsed = parseExpression(predicate);
  return !parsed.ok || provesWhen(parsed.value, true, need);
}

/** Whether the needed value is there whenever the condition evaluates to `truth`. */
function provesWhen(node: Node, truth: boolean, need: readonly string[]): boolean {
  if (node.kind === "unary" && node.operator === "!") return provesWhen(node.operand, !truth, need);
  if (node.kind === "binary" && (node.operator === "&&" || node.operator === "||")) {
    const bothKnown = (node.operator === "&&") === truth;
    const [left, right] = [provesWhen(node.left, truth, need), provesWhen(node.right, truth, need)];
    return bothKnown ? left || right : left && right;
  }
  if (node.kind === "ternary") {
    const { condition, whenTrue, whenFalse } = node;
    return (
      (provesWhen(condition, true, need) || provesWhen(whenTrue, truth, need)) &&
      (provesWhen(condition, false, need) || provesWhen(whenFalse, truth, need))
    );
  }
  return leafProves(node, truth, need);
}

/** A condition without logic in it. Whatever reads the value fails without it; what hides its reading is taken to. */
function leafProves(node: Node, truth: boolean, need: readonly string[]): boolean {
  const proofs = proofsBy(AUTHORINO_PRESENCE);
  const present = truth ? proofs.whenTrue(node) : proofs.whenFalse(node);
  const proven = [...present].filter((key) => key.startsWith("[")).map((key) => JSON.parse(key) as readonly string[]);
  if (proven.some((names) => readsBelow({ names }, need))) return true;
  const isTest = node.kind === "select" && node.testOnly;
  return pathUses(node, AUTHORINO_PRESENCE).some(({ path }) => {
    const dynamic = path.segments.findIndex(({ access }) => access === "dynamic");
    const names = path.segments.slice(0, dynamic < 0 ? undefined : dynamic).map(({ name }) => name);
    if (readsBelow({ names: need }, names) && (dynamic >= 0 || (!isTest && isListOf(need, names)))) return true;
    return readsBelow({ names: isTest ? names.slice(0, -1) : names }, need);
  });
}

/** Whether the needed value is, or is in, an element of the list that is read: its size or an element may be tested. */
const isListOf = (need: readonly string[], list: readonly string[]): boolean => /^\d+$/.test(need[list.length] ?? "");
