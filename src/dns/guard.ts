import { createLeadsToEgress, nameInData } from "./alias-targets.ts";
import { findAttributeEntry, findEntry, isExact } from "./decide.ts";
import { hasForeignHints } from "./foreign-hints.ts";
import type { EgressEntry, EgressTable } from "./table.ts";
import { TYPE } from "./wire/codes.ts";
import { expandName, foldKey, isAtOrBelow, type NameKey } from "./wire/name.ts";
import type { WireMessage, WireRecord } from "./wire/records.ts";

/** What was kept from a client, for the counters. */
export type GuardEvent = "cname" | "additional" | "svcb_target" | "wildcard_cname";

/** Where an alias chain reaches what must be steered. */
type Splice = {
  readonly entry: EgressEntry;
  /** As on the wire without the root's zero octet, as the alias writes it. */
  readonly owner: string;
  /** It is a port-prefixed name of the egress name (`_8443._https.…`), which has no records at all. */
  readonly attributes: boolean;
};

/** What of an upstream's answer may be shown. */
export type Guarded = {
  readonly keep: readonly WireRecord[];
  readonly events: readonly GuardEvent[];
  /** The alias leads into this egress name: our records follow the kept ones. */
  readonly splice?: Splice;
};

/** A question for one of these is answered by the record itself; the chain behind an alias is not followed. */
const UNFOLLOWED = new Set<number>([TYPE.CNAME, TYPE.DNAME, TYPE.ANY]);

/** Types that may stand in authority under an egress name: they close it, and lead nowhere. */
const HARMLESS_AUTHORITY = new Set<number>([TYPE.SOA, TYPE.NSEC, TYPE.NSEC3, TYPE.RRSIG]);

const rawTarget = (message: WireMessage, record: WireRecord): string | undefined => {
  const name = expandName(message.bytes, record.data);
  return name === undefined || name.end > record.end ? undefined : name.raw;
};

/** Resolvers give up after 8 to 16 aliases; what lies behind this many is not shown. */
const MAX_HOPS = 32;

type Chain = {
  /** Names on the way: their signatures belong to the answer. */
  readonly owners: ReadonlySet<NameKey>;
  /** The CNAME and DNAME records that were followed. An owner has one alias (RFC 2181 section 10.1); others go. */
  readonly aliases: ReadonlySet<WireRecord>;
  /** The name whose records are the answer; undefined when the chain ends in none. */
  readonly end: NameKey | undefined;
  readonly events: readonly GuardEvent[];
  readonly splice?: Splice;
};

type Hop = { readonly via: readonly WireRecord[]; readonly raw: string | undefined };

/** Where `raw` is led, and by which records: by its own CNAME, or by the DNAME above it (RFC 6672 section 2.2). */
export function nextHop(message: WireMessage, aliases: readonly WireRecord[], raw: string): Hop | undefined {
  const current = foldKey(raw);
  const cname = aliases.find((record) => record.type === TYPE.CNAME && record.key === current);
  const dname = aliases.find(
    (record) => record.type === TYPE.DNAME && record.key !== current && isAtOrBelow(current, record.key),
  );
  const via = [dname, cname].filter((record) => record !== undefined);
  // Stub resolvers follow the CNAME that the upstream made of the DNAME; without it the name is made here.
  if (cname !== undefined) return { via, raw: rawTarget(message, cname) };
  if (dname === undefined) return undefined;
  const target = rawTarget(message, dname);
  return { via, raw: target === undefined ? undefined : raw.slice(0, raw.length - dname.key.length) + target };
}

/** Whether a record leads from one name to another. */
export const isAlias = ({ type }: WireRecord): boolean => type === TYPE.CNAME || type === TYPE.DNAME;

/** A question that an alias itself answers. Beside a CNAME nothing else may stand (RFC 1034 section 3.6.2). */
function unfollowed(message: WireMessage, records: readonly WireRecord[], raw: string): Chain {
  const aliases = new Set(records.filter(({ key }) => key === message.key));
  const end = nextHop(message, records, raw) === undefined ? message.key : undefined;
  return { owners: new Set([message.key]), aliases, end, events: [] };
}

/** What an alias that leads to `raw` is cut for: an exact claim, any claim when strict, or attributes of one. */
function spliceAt(table: EgressTable, raw: string, type: number): Splice | undefined {
  const key = foldKey(raw);
  const entry = findEntry(table, key);
  if (entry !== undefined) {
    return table.guard === "strict" || isExact(table, key) ? { entry, owner: raw, attributes: false } : undefined;
  }
  const attributed = findAttributeEntry(table, key, type);
  return attributed && { entry: attributed, owner: raw, attributes: true };
}

