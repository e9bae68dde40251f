import { isMap, isScalar, isSeq, type Node, type Scalar } from "yaml";
import type { FieldPath } from "../../model/field-path.ts";
import type { Place, PlacePart, TextRange } from "../../model/place.ts";
import { blockSource } from "./block-scalar-source.ts";
import { doubleQuotedSource, plainSource, singleQuotedSource } from "./flow-scalar-source.ts";
import type { LinePlaces } from "./line-places.ts";
import type { ScalarSource } from "./scalar-source.ts";
import { type AliasTargets, isMergeKey, keyText, mergedMaps, pairsOf, rangeOf, resolved } from "./yaml-node.ts";

/** The tree of one document, as far as finding places needs it. */
export type LocatedTree = { readonly root: Node; readonly aliases: AliasTargets; readonly lines: LinePlaces };

/** One field: where its value is written and, in a map, its key. */
type Written = { readonly value: Node | null; readonly key: Node | null };

/** The entry of a map that counts: the last of equal keys, as in JSON; then what merge keys bring. */
function entryOf(map: Node | null, step: string | number, aliases: AliasTargets, depth = 0): Written | undefined {
  if (isSeq(map)) {
    const item = typeof step === "number" ? map.items[step] : undefined;
    return item === undefined ? undefined : { value: item as Node | null, key: null };
  }
  // Merges inside merges: as deep as the value walk lets aliases nest.
  if (!isMap(map) || depth > 100) return undefined;
  const pairs = pairsOf(map);
  const own = pairs.findLast((pair) => !isMergeKey(pair.key) && keyText(pair.key, aliases) === String(step));
  if (own !== undefined) return { value: own.value, key: own.key };
  for (const pair of pairs) {
    if (!isMergeKey(pair.key)) continue;
    for (const merged of mergedMaps(pair.value, aliases)) {
      const entry = entryOf(merged, step, aliases, depth + 1);
      if (entry !== undefined) return entry;
    }
  }
  return undefined;
}

/** Follows a path as far as it is written. `complete` is false when fields at its end are absent. */
function follow(tree: LocatedTree, path: FieldPath): Written & { readonly complete: boolean } {
  let at: Written = { value: tree.root, key: null };
  for (const step of path) {
    const entry = entryOf(resolved(at.value, tree.aliases), step, tree.aliases);
    if (entry === undefined) return { ...at, complete: false };
    at = entry;
  }
  return { ...at, complete: true };
}

/** Reads a scalar again together with where each unit of its value stands. Undefined for what is no text. */
export function scalarSource(text: string, scalar: Scalar): ScalarSource | undefined {
  const range = rangeOf(scalar);
  if (range === undefined || typeof scalar.value !== "string") return undefined;
  const { start, end } = range;
  switch (scalar.type) {
    case "QUOTE_DOUBLE":
      return doubleQuotedSource(text, start, end);
    case "QUOTE_SINGLE":
      return singleQuotedSource(text, start, end);
    case "BLOCK_LITERAL":
    case "BLOCK_FOLDED":
      return blockSource(text, start, end, scalar.value);
    default:
      return plainSource(text, start, end);
  }
}

/** The place of `range` inside a scalar's value; undefined when the node holds no such text. */
function placeInside(node: Node | null, range: TextRange, lines: LinePlaces): Place | undefined {
  if (!isScalar(node)) return undefined;
  const source = scalarSource(lines.text, node);
  if (source === undefined || source.value !== node.value || source.value === "") return undefined;
  const units = source.value.length;
  const from = Math.min(Math.max(range.start, 0), units);
  const to = Math.min(Math.max(range.end, from), units);
  const start = source.starts[from] ?? source.ends[units - 1] ?? 0;
  const end = to > from ? (source.ends[to - 1] ?? start) : start;
  return lines.place(start, end);
}

/** A node from its first to its last visible character; undefined when nothing is written (`key:`). */
function placeOfNode(node: Node | null, lines: LinePlaces): Place | undefined {
  const range = rangeOf(node);
  if (range === undefined) return undefined;
  const written = lines.text.slice(range.start, range.end).trimEnd().length;
  return written === 0 ? undefined : lines.place(range.start, range.start + written);
}

/** The first line of a node: enough to show the map that a field is missing from. */
function firstLine(node: Node | null, lines: LinePlaces): Place | undefined {
  const range = rangeOf(node);
  if (range === undefined) return undefined;
  const end = Math.min(Math.max(range.end, range.start), lines.endOfLine(range.start));
  return lines.place(range.start, range.start + lines.text.slice(range.start, end).trimEnd().length);
}

/** Finds the place of a field, see `Locate` of the model. */
export function locateIn(tree: LocatedTree, path: FieldPath, part: PlacePart = "value"): Place | undefined {
  const { lines } = tree;
  const found = follow(tree, path);
  if (!found.complete) return placeOfNode(found.key, lines) ?? firstLine(found.value, lines);
  if (part === "key") return placeOfNode(found.key, lines) ?? placeOfNode(found.value, lines);
  const inside = part === "value" ? undefined : placeInside(resolved(found.value, tree.aliases), part, lines);
  return inside ?? placeOfNode(found.value, lines) ?? placeOfNode(found.key, lines) ?? firstLine(tree.root, lines);
}
