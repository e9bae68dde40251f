import { FLAG, TYPE } from "./codes.ts";
import { expandName, foldKey, type NameKey } from "./name.ts";

export type Section = "answer" | "authority" | "additional";

/** One record of a message, as offsets into it. */
export type WireRecord = {
  readonly section: Section;
  readonly key: NameKey;
  readonly type: number;
  readonly ttlSeconds: number;
  /** Where the record, its data, and the next record start. */
  readonly start: number;
  readonly data: number;
  readonly end: number;
};

/** A reply of an upstream, walked once. */
export type WireMessage = {
  readonly bytes: Buffer;
  readonly flags: number;
  /** With the extended part, which travels in the OPT (RFC 6891 section 6.1.3). */
  readonly rcode: number;
  readonly truncated: boolean;
  readonly key: NameKey;
  readonly type: number;
  readonly questionEnd: number;
  /** All but OPT, in message order. */
  readonly records: readonly WireRecord[];
  /** Where the records end that may be copied as one piece: an OPT stands behind them, or nothing; -1 otherwise. */
  readonly plainEnd: number;
};

const HEADER_OCTETS = 12;
const SECTIONS: readonly Section[] = ["answer", "authority", "additional"];
/** The first octets of an owner that is a pointer to the question, by far the most frequent one. */
const POINTER_TO_QUESTION = 0xc00c;

function readRecord(bytes: Buffer, start: number, section: Section, question: NameKey): WireRecord | undefined {
  let key: NameKey = question;
  let position = start + 2;
  if (start + 12 > bytes.length || bytes.readUInt16BE(start) !== POINTER_TO_QUESTION) {
    const owner = expandName(bytes, start);
    if (owner === undefined) return undefined;
    key = foldKey(owner.raw);
    position = owner.end;
  }
  const data = position + 10;
  if (data > bytes.length) return undefined;
  const end = data + bytes.readUInt16BE(position + 8);
  if (end > bytes.length) return undefined;
  const ttl = bytes.readUInt32BE(position + 4);
  // RFC 2181 section 8: a TTL with the highest bit set counts as zero.
  return { section, key, type: bytes.readUInt16BE(position), ttlSeconds: ttl > 0x7fffffff ? 0 : ttl, start, data, end };
}

type Walked = Pick<WireMessage, "records" | "plainEnd"> & { readonly extendedRcode: number };

/** Walks the records from `start` on, as many as the header counts. */
function walkRecords(bytes: Buffer, start: number, question: NameKey): Walked | undefined {
  const records: WireRecord[] = [];
  let opt: WireRecord | undefined;
  let opts = 0;
  let position = start;
  for (let section = 0; section < SECTIONS.length; section++) {
    const count = bytes.readUInt16BE(6 + 2 * section);
    for (let index = 0; index < count; index++) {
      const record = readRecord(bytes, position, SECTIONS[section] as Section, question);
      if (record === undefined) return undefined;
      if (record.type === TYPE.OPT) {
        opt = record;
        opts++;
      } else records.push(record);
      position = record.end;
    }
  }
  if (opt === undefined) return { records, plainEnd: position, extendedRcode: 0 };
  // The OPT's TTL field, whose first octet this is, ends where the data's length starts.
  const plainEnd = opts === 1 && opt.end === position ? opt.start : -1;
  return { records, plainEnd, extendedRcode: bytes[opt.data - 6] as number };
}

/** Walks a message with one question. Undefined when it is not well formed; octets behind the last record are passed over. */
export function readMessage(bytes: Buffer): WireMessage | undefined {
  if (bytes.length < HEADER_OCTETS || bytes.readUInt16BE(4) !== 1) return undefined;
  const question = expandName(bytes, HEADER_OCTETS);
  // A question has nothing before it to point at.
  if (question === undefined || question.end !== HEADER_OCTETS + question.raw.length + 1) return undefined;
  const questionEnd = question.end + 4;
  return questionEnd > bytes.length ? undefined : readBehind(bytes, questionEnd, foldKey(question.raw));
}

/** The same for a message whose question is known: one question for `key` stands in it and ends at `questionEnd`. */
export function readBehind(bytes: Buffer, questionEnd: number, key: NameKey): WireMessage | undefined {
  const walked = walkRecords(bytes, questionEnd, key);
  if (walked === undefined) return undefined;
  const flags = bytes.readUInt16BE(2);
  return {
    bytes,
    flags,
    rcode: (walked.extendedRcode << 4) | (flags & 0xf),
    truncated: (flags & FLAG.TC) !== 0,
    key,
    type: bytes.readUInt16BE(questionEnd - 4),
    questionEnd,
    records: walked.records,
    plainEnd: walked.plainEnd,
  };
}
