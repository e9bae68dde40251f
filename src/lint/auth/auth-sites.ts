import type { FieldPath } from "../../model/field-path.ts";
import type { Pattern } from "../../model/kinds/auth-policy.ts";
import type { Kinds } from "../../model/kinds.ts";
import { type AttributeRead, attributeReads } from "../expressions/attribute-reads.ts";
import { type CelSite, celSites, type SelectorSite, selectorSites } from "../expressions/expression-sites.ts";
import type { AuthBlockFlow, AuthFlow, AuthItem } from "./auth-flow.ts";

/**
 * What a field does for its item.
 * - `when`: whether the item runs. Neither an error nor `false` denies the request: the item is skipped.
 * - `cache`: the key of its cache. Nothing is cached when it cannot be evaluated; the item runs all the same.
 * - `condition`: what patternMatching asks for.
 * - `value`: anything that goes into the item's work or result.
 * - `denial`: the answer to a request that is denied, which is of no item.
 */
export type AuthPart = "when" | "cache" | "condition" | "value" | "denial";

/** A field below `rules`, or in a named pattern. */
export type AuthSite = {
  readonly owner: AuthPolicy;
  readonly site: Site;
  readonly part: AuthPart;
  /** Whether it stands inside `any`, so that another alternative can decide. */
  readonly alternative: boolean;
  /** The name under which the item refers to it, for a field of a named pattern. */
  readonly patternRef?: string;
};

/** One attribute that an item reads, and where. */
export type ItemRead = AuthSite & { readonly read: AttributeRead };

type AuthPolicy = Kinds["AuthPolicy"];
type Site = CelSite | SelectorSite;

/** Objects are immutable, and every rule asks for the same fields: each policy is sorted once. */
const known = new WeakMap<AuthPolicy, ReadonlyMap<string, readonly Site[]>>();

/** The part of a field's path that names its item, named pattern or denial. */
function homeOf(path: FieldPath): FieldPath {
  const section = path[1] === "defaults" || path[1] === "overrides" ? 2 : 1;
  if (path[section] !== "rules") return path.slice(0, section + 2);
  const isResponseItem = path[section + 1] === "response" && path[section + 2] === "success";
  return path.slice(0, section + (isResponseItem ? 5 : 3));
}

/** The fields of one item, named pattern or denial that Authorino evaluates. */
function sitesAt(owner: AuthPolicy, home: FieldPath): readonly Site[] {
  const cached = known.get(owner);
  if (cached !== undefined) return cached.get(JSON.stringify(home)) ?? [];
  const cel = celSites(owner).filter(({ engine }) => engine === "authorino");
  const byHome = Map.groupBy<string, Site>([...cel, ...selectorSites(owner)], ({ path }) =>
    JSON.stringify(homeOf(path)),
  );
  known.set(owner, byHome);
  return byHome.get(JSON.stringify(home)) ?? [];
}

/** `any` as the API's own field is followed by a position; as a free name it is not. */
const inAny = (path: FieldPath, from: number): boolean =>
  path.some((step, position) => position >= from && step === "any" && typeof path[position + 1] === "number");

function partOf(path: FieldPath, item: AuthItem): AuthPart {
  const field = path[item.path.length];
  if (field === "when" || field === "cache") return field;
  return field === "patternMatching" ? "condition" : "value";
}

/** Every field whose outcome the item depends on, those of the named patterns that it refers to included. */
export function authSites(item: AuthItem, flow: AuthFlow): readonly AuthSite[] {
  const own = sitesAt(item.owner, item.path).map(
    (site): AuthSite => ({
      owner: item.owner,
      site,
      part: partOf(site.path, item),
      alternative: inAny(site.path, item.path.length),
    }),
  );
  const conditions = item.phase === "authorization" ? (item.value.patternMatching?.patterns ?? []) : [];
  return [...own, ...namedSites(item.when, "when", flow), ...namedSites(conditions, "condition", flow)];
}

/** Fields of the named patterns that a list of conditions refers to. */
function namedSites(list: readonly Pattern[], part: AuthPart, flow: AuthFlow): readonly AuthSite[] {
  return [...referredTo(list, flow)].flatMap(([patternRef, alternative]) => {
    const named = flow.patterns.get(patternRef);
    if (named === undefined) return [];
    return sitesAt(named.owner, named.path).map(
      (site): AuthSite => ({
        owner: named.owner,
        site,
        part,
        alternative: alternative || inAny(site.path, named.path.length),
        patternRef,
      }),
    );
  });
}

/** The names that conditions refer to, directly or through each other, and whether each time only inside `any`. */
function referredTo(list: readonly Pattern[], flow: AuthFlow): ReadonlyMap<string, boolean> {
  const found = new Map<string, boolean>();
  const visit = ({ patternRef, any, all }: Pattern, alternative: boolean): void => {
    for (const inner of any ?? []) visit(inner, true);
    for (const inner of all ?? []) visit(inner, alternative);
    if (patternRef === undefined || found.get(patternRef) === false) return;
    if (found.has(patternRef) && alternative) return;
    found.set(patternRef, alternative);
    for (const inner of flow.patterns.get(patternRef)?.allOf ?? []) visit(inner, alternative);
  };
  for (const pattern of list) visit(pattern, false);
  return found;
}

/** Everything is immutable, and many rules ask what an item reads: it is read once in every flow. */
const reads = new WeakMap<AuthItem, WeakMap<AuthFlow["patterns"], readonly ItemRead[]>>();

/** Every attribute that an item reads. */
export function itemReads(item: AuthItem, flow: AuthFlow): readonly ItemRead[] {
  const known = reads.get(item) ?? new WeakMap<AuthFlow["patterns"], readonly ItemRead[]>();
  const before = known.get(flow.patterns);
  if (before !== undefined) return before;
  const found = authSites(item, flow).flatMap((place) =>
    attributeReads(place.site).map((read) => ({ ...place, read })),
  );
  reads.set(item, known);
  known.set(flow.patterns, found);
  return found;
}

/** Every attribute that goes into the answer to a request that is denied. */
export function denialReads({ block, path, owner }: AuthBlockFlow): readonly ItemRead[] {
  const { response = {} } = block.rules ?? {};
  return (["unauthenticated", "unauthorized"] as const)
    .filter((field) => response[field] !== undefined)
    .flatMap((field) => sitesAt(owner, [...path, "rules", "response", field]))
    .flatMap((site) =>
      attributeReads(site).map((read) => ({ owner, site, part: "denial" as const, alternative: false, read })),
    );
}
