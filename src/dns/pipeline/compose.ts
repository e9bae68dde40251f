import { CLASS_IN, FLAG } from "../wire/codes.ts";
import {
  createMessageWriter,
  type MessageWriter,
  type RecordChange,
  writeChangedRecord,
  writeNewRecord,
  writePrepared,
  writeQuestion,
} from "../wire/message-writer.ts";
import { readMessage, type Section, type WireMessage, type WireRecord } from "../wire/records.ts";
import type { RecordBlock } from "../wire/reply.ts";
import { type Exchange, questionOctets } from "./exchange.ts";

/** A record to be written. */
export type NewRecord = {
  readonly section: Section;
  /** As on the wire without the root's zero octet; the case is kept. */
  readonly owner: string;
  readonly type: number;
  /** Default IN. */
  readonly class?: number;
  readonly ttlSeconds: number;
  /** As on the wire; names uncompressed. */
  readonly data: Uint8Array;
};

/** A record of another message, with another TTL or other names if so wished. */
export type CopiedRecord = { readonly from: WireMessage; readonly record: WireRecord } & RecordChange;

/** Records that were encoded ahead, under `owner`. */
export type PreparedRecords = { readonly section: Section; readonly owner: string; readonly prepared: RecordBlock };

export type Piece = NewRecord | CopiedRecord | PreparedRecords;

export type Composed = { readonly rcode: number; readonly flags?: number; readonly pieces: readonly Piece[] };

const SECTIONS: readonly Section[] = ["answer", "authority", "additional"];

const sectionOf = (piece: Piece): Section => ("from" in piece ? piece.record.section : piece.section);

function* preparedRecords({ bytes, count, stride }: RecordBlock): Generator<Uint8Array> {
  if (stride === 0) yield bytes;
  else for (let index = 0; index < count; index++) yield bytes.subarray(index * stride, (index + 1) * stride);
}

/** Gives the number of records written; -1 when one cannot be. */
function writePiece(writer: MessageWriter, piece: Piece): number {
  if ("from" in piece) return writeChangedRecord(writer, piece.from.bytes, piece.record, piece) ? 1 : -1;
  if ("data" in piece) return writeNewRecord(writer, { ...piece, class: piece.class ?? CLASS_IN }) ? 1 : -1;
  for (const record of preparedRecords(piece.prepared)) if (!writePrepared(writer, piece.owner, record)) return -1;
  return piece.prepared.count;
}

/**
 * Builds a message in answer to what is asked, with names compressed. Pieces may come in any order; sections are put in
 * theirs. Undefined when a copied record is malformed or 65535 octets do not hold them all.
 */
export function composeMessage(exchange: Exchange, { rcode, flags = 0, pieces }: Composed): WireMessage | undefined {
  const question = questionOctets(exchange);
  const writer = createMessageWriter();
  const header = Buffer.alloc(12 + question.length);
  question.copy(header, 12);
  header.writeUInt16BE(FLAG.QR | flags | (rcode & 0xf), 2);
  header.writeUInt16BE(1, 4);
  writeQuestion(writer, header, header.length);
  for (const [index, section] of SECTIONS.entries()) {
    let count = 0;
    for (const piece of pieces) {
      const written = sectionOf(piece) === section ? writePiece(writer, piece) : 0;
      if (written === -1) return undefined;
      count += written;
    }
    writer.bytes.writeUInt16BE(count, 6 + 2 * index);
  }
  const message = readMessage(Buffer.from(writer.bytes.subarray(0, writer.length)));
  return message === undefined ? undefined : { ...message, rcode };
}
