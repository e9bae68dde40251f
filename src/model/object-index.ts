import { compareNames } from "./age.ts";
import type { Decoded } from "./decode.ts";
import type { Kind, Kinds } from "./kinds.ts";

/** Objects by kind and name. `of` gives them in a stable order: namespace, then name. */
export type ObjectIndex = {
  of<K extends Kind>(kind: K): readonly Kinds[K][];
  get<K extends Kind>(kind: K, namespace: string, name: string): Kinds[K] | undefined;
};

/** Of two objects with the same identity the later one counts. */
export function buildObjectIndex(objects: readonly Decoded[]): ObjectIndex {
  const byKind = new Map<Kind, Map<string, Kinds[Kind]>>();
  for (const { object } of objects) {
    const named = byKind.get(object.kind) ?? new Map<string, Kinds[Kind]>();
    byKind.set(object.kind, named);
    named.set(`${object.metadata.namespace}/${object.metadata.name}`, object);
  }
  const sorted = new Map([...byKind].map(([kind, named]) => [kind, [...named.values()].sort(compareNames)]));
  return {
    of: <K extends Kind>(kind: K) => (sorted.get(kind) ?? []) as unknown as readonly Kinds[K][],
    get: <K extends Kind>(kind: K, namespace: string, name: string) =>
      byKind.get(kind)?.get(`${namespace}/${name}`) as unknown as Kinds[K] | undefined,
  };
}
