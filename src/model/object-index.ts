import { compareNames } from "./age.ts";
import type { Decoded } from "./decode.ts";
import type { Kind, Kinds } from "./kinds.ts";

/**
 * A way to find objects by what they say, such as a host that they name, instead of looking at all of them. Defined
 * once, at the top of a module: what it finds is remembered under the definition itself.
 */
export type Lookup<K extends Kind> = {
  readonly kinds: readonly K[];
  /** Everything that the object is to be found by. A method, so that a lookup of one kind fits a list of any. */
  keysOf(object: Kinds[K]): Iterable<string>;
};

/** Keeps the kinds of a lookup in its type. */
export const defineLookup = <const K extends Kind>(lookup: Lookup<K>): Lookup<K> => lookup;

/** Objects by kind and name. */
export type ObjectIndex = {
  /** In a stable order: namespace, then name. */
  of<K extends Kind>(kind: K): readonly Kinds[K][];
  get<K extends Kind>(kind: K, namespace: string, name: string): Kinds[K] | undefined;
  /** The objects that a lookup finds by a key: kind by kind as the lookup lists them, each in the order of `of`. */
  having<K extends Kind>(lookup: Lookup<K>, key: string): readonly Kinds[K][];
};

type AnyObject = Kinds[Kind];

const NONE: readonly AnyObject[] = [];

const nameOf = ({ metadata }: AnyObject): string => `${metadata.namespace}/${metadata.name}`;

/** Of two objects with the same identity the later one counts. */
export function buildObjectIndex(objects: readonly Decoded[]): ObjectIndex {
  const byKind = new Map<Kind, Map<string, AnyObject>>();
  for (const { object } of objects) {
    const named = byKind.get(object.kind) ?? new Map<string, AnyObject>();
    byKind.set(object.kind, named);
    named.set(nameOf(object), object);
  }
  const sorted = new Map([...byKind].map(([kind, named]) => [kind, [...named.values()].sort(compareNames)]));
  const of = (kind: Kind): readonly AnyObject[] => sorted.get(kind) ?? [];
  const found = new Map<Lookup<Kind>, ReadonlyMap<string, readonly AnyObject[]>>();
  const having = (lookup: Lookup<Kind>, key: string): readonly AnyObject[] => {
    let keyed = found.get(lookup);
    if (keyed === undefined) {
      keyed = byKeys(lookup, of);
      found.set(lookup, keyed);
    }
    return keyed.get(key) ?? NONE;
  };
  const get = (kind: Kind, namespace: string, name: string): AnyObject | undefined =>
    byKind.get(kind)?.get(`${namespace}/${name}`);
  return { of, get, having } as unknown as ObjectIndex;
}

function byKeys(
  lookup: Lookup<Kind>,
  of: (kind: Kind) => readonly AnyObject[],
): ReadonlyMap<string, readonly AnyObject[]> {
  const keyed = new Map<string, AnyObject[]>();
  for (const object of lookup.kinds.flatMap(of)) {
    for (const key of new Set(lookup.keysOf(object))) {
      const before = keyed.get(key);
      if (before === undefined) keyed.set(key, [object]);
      else before.push(object);
    }
  }
  return keyed;
}

/** One object that is another, is new, or is gone. */
export type ObjectChange = { readonly kind: Kind; readonly before?: AnyObject; readonly after?: AnyObject };

/** The objects after a change of one. Costs next to nothing until it is asked about the changed kind. */
export function changedIndex(base: ObjectIndex, { kind, before, after }: ObjectChange): ObjectIndex {
  const changed = (after ?? before) as AnyObject | undefined;
  if (changed === undefined) return base;
  const name = nameOf(changed);
  let all: readonly AnyObject[] | undefined;
  const of = (asked: Kind): readonly AnyObject[] => {
    if (asked !== kind) return base.of(asked);
    all ??= exchanged(base.of(kind), before, after);
    return all;
  };
  const found = new Map<Lookup<Kind>, ReadonlySet<string>>();
  const having = (lookup: Lookup<Kind>, key: string): readonly AnyObject[] => {
    const rest = base.having(lookup, key) as readonly AnyObject[];
    if (!lookup.kinds.includes(kind)) return rest;
    const keys = found.get(lookup) ?? new Set(after === undefined ? [] : lookup.keysOf(after));
    found.set(lookup, keys);
    if (!keys.has(key) && (before === undefined || !rest.includes(before))) return rest;
    return lookup.kinds.flatMap((each) => {
      const own = rest.filter((object) => object.kind === each);
      return each === kind ? exchanged(own, before, keys.has(key) ? after : undefined) : own;
    });
  };
  const get = (asked: Kind, namespace: string, asName: string): AnyObject | undefined =>
    asked === kind && `${namespace}/${asName}` === name ? after : base.get(asked, namespace, asName);
  return { of, get, having } as unknown as ObjectIndex;
}

/** A list in order of names with one object less and one more. */
export function exchanged<T extends AnyObject>(list: readonly T[], before: T | undefined, after: T | undefined): T[] {
  const rest = list.filter((object) => object !== before);
  if (after === undefined) return rest;
  let low = 0;
  let high = rest.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareNames(rest[middle] as T, after) < 0) low = middle + 1;
    else high = middle;
  }
  rest.splice(low, 0, after);
  return rest;
}
