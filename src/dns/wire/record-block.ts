import { CLASS_IN } from "./codes.ts";
import type { RecordBlock } from "./reply.ts";

export type BlockRecords = {
  readonly type: number;
  /** Default IN. */
  readonly class?: number;
  readonly ttlSeconds: number;
  /** The data of each record, as on the wire; names uncompressed. At least one. */
  readonly data: readonly Uint8Array[];
};

/** Owner (a pointer to the question), type, class, TTL and RDLENGTH. */
const HEAD_OCTETS = 12;

/** Encodes records whose owner is the question's name. Those with data of one length may take turns. */
export function recordBlock({ type, class: klass = CLASS_IN, ttlSeconds, data }: BlockRecords): RecordBlock {
  const parts = data.map((octets) => {
    const head = Buffer.alloc(HEAD_OCTETS);
    head.writeUInt16BE(0xc00c, 0);
    head.writeUInt16BE(type, 2);
    head.writeUInt16BE(klass, 4);
    head.writeUInt32BE(ttlSeconds, 6);
    head.writeUInt16BE(octets.length, 10);
    return Buffer.concat([head, octets]);
  });
  const length = parts[0]?.length ?? 0;
  const stride = parts.every((part) => part.length === length) ? length : 0;
  return { bytes: new Uint8Array(Buffer.concat(parts)), count: parts.length, stride };
}
