import { reverseZones } from "../../corefile/reverse-zone.ts";
import { type PreparedAnswer, refusal } from "../../pipeline/answer.ts";
import { ipv4Octets, ipv6Octets } from "../../wire/address-octets.ts";
import { RCODE, TYPE } from "../../wire/codes.ts";
import { foldKey, type NameKey, parentKey, parseName } from "../../wire/name.ts";
import { recordBlock } from "../../wire/record-block.ts";
import { settingKey, type ZoneLookup } from "../zone-lookup.ts";
import type { HostsEntry } from "./setup.ts";

/** What one name has. Its answers are made when they are first asked for: a list may have names by the 100,000. */
export type ListedHost = {
  readonly a: Uint8Array[];
  readonly aaaa: Uint8Array[];
  answerA: PreparedAnswer | undefined;
  answerAaaa: PreparedAnswer | undefined;
};

export type HostIndex = {
  readonly names: Map<NameKey, ListedHost>;
  /** Names by reverse name. */
  readonly pointers: Map<NameKey, NameKey[]>;
  hasWildcards: boolean;
  /** Addresses of names and names of addresses, as CoreDNS counts them. */
  size: number;
};

export const emptyIndex = (): HostIndex => ({ names: new Map(), pointers: new Map(), hasWildcards: false, size: 0 });

export type IndexOptions = {
  /** Names outside are left out. */
  readonly zoneOf: ZoneLookup;
  readonly reverse: boolean;
};

/**
 * Addresses of one name and family, and names of one address: more fit into no answer that a client can use. A list of
 * blocked names gives 0.0.0.0 all of its names.
 */
const MAX_RECORDS = 256;

const WILDCARD = settingKey("*.");

/** Adds one line. An address that a name already has is not added again. */
export function addEntry(index: HostIndex, { address, names }: HostsEntry, { zoneOf, reverse }: IndexOptions): void {
  const octets = ipv4Octets(address) ?? ipv6Octets(address);
  if (octets === undefined) return;
  for (const name of names) {
    const key = foldKey(parseName(name) ?? "");
    // A wildcard may make a name too long.
    if (key === "" || zoneOf(key) === undefined) continue;
    addAddress(index, key, octets);
    if (!key.startsWith(WILDCARD)) {
      if (reverse) addPointer(index, address, key);
    } else index.hasWildcards = true;
  }
}

function addAddress(index: HostIndex, key: NameKey, octets: Uint8Array): void {
  const listed = index.names.get(key) ?? { a: [], aaaa: [], answerA: undefined, answerAaaa: undefined };
  const addresses = octets.length === 4 ? listed.a : listed.aaaa;
  if (addresses.length >= MAX_RECORDS || addresses.some((one) => Buffer.compare(one, octets) === 0)) return;
  addresses.push(octets);
  index.names.set(key, listed);
  index.size += 1;
}

function addPointer(index: HostIndex, address: string, key: NameKey): void {
  const reverse = reverseZones(address, address.includes(":") ? "128" : "32");
  const pointer = settingKey((reverse.ok ? reverse.value[0] : undefined) ?? ".");
  const names = index.pointers.get(pointer) ?? [];
  if (names.length >= MAX_RECORDS || names.includes(key)) return;
  names.push(key);
  index.pointers.set(pointer, names);
  index.size += 1;
}

/** A name's own line, or else that of `*` in the place of its first label. */
export function findHost({ names, hasWildcards }: HostIndex, key: NameKey): ListedHost | undefined {
  const listed = names.get(key);
  if (listed !== undefined || !hasWildcards || key === "") return listed;
  return names.get(WILDCARD + parentKey(key));
}

/** NOERROR without records: the name is there, the type is not. */
export const NODATA = refusal("hosts", RCODE.NOERROR);

/** The addresses of one family. */
export function addressAnswer(listed: ListedHost, type: number, ttlSeconds: number): PreparedAnswer {
  if (type === TYPE.A) {
    listed.answerA ??= prepare(TYPE.A, listed.a, ttlSeconds);
    return listed.answerA;
  }
  listed.answerAaaa ??= prepare(TYPE.AAAA, listed.aaaa, ttlSeconds);
  return listed.answerAaaa;
}

const prepare = (type: number, data: readonly Uint8Array[], ttlSeconds: number): PreparedAnswer =>
  data.length === 0 ? NODATA : { ...NODATA, answer: recordBlock({ type, ttlSeconds, data }) };