/** Walks from the question through CNAME and DNAME to the end, to a loop, or to the first name that must be steered. */
function walkChain(message: WireMessage, table: EgressTable): Chain {
  const records = message.records.filter((record) => record.section === "answer" && isAlias(record));
  let raw = message.bytes.toString("latin1", 12, message.questionEnd - 5);
  if (UNFOLLOWED.has(message.type)) return unfollowed(message, records, raw);
  const owners = new Set<NameKey>([message.key]);
  const aliases = new Set<WireRecord>();
  const events: GuardEvent[] = [];
  for (let hops = 0; hops <= MAX_HOPS; hops++) {
    const next = nextHop(message, records, raw);
    if (next === undefined) return { owners, aliases, end: foldKey(raw), events };
    for (const record of next.via) {
      aliases.add(record);
      owners.add(record.key);
    }
    if (next.raw === undefined || next.raw.length > 254) break;
    raw = next.raw;
    const key = foldKey(raw);
    if (owners.has(key)) break;
    const splice = spliceAt(table, raw, message.type);
    if (splice !== undefined) return { owners, aliases, end: undefined, events: [...events, "cname"], splice };
    if (findEntry(table, key) !== undefined) events.push("wildcard_cname");
    owners.add(key);
  }
  return { owners, aliases, end: undefined, events };
}

/** Whether a record of the answer section belongs to the chain, its hints aside. */
function isOnChain(message: WireMessage, { owners, aliases, end }: Chain, record: WireRecord): boolean {
  if (aliases.has(record)) return true;
  if (record.type === TYPE.RRSIG) return owners.has(record.key);
  return record.key === end && (record.type === message.type || message.type === TYPE.ANY);
}

/**
 * Whether an HTTPS or SVCB record points at an egress name, by however many aliases, or may do so: its hints are that
 * name's real addresses (RFC 9460 section 7.3). The target `.` is the owner itself.
 */
function pointsAtEgress(message: WireMessage, record: WireRecord, leadsToEgress: (key: NameKey) => boolean): boolean {
  if (record.type !== TYPE.HTTPS && record.type !== TYPE.SVCB) return false;
  const target = nameInData(message, record, 2);
  if (target === undefined || leadsToEgress(target === "" ? record.key : target)) return true;
  return hasForeignHints(message, record);
}

/**
 * What may be shown of an upstream's answer to a question for a name that is not egress: the chain up to the first
 * egress name, no record off the chain (RFC 2181 section 5.4.1), and nothing of an egress name elsewhere.
 */
export function guardAnswer(message: WireMessage, table: EgressTable): Guarded {
  if (table.guard === "off") return { keep: message.records, events: [] };
  const chain = walkChain(message, table);
  const { splice } = chain;
  const events: GuardEvent[] = [...chain.events];
  const passes = splice?.entry.status !== "closed" && !splice?.attributes && table.passthrough.has(message.type);
  const passed = splice !== undefined && passes ? foldKey(splice.owner) : undefined;
  let leads: ((key: NameKey) => boolean) | undefined;
  const leadsToEgress = (key: NameKey): boolean => {
    leads ??= createLeadsToEgress(message, table);
    return leads(key);
  };
  const withheld = (record: WireRecord): GuardEvent | undefined => {
    if (pointsAtEgress(message, record, leadsToEgress)) return "svcb_target";
    if (record.section === "answer") return undefined;
    if (record.section === "authority" && HARMLESS_AUTHORITY.has(record.type)) return undefined;
    return leadsToEgress(record.key) ? "additional" : undefined;
  };
  const keep = message.records.filter((record) => {
    if (record.section !== "answer" && splice !== undefined) return false;
    if (record.section === "answer" && !isOnChain(message, chain, record)) {
      return record.key === passed && record.type === message.type;
    }
    const event = withheld(record);
    if (event !== undefined) events.push(event);
    return event === undefined;
  });
  return { keep, events, ...(splice && { splice }) };
}

/**
 * What a pass-through type (MX, TXT, CAA) may show of an egress name: its own records of that type. An alias at the
 * name would be followed for addresses too, a delegation learnt, and additional addresses used.
 */
export const passthroughRecords = (message: WireMessage): readonly WireRecord[] => {
  const own = (record: WireRecord): boolean => record.section === "answer" && record.key === message.key;
  const aliased = message.records.some((r) => own(r) && (r.type === TYPE.CNAME || r.type === TYPE.DNAME));
  return aliased ? [] : message.records.filter((record) => own(record) && record.type === message.type);
};
