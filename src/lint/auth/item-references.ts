import { AUTH_PHASES, type AuthFlow, type AuthItem, type AuthPhase } from "./auth-flow.ts";
import { type ItemRead, itemReads } from "./auth-sites.ts";

/** What an item asks for: the result of another item, `auth.<phase>.<name>`. */
export type Reference = { readonly phase: AuthPhase; readonly name: string; readonly place: ItemRead };

/** Why the result is not there when the item runs. */
export type Problem =
  | { readonly kind: "missing" }
  | { readonly kind: "later" }
  | { readonly kind: "itself" }
  | { readonly kind: "concurrent" | "after"; readonly target: AuthItem };

/** How many names lead to an item's result: auth.<phase>.<name>. */
export const REFERENCE_DEPTH = 3;

/** Every result that an item asks for. The identity is no item's result: it is there after authentication. */
export function referencesOf(item: AuthItem, flow: AuthFlow): readonly Reference[] {
  return itemReads(item, flow).flatMap((place): readonly Reference[] => {
    const [root, phase, name] = place.read.names;
    const published = AUTH_PHASES.find((candidate) => candidate === phase && candidate !== "authentication");
    return root === "auth" && published !== undefined && name !== undefined ? [{ phase: published, name, place }] : [];
  });
}

const targetKey = ({ phase, name }: Pick<AuthItem, "phase" | "name">): string => `${phase}/${name}`;

/** Items are looked up once for every reference, so each list of them is sorted once. */
const known = new WeakMap<readonly AuthItem[], ReadonlyMap<string, readonly AuthItem[]>>();

/**
 * Items that answer to a reference, the first to run first. Headers and filters share one phase, so that there may be
 * two.
 */
export function targetsOf(reference: Pick<Reference, "phase" | "name">, { items }: AuthFlow): readonly AuthItem[] {
  const byTarget =
    known.get(items) ??
    Map.groupBy(
      items.toSorted((a, b) => a.priority - b.priority),
      targetKey,
    );
  known.set(items, byTarget);
  return byTarget.get(targetKey(reference)) ?? [];
}

/** Why a result is not there when the item runs; undefined when it is. */
export function problemOf(item: AuthItem, reference: Reference, flow: AuthFlow): Problem | undefined {
  const [target, ...others] = targetsOf(reference, flow);
  if (target === undefined) return { kind: "missing" };
  const order = AUTH_PHASES.indexOf(reference.phase) - AUTH_PHASES.indexOf(item.phase);
  if (order !== 0) return order > 0 ? { kind: "later" } : undefined;
  if (target.key === item.key && others.length === 0) return { kind: "itself" };
  if (target.priority < item.priority) return undefined;
  return { kind: target.priority === item.priority ? "concurrent" : "after", target };
}

/** Dashes of a name that are looked at. A name of the guides has one. */
const MAX_DASHES = 16;

/** `auth.metadata.vault-login`: a subtraction in CEL, where an item `vault-login` is meant. */
export function dashedName({ read, site }: ItemRead, flow: AuthFlow): string | undefined {
  const [, phase, name] = read.names;
  if (read.selector || read.names.length !== REFERENCE_DEPTH) return undefined;
  const tail = /^(?:-\w+)+/.exec(site.text.slice(read.end))?.[0] ?? "";
  // A dash can also be meant as one, after some of the words: the longest name that is defined counts.
  const words = tail.split("-").slice(1, MAX_DASHES + 1);
  return words
    .map((_, last) => [name, ...words.slice(0, last + 1)].join("-"))
    .findLast((candidate) => targetsOf({ phase: phase as AuthPhase, name: candidate }, flow).length > 0);
}
