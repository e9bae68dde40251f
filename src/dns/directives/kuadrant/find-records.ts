import { TYPE } from "../../wire/codes.ts";
import { type NameKey, parentKey } from "../../wire/name.ts";
import type { RecordNode, RecordSet, RecordZone } from "./record-zones.ts";

/** What a zone says about a name. */
export type Found =
  | { readonly kind: "node"; readonly node: RecordNode }
  /** The name lies in a zone of its own: these servers have it. */
  | { readonly kind: "delegation"; readonly cut: NameKey; readonly servers: RecordSet }
  /** NXDOMAIN: neither the name nor one below it nor a wildcard above it is there. */
  | { readonly kind: "nothing" };

const NOTHING: Found = { kind: "nothing" };
const WILDCARD = "\x01*";

/**
 * Finds a name that lies in the zone. A delegation above it counts before everything (RFC 1034 section 4.3.2), the
 * nearest to the zone's own name first; a wildcard only if it stands directly below the closest name that exists
 * (RFC 4592 section 3.3.1). The signer's record of a delegation (DS) is the parent's.
 */
export function findName({ zone, nodes }: RecordZone, key: NameKey, type: number): Found {
  let closest: NameKey | undefined;
  let cut: { readonly name: NameKey; readonly servers: RecordSet } | undefined;
  for (let name = key; name.length > zone.length; name = parentKey(name)) {
    const node = nodes.get(name);
    if (node === undefined) continue;
    closest ??= name;
    const servers = node.get(TYPE.NS);
    if (servers !== undefined && !(type === TYPE.DS && name === key)) cut = { name, servers };
  }
  if (cut !== undefined) return { kind: "delegation", cut: cut.name, servers: cut.servers };
  const node = nodes.get(key) ?? nodes.get(WILDCARD + (closest ?? zone));
  return node === undefined ? NOTHING : { kind: "node", node };
}

/**
 * Draws one of a set by weight: its place in `data`. `random` gives integers below a bound of at most 65536; two of
 * them are taken, because weights add up beyond that.
 */
export function drawRecord({ data, weights }: RecordSet, random: (bound: number) => number): number {
  if (weights === undefined) return 0;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const drawn = random(0x10000) * 0x10000 + random(0x10000);
  if (total === 0) return drawn % data.length;
  let left = drawn % total;
  for (const [index, weight] of weights.entries()) {
    if (left < weight) return index;
    left -= weight;
  }
  return 0;
}
