import { isAlias, isMap, isPair, isScalar, type Node, type Pair, type Scalar, type YAMLMap } from "yaml";

/** Alias nodes of a document with the node that each stands for. */
export type AliasTargets = ReadonlyMap<Node, Node>;

/** What a node stands for: itself, or for an alias the node with the anchor. */
export const resolved = (node: Node | null, targets: AliasTargets): Node | null =>
  isAlias(node) ? (targets.get(node) ?? null) : node;

/** The key of a map entry as JSON has it: always a string. Undefined for keys that are maps or lists. */
export function keyText(key: unknown, targets: AliasTargets): string | undefined {
  const node = isAlias(key) ? (targets.get(key) ?? null) : key;
  if (node === null || node === undefined) return "null";
  if (!isScalar(node)) return undefined;
  return String(node.value);
}

/** Where a node is written, from its first to after its last character; anchors and tags before it are left out. */
export function rangeOf(node: unknown): { readonly start: number; readonly end: number } | undefined {
  const range = (node as { range?: readonly [number, number, number] | null } | null | undefined)?.range;
  return range === null || range === undefined ? undefined : { start: range[0], end: range[1] };
}

/** `<<` written plainly: the entry's maps are merged into the map around it (YAML 1.1, as kubectl reads it). */
export const isMergeKey = (key: unknown): boolean => isScalar(key) && key.type === "PLAIN" && key.value === "<<";

/** Pairs with the types that parsed trees have. */
export const pairsOf = (map: YAMLMap): readonly Pair<Node | null, Node | null>[] =>
  map.items as Pair<Node | null, Node | null>[];

/** The maps that a merge entry brings, the first taking precedence. */
export function mergedMaps(value: Node | null, targets: AliasTargets): readonly YAMLMap[] {
  const node = resolved(value, targets);
  if (isMap(node)) return [node];
  const items = (node as { items?: readonly unknown[] } | null)?.items ?? [];
  return items.flatMap((item) => {
    const map = isPair(item) ? null : resolved(item as Node | null, targets);
    return isMap(map) ? [map] : [];
  });
}

export const isPlain = (node: unknown): node is Scalar => isScalar(node) && node.type === "PLAIN";
