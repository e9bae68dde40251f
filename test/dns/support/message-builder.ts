import { foldKey, parentKey } from "../../../src/dns/wire/name.ts";

/** How a name is written: not compressed, its longest known ending as a pointer, or its shortest. */
export type Compression = "none" | "longest" | "shortest";

/** Data of a record: octets, or names (on the wire without the root's zero octet) that may be compressed. */
export type DataPiece = Uint8Array | { readonly name: string; readonly compression: Compression };

export type BuiltRecord = {
  readonly owner: string;
  readonly compression: Compression;
  readonly type: number;
  readonly class?: number;
  readonly ttl: number;
  readonly data: readonly DataPiece[];
};

export type BuiltMessage = {
  readonly flags: number;
  /** Name, type and class as on the wire. */
  readonly question: Uint8Array;
  readonly answer: readonly BuiltRecord[];
  readonly authority: readonly BuiltRecord[];
  readonly additional: readonly BuiltRecord[];
};

const u16 = (value: number): number[] => [value >> 8, value & 0xff];

type Written = { readonly octets: number[]; readonly offsets: Map<string, number> };

const POINTER_LIMIT = 0x4000;

function writeName({ octets, offsets }: Written, raw: string, compression: Compression): void {
  const endings: string[] = [];
  for (let rest = raw; rest !== ""; rest = parentKey(rest)) endings.push(rest);
  const known = endings.filter((ending) => offsets.has(foldKey(ending)));
  const chosen = compression === "none" ? undefined : compression === "longest" ? known[0] : known.at(-1);
  for (const ending of endings) {
    if (ending === chosen) {
      octets.push(...u16(0xc000 | (offsets.get(foldKey(ending)) as number)));
      return;
    }
    if (octets.length < POINTER_LIMIT && !offsets.has(foldKey(ending))) offsets.set(foldKey(ending), octets.length);
    octets.push(...Buffer.from(ending.slice(0, 1 + ending.charCodeAt(0)), "latin1"));
  }
  octets.push(0);
}

function writeRecord(written: Written, record: BuiltRecord): void {
  const { octets } = written;
  writeName(written, record.owner, record.compression);
  octets.push(...u16(record.type), ...u16(record.class ?? 1), ...u16(record.ttl >>> 16), ...u16(record.ttl & 0xffff));
  const sizeAt = octets.length;
  octets.push(0, 0);
  for (const piece of record.data) {
    if (piece instanceof Uint8Array) octets.push(...piece);
    else writeName(written, piece.name, piece.compression);
  }
  const size = octets.length - sizeAt - 2;
  octets[sizeAt] = size >> 8;
  octets[sizeAt + 1] = size & 0xff;
}

/** A message as another program could have written it, with compression of any kind, in data of any type too. */
export function buildMessage(id: number, { flags, question, answer, authority, additional }: BuiltMessage): Buffer {
  const counts = [1, answer.length, authority.length, additional.length];
  const written: Written = { octets: [id, flags, ...counts].flatMap(u16), offsets: new Map() };
  writeName(written, Buffer.from(question.subarray(0, -5)).toString("latin1"), "none");
  written.octets.push(...question.subarray(-4));
  for (const record of [...answer, ...authority, ...additional]) writeRecord(written, record);
  return Buffer.from(written.octets);
}
