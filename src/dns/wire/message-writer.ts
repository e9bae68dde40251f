import { TYPE } from "./codes.ts";
import { expandName } from "./name.ts";
import type { WireRecord } from "./records.ts";
import { TCP_OCTETS } from "./reply.ts";

type Piece = number | "name" | "text" | "rest";

const ONE_NAME: readonly Piece[] = ["name"];
const TWO_NAMES: readonly Piece[] = ["name", "name"];
const PREFERENCE_AND_NAME: readonly Piece[] = [2, "name"];
const REST: readonly Piece[] = ["rest"];

/**
 * What the data of the types is made of that may hold compressed names (RFC 3597 section 4); numbers count octets.
 * All other data is copied as it is.
 */
const DATA_PIECES = new Map<number, readonly Piece[]>([
  [TYPE.NS, ONE_NAME],
  [3, ONE_NAME], // MD
  [4, ONE_NAME], // MF
  [TYPE.CNAME, ONE_NAME],
  [TYPE.SOA, ["name", "name", 20]],
  [7, ONE_NAME], // MB
  [8, ONE_NAME], // MG
  [9, ONE_NAME], // MR
  [TYPE.PTR, ONE_NAME],
  [14, TWO_NAMES], // MINFO
  [TYPE.MX, PREFERENCE_AND_NAME],
  [17, TWO_NAMES], // RP
  [18, PREFERENCE_AND_NAME], // AFSDB
  [21, PREFERENCE_AND_NAME], // RT
  [24, [18, "name", "rest"]], // SIG
  [26, [2, "name", "name"]], // PX
  [30, ["name", "rest"]], // NXT
  [TYPE.SRV, [6, "name"]],
  [TYPE.NAPTR, [4, "text", "text", "text", "name"]],
  [36, PREFERENCE_AND_NAME], // KX
  [TYPE.DNAME, ONE_NAME],
  [TYPE.RRSIG, [18, "name", "rest"]],
]);

/** Types whose names may be compressed when sent: those of RFC 1035 only (RFC 3597 section 4). */
const COMPRESSIBLE = new Set<number>([TYPE.NS, TYPE.CNAME, TYPE.SOA, TYPE.PTR, TYPE.MX]);

const POINTER_LIMIT = 0x4000;

/** Type, class, TTL and RDLENGTH stand before the data. */
const SOA_DATA = 10;

/**
 * A message that is built of records of other messages, so that records can be left out without breaking pointers.
 * Names are compressed against all names written before.
 */
export type MessageWriter = {
  readonly bytes: Buffer;
  /** Octets written. */
  length: number;
  /** Where each name, and each of its parents, was written; by the octets of the name, case included. */
  readonly offsets: Map<string, number>;
};

export const createMessageWriter = (): MessageWriter => ({
  bytes: Buffer.allocUnsafe(TCP_OCTETS),
  length: 0,
  offsets: new Map(),
});

/** Copies header and question, which end at `end`; the header is the caller's to fill. */
export function writeQuestion(writer: MessageWriter, message: Buffer, end: number): void {
  message.copy(writer.bytes, 0, 0, end);
  writer.length = end;
  let offset = 12;
  for (let rest = message.toString("latin1", 12, end - 5); rest !== ""; rest = withoutFirstLabel(rest)) {
    remember(writer, rest, offset);
    offset += labelOctets(rest);
  }
}

/** Copies one record of `message`, with another TTL if one is given. False, and nothing written, when its data is not what its type says or does not fit. */
export const writeRecord = (writer: MessageWriter, message: Buffer, record: WireRecord, ttlSeconds?: number): boolean =>
  writeChangedRecord(writer, message, record, ttlSeconds === undefined ? {} : { ttlSeconds });

/** What becomes of a record while it is copied. Names as on the wire without the root's zero octet, 254 octets at most. */
export type RecordChange = {
  readonly ttlSeconds?: number;
  readonly owner?: (raw: string) => string;
  /** The name that the data leads to: of a VALUE_TYPES record, of others nothing. */
  readonly value?: (raw: string) => string;
};

/** Types whose data leads to another name. Of an SOA it is the first name, the primary server. */
const VALUE_TYPES = new Set<number>([
  TYPE.NS,
  TYPE.CNAME,
  TYPE.SOA,
  TYPE.PTR,
  TYPE.MX,
  TYPE.SRV,
  TYPE.NAPTR,
  TYPE.DNAME,
]);

