import { TYPE } from "../../wire/codes.ts";
import type { RecordBlock } from "../../wire/reply.ts";
import type { NameMap } from "./name-maps.ts";

/** Pointer to the question, type, class, TTL and RDLENGTH. */
const HEAD_OCTETS = 12;
const TTL_AT = 6;
const SIZE_AT = 10;

/** Where the data of a record leads to a name, for the types that are prepared. */
const NAME_AT = new Map<number, number>([
  [TYPE.NS, 0],
  [TYPE.CNAME, 0],
  [TYPE.PTR, 0],
  [TYPE.DNAME, 0],
  [TYPE.MX, 2],
  [TYPE.SRV, 6],
]);

export type BlockChange = {
  readonly ttl: ((seconds: number) => number) | undefined;
  readonly value: NameMap | undefined;
};

/** Records that were encoded ahead, with other TTLs and values; what they have of the question stays as it is. */
export function changedBlock(block: RecordBlock, { ttl, value }: BlockChange): RecordBlock {
  const records = recordsOf(block.bytes).map((record) => {
    const changed = value === undefined ? Buffer.from(record) : withValue(record, value);
    if (ttl !== undefined) changed.writeUInt32BE(ttl(changed.readUInt32BE(TTL_AT)), TTL_AT);
    return changed;
  });
  const { count, stride } = block;
  return {
    bytes: Buffer.concat(records),
    count,
    stride: records.every(({ length }) => length === stride) ? stride : 0,
  };
}

function recordsOf(bytes: Uint8Array): Buffer[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const records: Buffer[] = [];
  for (let start = 0; start < all.length; ) {
    const end = start + HEAD_OCTETS + all.readUInt16BE(start + SIZE_AT);
    records.push(all.subarray(start, end));
    start = end;
  }
  return records;
}

/** A copy, its name another one. A name that leans on the question is the question's, which is right already. */
function withValue(record: Buffer, value: NameMap): Buffer {
  const at = NAME_AT.get(record.readUInt16BE(2));
  const from = HEAD_OCTETS + (at ?? 0);
  const raw = record.toString("latin1", from, record.length - 1);
  if (at === undefined || !isWhole(raw)) return Buffer.from(record);
  const changed = Buffer.concat([record.subarray(0, from), Buffer.from(`${value(raw)}\0`, "latin1")]);
  changed.writeUInt16BE(changed.length - HEAD_OCTETS, SIZE_AT);
  return changed;
}

/** Whether the labels end where the octets end, without a pointer. */
function isWhole(raw: string): boolean {
  let position = 0;
  while (position < raw.length) {
    const length = raw.charCodeAt(position);
    if (length === 0 || length > 63) return false;
    position += 1 + length;
  }
  return position === raw.length;
}
