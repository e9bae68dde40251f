import { type CST, isAlias, isCollection, isMap, isSeq, type Node, type Pair, visit } from "yaml";
import { type FieldPath, formatPath } from "../../model/field-path.ts";
import { fail, ok, type Result } from "../../model/result.ts";
import type { Collection } from "./source-tokens.ts";
import { isFlow } from "./source-tokens.ts";
import type { LocatedTree } from "./yaml-locate.ts";
import { isMergeKey, keyText, mergedMaps, pairsOf, rangeOf } from "./yaml-node.ts";

/** One value of a tree, with the tokens of its entry; without them it is the document itself. */
export type Spot = {
  readonly node: Node | null;
  readonly item?: CST.CollectionItem;
  /** The map or list that the entry stands in. */
  readonly parent?: Collection;
  /** Position in `parent`, from 0. */
  readonly position: number;
  /** Inside `{}` or `[]`. */
  readonly flow: boolean;
  readonly depth: number;
};

/** The way to a field: the last value that is written, and what of the path is not. */
export type Target = { readonly spot: Spot; readonly missing: FieldPath };

type Entry = { readonly node: Node | null; readonly item: CST.CollectionItem | undefined; readonly position: number };

const lineOfNode = (node: Node, { lines }: LocatedTree): string => {
  const place = lines.place(rangeOf(node)?.start ?? 0, rangeOf(node)?.start ?? 0);
  return `${place.file}:${place.line}`;
};

const shared = (path: FieldPath, node: Node, tree: LocatedTree) =>
  fail(`${formatPath(path) || "it"} is written once for several places, at ${lineOfNode(node, tree)}`);

/** The entry that a map or list has of its own; merge keys bring none. */
function ownEntry(collection: Collection, step: string | number, tree: LocatedTree): Entry | undefined {
  if (isSeq(collection)) {
    const position = typeof step === "number" ? step : -1;
    const node = collection.items[position];
    if (node === undefined) return undefined;
    const token = collection.srcToken as CST.BlockSequence | CST.FlowCollection | undefined;
    return { node: node as Node | null, item: token?.items[position], position };
  }
  const fits = (pair: Pair<Node | null>) => !isMergeKey(pair.key) && keyText(pair.key, tree.aliases) === String(step);
  const position = pairsOf(collection).findLastIndex(fits);
  const pair = pairsOf(collection)[position];
  return pair === undefined ? undefined : { node: pair.value, item: pair.srcToken, position };
}

/** The map that a merge key brings a field from. */
function mergedFrom(collection: Collection, step: string | number, tree: LocatedTree, depth = 0): Node | undefined {
  if (!isMap(collection) || depth > 100) return undefined;
  const merges = pairsOf(collection).filter(({ key }) => isMergeKey(key));
  for (const map of merges.flatMap(({ value }) => mergedMaps(value, tree.aliases))) {
    if (ownEntry(map, step, tree) !== undefined) return map;
    const deeper = mergedFrom(map, step, tree, depth + 1);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}

/**
 * Follows a path, which starts at the tree's root, as far as it is written. Problems: a part of it is written once for
 * several places (by an alias, a merge key, or an anchor that is used elsewhere).
 */
export function findTarget(tree: LocatedTree, path: FieldPath): Result<Target> {
  const anchored = new Set(tree.aliases.values());
  let spot: Spot = { node: tree.root, position: 0, flow: false, depth: 0 };
  for (let steps = 0; ; steps++) {
    const { node } = spot;
    const alias = isAlias(node) ? tree.aliases.get(node) : undefined;
    const source = alias ?? (node !== null && anchored.has(node) ? node : undefined);
    if (source !== undefined) return shared(path.slice(0, steps), source, tree);
    const step = path[steps];
    if (step === undefined) return ok({ spot, missing: [] });
    if (!isCollection(node)) return ok({ spot, missing: path.slice(steps) });
    const entry = ownEntry(node as Collection, step, tree);
    const merged = entry === undefined ? mergedFrom(node as Collection, step, tree) : undefined;
    if (merged !== undefined) return shared(path.slice(0, steps + 1), merged, tree);
    if (entry === undefined) return ok({ spot, missing: path.slice(steps) });
    if (entry.item === undefined) return fail(`${formatPath(path)} stands in a list of pairs`);
    const flow = spot.flow || isFlow(node);
    spot = { ...entry, item: entry.item, parent: node as Collection, flow, depth: spot.depth + 1 };
  }
}

/** The place of an anchor inside a value that is used outside of it: without the value the use would have no meaning. */
export function anchorInUse(node: Node | null, tree: LocatedTree): string | undefined {
  if (node === null || tree.aliases.size === 0) return undefined;
  const inside = new Set<unknown>();
  visit(node, (_key, each) => {
    inside.add(each);
  });
  for (const [alias, target] of tree.aliases) {
    if (inside.has(target) && !inside.has(alias)) return lineOfNode(target, tree);
  }
  return undefined;
}
