import type { NewRecord } from "../../pipeline/compose.ts";
import { TYPE } from "../../wire/codes.ts";
import { foldKey, type NameKey } from "../../wire/name.ts";
import { drawRecord, findName } from "./find-records.ts";
import type { RecordNode, RecordSet, RecordZone } from "./record-zones.ts";

/** Where a name leads: to the last name of its aliases. */
export type WalkEnd =
  | { readonly kind: "data"; readonly sets: readonly (readonly [type: number, set: RecordSet])[] }
  | { readonly kind: "nodata"; readonly zone: NameKey }
  | { readonly kind: "nothing"; readonly zone: NameKey }
  | { readonly kind: "delegation"; readonly cut: NameKey; readonly servers: RecordSet }
  /** The last name lies in no zone that is served here. */
  | { readonly kind: "outside" }
  /** The aliases lead in a circle, or on and on. */
  | { readonly kind: "endless" };

export type Walk = {
  /** In order; empty for a name that is no alias. */
  readonly aliases: readonly NewRecord[];
  /** The name that `end` is about, as on the wire without the root. */
  readonly owner: string;
  readonly end: WalkEnd;
};

export type WalkDeps = {
  /** The zone that a name lies in; undefined for one that is not served here. */
  readonly zoneOf: (key: NameKey) => RecordZone | undefined;
  readonly random: (bound: number) => number;
};

/** As many aliases as resolvers follow, and as CoreDNS does. */
const MAX_ALIASES = 8;

/** Types that an alias answers itself. */
const UNFOLLOWED: ReadonlySet<number> = new Set([TYPE.CNAME, TYPE.ANY]);

/** What a node has of a type. Of ANY one set is enough, the alias if it is one (RFC 8482 section 4.1). */
function setsOf(node: RecordNode, type: number): readonly (readonly [type: number, set: RecordSet])[] {
  if (type !== TYPE.ANY) return [...node].filter(([one]) => one === type);
  const alias = node.get(TYPE.CNAME);
  return alias === undefined ? [...node].slice(0, 1) : [[TYPE.CNAME, alias]];
}

type Alias = { readonly kind: "alias"; readonly set: RecordSet };

function endOf(zone: RecordZone, key: NameKey, type: number): WalkEnd | Alias {
  const found = findName(zone, key, type);
  if (found.kind === "delegation") return found;
  if (found.kind === "nothing") return { kind: "nothing", zone: zone.zone };
  const alias = found.node.get(TYPE.CNAME);
  if (alias !== undefined && !UNFOLLOWED.has(type)) return { kind: "alias", set: alias };
  const sets = setsOf(found.node, type);
  return sets.length === 0 ? { kind: "nodata", zone: zone.zone } : { kind: "data", sets };
}

/** Follows aliases from `raw` on, as long as they stay in zones that are served here. */
export function walkAliases({ zoneOf, random }: WalkDeps, raw: string, type: number): Walk {
  const aliases: NewRecord[] = [];
  const seen = new Set<NameKey>();
  for (let owner = raw; ; ) {
    const key = foldKey(owner);
    if (seen.has(key) || seen.size > MAX_ALIASES) return { aliases, owner, end: { kind: "endless" } };
    seen.add(key);
    const zone = zoneOf(key);
    if (zone === undefined) return { aliases, owner, end: { kind: "outside" } };
    const end = endOf(zone, key, type);
    if (end.kind !== "alias") return { aliases, owner, end };
    const { data, ttlSeconds } = end.set;
    const drawn = data[drawRecord(end.set, random)];
    if (drawn === undefined) return { aliases, owner, end: { kind: "nodata", zone: zone.zone } };
    aliases.push({ section: "answer", owner, type: TYPE.CNAME, ttlSeconds, data: drawn });
    owner = Buffer.from(drawn).toString("latin1", 0, drawn.length - 1);
  }
}
