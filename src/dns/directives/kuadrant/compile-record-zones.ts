import { normalizeHostname } from "../../../model/hostname.ts";
import type { Kinds } from "../../../model/kinds.ts";
import { hostnameKey } from "../../table.ts";
import { CLASS_IN, TYPE } from "../../wire/codes.ts";
import { foldKey, isAtOrBelow, type NameKey, parentKey, parseName } from "../../wire/name.ts";
import type { RecordBlock } from "../../wire/reply.ts";
import { type EndpointRecord, MAX_TTL_SECONDS, readEndpoint } from "./endpoint-records.ts";
import type { RecordNode, RecordSet, RecordZone, RecordZones } from "./record-zones.ts";

/** On a DNSRecord: the zone that it is served in. */
export const ZONE_LABEL = "kuadrant.io/coredns-zone-name";

export type RecordZonesOptions = {
  /** Default 1. */
  readonly version?: number;
  /** Default true. */
  readonly synced?: boolean;
  /**
   * The only namespaces whose records count, as of Kuadrant's WATCH_NAMESPACES; absent or empty: all. Whoever may write
   * a DNSRecord where it counts may claim any name of a served zone.
   */
  readonly namespaces?: readonly string[];
};

export type CompiledRecordZones = {
  readonly recordZones: RecordZones;
  /** What of the records is not served, a sentence each, with the object's name. */
  readonly problems: readonly string[];
};

/**
 * Compiles DNSRecords to the zones that `kuadrant` directives serve. `zones` are the directives' (root dot optional);
 * records that are labelled with another one are passed over. Pure: the same objects give the same zones.
 */
export function compileRecordZones(
  records: readonly Kinds["DNSRecord"][],
  zones: readonly string[],
  { version = 1, synced = true, namespaces = [] }: RecordZonesOptions = {},
): CompiledRecordZones {
  const served = new Set(zones.map(parseName).map((raw) => raw && foldKey(raw)));
  const byZone = new Map<NameKey, Draft>();
  const problems: string[] = [];
  for (const record of records) {
    const zone = zoneOf(record);
    if (zone === undefined || !served.has(zone)) continue;
    if (namespaces.length > 0 && !namespaces.includes(record.metadata.namespace)) continue;
    const draft = byZone.get(zone) ?? { owners: new Set(), records: [] };
    byZone.set(zone, draft);
    for (const problem of addRecord(draft, record, zone)) {
      problems.push(`DNSRecord ${record.metadata.namespace}/${record.metadata.name}: ${problem}`);
    }
  }
  const compiled = [...byZone].map(([zone, draft]) => [zone, compileZone(zone, draft)] as const);
  return { recordZones: { version, synced, zones: new Map(compiled) }, problems };
}

/** A zone in the making: the names of its endpoints, and the records of those. */
type Draft = { readonly owners: Set<NameKey>; readonly records: EndpointRecord[] };

function zoneOf({ metadata }: Kinds["DNSRecord"]): NameKey | undefined {
  const label = metadata.labels?.[ZONE_LABEL];
  const zone = label === undefined ? undefined : normalizeHostname(label);
  return zone === undefined ? undefined : hostnameKey(zone);
}

/** Adds what of one object lies in its zone; gives the problems. */
function addRecord({ owners, records }: Draft, record: Kinds["DNSRecord"], zone: NameKey): readonly string[] {
  return (record.spec?.endpoints ?? []).flatMap((endpoint) => {
    const read = readEndpoint(endpoint);
    if (!read.ok) return read.problems;
    if (!isAtOrBelow(read.value.owner, zone)) return [`${endpoint.dnsName} lies outside its zone`];
    owners.add(read.value.owner);
    for (const one of read.value.records) records.push(one);
    return read.value.problems;
  });
}

/** Names of endpoints exist even if none of their targets can be used: they have no data, and are no NXDOMAIN. */
function compileZone(zone: NameKey, { owners, records }: Draft): RecordZone {
  const nodes = new Map<NameKey, RecordNode>([[zone, NO_RECORDS]]);
  for (const owner of owners) {
    for (let name = owner; name.length > zone.length && !nodes.has(name); name = parentKey(name)) {
      nodes.set(name, NO_RECORDS);
    }
  }
  const known = new Map<string, RecordSet>();
  for (const [owner, own] of Map.groupBy(records, (record) => record.owner)) {
    const byType = Map.groupBy(own, ({ type }) => type);
    nodes.set(owner, new Map([...byType].map(([type, set]) => [type, shareSet(known, type, set)])));
  }
  return { zone, nodes };
}

const NO_RECORDS: RecordNode = new Map();

const octetsOf = ({ data }: EndpointRecord): string => Buffer.from(data).toString("latin1");

/** Names of one gateway nearly always have the same addresses or the same alias: such sets are there once. */
function shareSet(known: Map<string, RecordSet>, type: number, records: readonly EndpointRecord[]): RecordSet {
  const key = records
    .map((one) => `${type} ${one.ttlSeconds} ${one.weight} ${one.data.length} ${octetsOf(one)}`)
    .join();
  const set = known.get(key) ?? compileSet(type, records);
  known.set(key, set);
  return set;
}

/** RFC 2181 section 5: records of one name and type have one TTL, and none is there twice. */
function compileSet(type: number, records: readonly EndpointRecord[]): RecordSet {
  const distinct = [...Map.groupBy(records, octetsOf).values()].flatMap(([first]) => first ?? []);
  const shown = type === TYPE.CNAME ? aliases(distinct) : withoutZeros(distinct);
  const data = shown.map((record) => new Uint8Array(record.data));
  const ttlSeconds = shown.reduce((least, record) => Math.min(least, record.ttlSeconds), MAX_TTL_SECONDS);
  const drawn = data.length > 1 && (type === TYPE.CNAME || shown.some(({ weight }) => weight !== undefined));
  if (drawn) return { ttlSeconds, data, weights: shown.map(({ weight }) => weight ?? 1) };
  const prepared = type === TYPE.A || type === TYPE.AAAA ? prepare(type, ttlSeconds, data) : undefined;
  return { ttlSeconds, data, ...(prepared && { prepared }) };
}

/** A record of weight 0 counts only where there is no other. */
function withoutZeros(records: readonly EndpointRecord[]): readonly EndpointRecord[] {
  const others = records.filter(({ weight }) => weight !== 0);
  return others.length > 0 ? others : records;
}

/** Of several aliases those with a weight count; where none has one, all of them alike. */
function aliases(records: readonly EndpointRecord[]): readonly EndpointRecord[] {
  const weighted = records.filter(({ weight = 0 }) => weight > 0);
  return weighted.length > 0 ? weighted : withoutZeros(records);
}

/** Addresses of this many octets fit behind any question in 512, with an OPT (RFC 1035 section 4.2.1). */
const MAX_PREPARED_OCTETS = 200;

/** Records whose owner is a pointer to the question. */
function prepare(type: number, ttlSeconds: number, data: readonly Uint8Array[]): RecordBlock | undefined {
  const size = data[0]?.length ?? 0;
  const stride = 12 + size;
  if (stride * data.length > MAX_PREPARED_OCTETS) return undefined;
  const bytes = new Uint8Array(stride * data.length);
  const view = new DataView(bytes.buffer);
  data.forEach((octets, index) => {
    const at = index * stride;
    view.setUint16(at, 0xc00c);
    view.setUint16(at + 2, type);
    view.setUint16(at + 4, CLASS_IN);
    view.setUint32(at + 6, ttlSeconds);
    view.setUint16(at + 10, size);
    bytes.set(octets, at + 12);
  });
  return { bytes, count: data.length, stride };
}