/** As `writeRecord`, with other names if so wished. */
export const writeChangedRecord = (
  writer: MessageWriter,
  message: Buffer,
  record: WireRecord,
  { ttlSeconds, owner: changeOwner, value }: RecordChange,
): boolean =>
  undoable(writer, () => {
    const owner = expandName(message, record.start);
    if (owner === undefined || !writeName(writer, changeOwner?.(owner.raw) ?? owner.raw, true)) return false;
    if (!put(writer, message.subarray(owner.end, record.data - 2))) return false;
    const sizeAt = writer.length;
    const change = VALUE_TYPES.has(record.type) ? value : undefined;
    if (!put(writer, Uint8Array.of(0, 0)) || !writeData(writer, message, record, change)) return false;
    writer.bytes.writeUInt16BE(writer.length - sizeAt - 2, sizeAt);
    if (ttlSeconds !== undefined) writer.bytes.writeUInt32BE(ttlSeconds, sizeAt - 4);
    return true;
  });

/** Writes one record; its data stands as it is, so names in it must not be compressed. False when it does not fit. */
export const writeNewRecord = (
  writer: MessageWriter,
  record: { owner: string; type: number; class: number; ttlSeconds: number; data: Uint8Array },
): boolean =>
  undoable(writer, () => {
    if (record.data.length > 0xffff || !writeName(writer, record.owner, true)) return false;
    const fixed = Buffer.alloc(10);
    fixed.writeUInt16BE(record.type, 0);
    fixed.writeUInt16BE(record.class, 2);
    fixed.writeUInt32BE(record.ttlSeconds, 4);
    fixed.writeUInt16BE(record.data.length, 8);
    return put(writer, fixed) && put(writer, record.data);
  });

/**
 * Appends one record of a RecordBlock under `owner`, a name as on the wire without the root: the pointer to the question
 * at its start gives way to that name, and in an SOA the pointer at the start of its data (MNAME) too.
 */
export const writePrepared = (writer: MessageWriter, owner: string, record: Uint8Array): boolean =>
  undoable(writer, () => {
    if (!writeName(writer, owner, true)) return false;
    const body = Buffer.from(record.subarray(2));
    if (body.readUInt16BE(0) === TYPE.SOA) {
      const ownerAt = writer.offsets.get(owner);
      if (ownerAt === undefined) return false;
      body.writeUInt16BE(0xc000 | ownerAt, SOA_DATA);
    }
    return put(writer, body);
  });

const labelOctets = (name: string): number => 1 + name.charCodeAt(0);
const withoutFirstLabel = (name: string): string => name.slice(labelOctets(name));

function put(writer: MessageWriter, octets: Uint8Array): boolean {
  if (writer.length + octets.length > writer.bytes.length) return false;
  writer.bytes.set(octets, writer.length);
  writer.length += octets.length;
  return true;
}

function remember({ offsets }: MessageWriter, name: string, position: number): void {
  if (position < POINTER_LIMIT && !offsets.has(name)) offsets.set(name, position);
}

function writeName(writer: MessageWriter, raw: string, compress: boolean): boolean {
  for (let rest = raw; rest !== ""; rest = withoutFirstLabel(rest)) {
    const known = compress ? writer.offsets.get(rest) : undefined;
    if (known !== undefined) return put(writer, Uint8Array.of(0xc0 | (known >> 8), known & 0xff));
    remember(writer, rest, writer.length);
    if (!put(writer, Buffer.from(rest.slice(0, labelOctets(rest)), "latin1"))) return false;
  }
  return put(writer, Uint8Array.of(0));
}

/** `change` is for the first name. */
function writeData(
  writer: MessageWriter,
  message: Buffer,
  record: WireRecord,
  change: ((raw: string) => string) | undefined,
): boolean {
  let from = record.data;
  let pending = change;
  for (const piece of DATA_PIECES.get(record.type) ?? REST) {
    if (piece === "name") {
      const name = expandName(message, from);
      if (name === undefined || name.end > record.end) return false;
      if (!writeName(writer, pending?.(name.raw) ?? name.raw, COMPRESSIBLE.has(record.type))) return false;
      pending = undefined;
      from = name.end;
      continue;
    }
    const size = piece === "rest" ? record.end - from : piece === "text" ? 1 + (message[from] ?? 0) : piece;
    if (from + size > record.end || !put(writer, message.subarray(from, from + size))) return false;
    from += size;
  }
  return from === record.end;
}

function undoable(writer: MessageWriter, write: () => boolean): boolean {
  const before = writer.length;
  if (write()) return true;
  for (const [name, offset] of writer.offsets) if (offset >= before) writer.offsets.delete(name);
  writer.length = before;
  return false;
}
