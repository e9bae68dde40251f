import { findEntry, isExact } from "./decide.ts";
import type { EgressEntry, EgressTable } from "./table.ts";
import { TYPE } from "./wire/codes.ts";
import { expandName, foldKey, isAtOrBelow, type NameKey } from "./wire/name.ts";
import type { WireMessage, WireRecord } from "./wire/records.ts";

/** What was kept from a client, for the counters. */
export type GuardEvent = "cname" | "additional" | "svcb_target" | "wildcard_cname";

/** What of an upstream's answer may be shown. */
export type Guarded = {
  readonly keep: readonly WireRecord[];
  readonly events: readonly GuardEvent[];
  /** The alias leads into this egress name: our records follow the kept ones. */
  readonly splice?: { readonly entry: EgressEntry; readonly owner: string };
};

/** A question for one of these is answered by the record itself; the chain behind an alias is not followed. */
const UNFOLLOWED = new Set<number>([TYPE.CNAME, TYPE.DNAME, TYPE.ANY]);

/** Types that may stand in authority under an egress name: they close it, and lead nowhere. */
const HARMLESS_AUTHORITY = new Set<number>([TYPE.SOA, TYPE.NSEC, TYPE.NSEC3, TYPE.RRSIG]);

const targetOf = (message: WireMessage, offset: number): string | undefined => expandName(message.bytes, offset)?.raw;

/** Resolvers give up after 8 to 16 aliases; what lies behind this many is not shown. */
const MAX_HOPS = 32;

type Chain = {
  /** Owners whose records belong to the answer. */
  readonly owners: ReadonlySet<NameKey>;
  readonly events: readonly GuardEvent[];
  readonly splice?: { readonly entry: EgressEntry; readonly owner: string };
};

/** The name that `current` is an alias of, and the owner of the DNAME if that made it one (RFC 6672 section 2.2). */
function nextName(message: WireMessage, aliases: readonly WireRecord[], current: NameKey, raw: string) {
  const cname = aliases.find((record) => record.type === TYPE.CNAME && record.key === current);
  const dname = aliases.find(
    (record) => record.type === TYPE.DNAME && record.key !== current && isAtOrBelow(current, record.key),
  );
  const target = targetOf(message, (cname ?? dname)?.data ?? message.bytes.length);
  if (target === undefined) return undefined;
  // Stub resolvers follow the CNAME that the upstream made of the DNAME; without it the name is made here.
  const next =
    cname === undefined && dname !== undefined ? raw.slice(0, raw.length - dname.key.length) + target : target;
  return { raw: next, dname: dname?.key };
}

/** Walks from the question through CNAME and DNAME to the end, to a loop, or to the first name that must be steered. */
function walkChain(message: WireMessage, table: EgressTable): Chain {
  const owners = new Set<NameKey>([message.key]);
  const aliases = UNFOLLOWED.has(message.type)
    ? []
    : message.records.filter(
        (record) => record.section === "answer" && (record.type === TYPE.CNAME || record.type === TYPE.DNAME),
      );
  const events: GuardEvent[] = [];
  let raw = message.bytes.toString("latin1", 12, message.questionEnd - 5);
  for (let hops = Math.min(aliases.length, MAX_HOPS); hops > 0; hops--) {
    const next = nextName(message, aliases, foldKey(raw), raw);
    if (next === undefined) break;
    if (next.dname !== undefined) owners.add(next.dname);
    raw = next.raw;
    const key = foldKey(raw);
    if (owners.has(key) || raw.length > 254) break;
    const entry = findEntry(table, key);
    if (entry !== undefined && (table.guard === "strict" || isExact(table, key))) {
      return { owners, events: [...events, "cname"], splice: { entry, owner: raw } };
    }
    if (entry !== undefined) events.push("wildcard_cname");
    owners.add(key);
  }
  return { owners, events };
}

/** An HTTPS or SVCB record whose target is an egress name: its hints are that name's real addresses (RFC 9460). */
function pointsAtEgress(message: WireMessage, table: EgressTable, record: WireRecord): boolean {
  if (record.type !== TYPE.HTTPS && record.type !== TYPE.SVCB) return false;
  const target = targetOf(message, record.data + 2);
  return target === undefined || (target !== "" && findEntry(table, foldKey(target)) !== undefined);
}

/**
 * What may be shown of an upstream's answer to a question for a name that is not egress: the chain up to the first
 * egress name, no record off the chain (RFC 2181 section 5.4.1), and nothing of an egress name elsewhere.
 */
export function guardAnswer(message: WireMessage, table: EgressTable): Guarded {
  if (table.guard === "off") return { keep: message.records, events: [] };
  const chain = walkChain(message, table);
  const events: GuardEvent[] = [...chain.events];
  const spliced = chain.splice !== undefined;
  const passed = spliced && table.passthrough.has(message.type) ? foldKey(chain.splice.owner) : undefined;
  const keep = message.records.filter((record) => {
    if (record.section === "answer") {
      if (record.key === passed && record.type === message.type && chain.splice?.entry.status !== "closed") return true;
      if (!chain.owners.has(record.key)) return false;
      if (!pointsAtEgress(message, table, record)) return true;
      events.push("svcb_target");
      return false;
    }
    if (spliced) return false;
    if (findEntry(table, record.key) === undefined) return true;
    if (record.section === "authority" && HARMLESS_AUTHORITY.has(record.type)) return true;
    events.push("additional");
    return false;
  });
  return { keep, events, ...(chain.splice && { splice: chain.splice }) };
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
