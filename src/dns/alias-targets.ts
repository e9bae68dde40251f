import { findAttributeEntry, findEntry } from "./decide.ts";
import type { EgressTable } from "./table.ts";
import { TYPE } from "./wire/codes.ts";
import { expandName, foldKey, isAtOrBelow, type NameKey, parentKey } from "./wire/name.ts";
import { readMessage, type WireMessage, type WireRecord } from "./wire/records.ts";

/** More aliases than any resolver follows; what lies behind them is not shown. */
const MAX_HOPS = 32;
const MAX_KEY_OCTETS = 254;

/** Targets by the owner of the alias; undefined stands for one that cannot be read. */
type Targets = ReadonlyMap<NameKey, readonly (NameKey | undefined)[]>;

/** The name in the data of a record, folded; undefined for one that cannot be read or goes on behind the data. */
export function nameInData(message: WireMessage, record: WireRecord, skip = 0): NameKey | undefined {
  const name = expandName(message.bytes, record.data + skip);
  return name === undefined || name.end > record.end ? undefined : foldKey(name.raw);
}

function targetsOf(message: WireMessage, type: number): Targets {
  const targets = new Map<NameKey, (NameKey | undefined)[]>();
  // A directive below may have left records out; an alias among them tells the truth all the same.
  for (const record of (readMessage(message.bytes) ?? message).records) {
    if (record.type !== type) continue;
    const before = targets.get(record.key);
    if (before === undefined) targets.set(record.key, [nameInData(message, record)]);
    else before.push(nameInData(message, record));
  }
  return targets;
}

/** Where the DNAMEs above a name lead it (RFC 6672 section 2.2). */
function substituted(dnames: Targets, key: NameKey): readonly (NameKey | undefined)[] {
  const found: (NameKey | undefined)[] = [];
  if (dnames.size === 0) return found;
  for (let name = key; name !== ""; ) {
    name = parentKey(name);
    for (const target of dnames.get(name) ?? []) {
      found.push(target === undefined ? undefined : key.slice(0, key.length - name.length) + target);
    }
  }
  return found;
}

/** An egress name, or one with its attributes, such as `_8443._https.api.openai.com`. */
const isHidden = (table: EgressTable, key: NameKey): boolean =>
  findEntry(table, key) !== undefined || findAttributeEntry(table, key, TYPE.HTTPS) !== undefined;

/**
 * Tells whether a name is an egress name or an alias of one by any CNAME or DNAME of the message, whatever section it
 * stands in. A loop, a target that cannot be read and a chain without end count as leading there: such records are not
 * worth a risk. Every name is followed once.
 */
export function createLeadsToEgress(message: WireMessage, table: EgressTable): (key: NameKey) => boolean {
  const cnames = targetsOf(message, TYPE.CNAME);
  const dnames = targetsOf(message, TYPE.DNAME);
  const known = new Map<NameKey, boolean>();
  const leads = (key: NameKey | undefined, hops: number): boolean => {
    if (key === undefined || hops > MAX_HOPS || key.length > MAX_KEY_OCTETS) return true;
    const before = known.get(key);
    if (before !== undefined) return before;
    known.set(key, true);
    const found =
      isHidden(table, key) ||
      (cnames.get(key) ?? []).some((target) => leads(target, hops + 1)) ||
      substituted(dnames, key).some((target) => leads(target, hops + 1));
    known.set(key, found);
    return found;
  };
  return (key) => leads(key, 0);
}

/** Whether an answer leads out of these zones: by the owner of a record or by where an alias points. */
export const leavesZones = (message: WireMessage, zones: readonly NameKey[]): boolean => {
  const outside = (key: NameKey | undefined): boolean =>
    key === undefined || !zones.some((zone) => isAtOrBelow(key, zone));
  return message.records.some((record) => {
    if (record.section === "authority") return false;
    if (outside(record.key)) return true;
    if (record.type === TYPE.CNAME || record.type === TYPE.DNAME) return outside(nameInData(message, record));
    if (record.type !== TYPE.HTTPS && record.type !== TYPE.SVCB) return false;
    const target = nameInData(message, record, 2);
    return target !== "" && outside(target);
  });
};
