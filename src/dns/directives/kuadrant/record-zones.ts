import type { NameKey } from "../../wire/name.ts";
import type { RecordBlock } from "../../wire/reply.ts";

/** What the `kuadrant` directive answers from: DNSRecord objects by zone. Immutable, structured-cloneable. */
export type RecordZones = {
  /** Rises with every change; the SOA's serial. */
  readonly version: number;
  /** False before the sources have delivered their objects once: a name's absence then proves nothing. */
  readonly synced: boolean;
  /** A zone that no record names is absent: it is served all the same, without names. */
  readonly zones: ReadonlyMap<NameKey, RecordZone>;
};

export type RecordZone = {
  readonly zone: NameKey;
  /**
   * What there is at each name, the zone's own included, and at each name above one: those have no records, and exist
   * (RFC 8020). A wildcard stands under its own name, `*` as first label.
   */
  readonly nodes: ReadonlyMap<NameKey, RecordNode>;
};

/** Records of one name by type. */
export type RecordNode = ReadonlyMap<number, RecordSet>;

/** Records of one name and type. Never empty. */
export type RecordSet = {
  readonly ttlSeconds: number;
  /** As on the wire; names uncompressed. */
  readonly data: readonly Uint8Array[];
  /**
   * One for each of `data`, 0 to 65535, where one is to be drawn: of several aliases only that one is answered, of
   * several addresses it comes first. All 0: each is as likely as the others.
   */
  readonly weights?: readonly number[];
  /** The same as `data`, where an answer with them fits every client and none is drawn. */
  readonly prepared?: RecordBlock;
};

/** Before the first objects are there. */
export const NO_RECORD_ZONES: RecordZones = { version: 0, synced: false, zones: new Map() };
