import type { Kind, KubeObject } from "./kinds.ts";

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Orders objects by namespace, then name: the stable order of every list that people see. */
export const compareNames = (a: KubeObject<Kind>, b: KubeObject<Kind>): number =>
  byText(a.metadata.namespace, b.metadata.namespace) || byText(a.metadata.name, b.metadata.name);

/**
 * Orders objects from the oldest on, ties by namespace and name (Gateway API's conflict rule, GEP-713 section
 * "Conflict resolution"). An object without creationTimestamp has not been stored yet, so it is the youngest.
 */
export function compareAge(a: KubeObject<Kind>, b: KubeObject<Kind>): number {
  const first = a.metadata.creationTimestamp ?? "";
  const second = b.metadata.creationTimestamp ?? "";
  if (first !== second) return first === "" ? 1 : second === "" ? -1 : byText(first, second);
  return compareNames(a, b);
}
