import { FLAG, RCODE, TYPE } from "./codes.ts";
import type { Query, Refusal } from "./gate.ts";

/** Size we advertise and the most we send over UDP: no fragments on any path (RFC 9715, DNS flag day 2020). */
export const OWN_UDP_OCTETS = 1232;
/** Most that a client without EDNS takes over UDP (RFC 1035 section 4.2.1). */
export const PLAIN_UDP_OCTETS = 512;
/** A TCP message's length prefix has 16 bits (RFC 1035 section 4.2.2). */
export const TCP_OCTETS = 65_535;

const HEADER_OCTETS = 12;
const OPT_OCTETS = 11;
const EDE_OPTION = 15;
/** Keeps an error within 512 octets behind any question, its name at most 255 octets. */
const EDE_TEXT_OCTETS = 180;

/** Records encoded ahead, each owner a pointer to the question at octet 12, so that they fit behind any question. */
export type RecordBlock = {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Octets of each record when all are equally long and may be rotated; 0 otherwise. */
  readonly stride: number;
};

/** An answer that is made here, whatever the question's case and the client's EDNS. */
export type LocalAnswer = {
  /** Above 15 only for clients that sent an OPT: its upper bits stand there (RFC 6891 section 6.1.3). */
  readonly rcode: number;
  readonly answer?: RecordBlock | undefined;
  readonly authority?: RecordBlock | undefined;
  /** An encoded EDNS option; sent only to clients that sent an OPT (RFC 8914 section 3). */
  readonly ede?: Uint8Array | undefined;
};

/** The most octets that this client takes as one answer over UDP. */
export const udpLimit = (query: Query): number =>
  query.edns === undefined ? PLAIN_UDP_OCTETS : Math.min(query.edns.udpSize, OWN_UDP_OCTETS);

/** Two octets, most significant first. Writing them one by one is the cheapest. */
function put16(out: Buffer, at: number, value: number): void {
  out[at] = value >> 8;
  out[at + 1] = value;
}

/**
 * Copies octets `from` to `end` behind `at`, and gives the offset behind them. A loop: a view of a few octets costs more
 * than they do. The caller has made sure that they fit.
 */
function copy(source: Uint8Array, from: number, end: number, out: Buffer, at: number): number {
  let position = at;
  for (let index = from; index < end; index++) out[position++] = source[index] as number;
  return position;
}

/** An extended DNS error as an EDNS option; the text is cut at a character, never inside one. */
export function edeOption(code: number, text: string): Uint8Array {
  let bytes = Buffer.from(text);
  if (bytes.length > EDE_TEXT_OCTETS) {
    let cut = EDE_TEXT_OCTETS;
    while (((bytes[cut] ?? 0) & 0xc0) === 0x80) cut--;
    bytes = bytes.subarray(0, cut);
  }
  const option = Buffer.alloc(6 + bytes.length);
  option.writeUInt16BE(EDE_OPTION, 0);
  option.writeUInt16BE(2 + bytes.length, 2);
  option.writeUInt16BE(code, 4);
  option.set(bytes, 6);
  return new Uint8Array(option);
}

/** Octets that `writeOpt` will need for this query. */
export const optOctets = (query: Query, option?: Uint8Array): number =>
  query.edns === undefined ? 0 : OPT_OCTETS + (option?.length ?? 0);

/** Writes our own OPT, when the query had one: version 0, our size, DO as the client set it (RFC 6891, RFC 3225). */
export function writeOpt(out: Buffer, at: number, query: Query, option?: Uint8Array, rcode = 0): number {
  if (query.edns === undefined) return at;
  const optionOctets = option === undefined ? 0 : option.length;
  out[at] = 0;
  put16(out, at + 1, TYPE.OPT);
  put16(out, at + 3, OWN_UDP_OCTETS);
  out[at + 5] = rcode >> 4;
  out[at + 6] = 0;
  put16(out, at + 7, query.edns.dnssecOk ? 0x8000 : 0);
  put16(out, at + 9, optionOctets);
  if (option !== undefined) out.set(option, at + OPT_OCTETS);
  return at + OPT_OCTETS + optionOctets;
}

/** What a header says besides the identity of the query, whose RD and CD bits are repeated. */
export type HeaderFields = {
  readonly rcode: number;
  /** AA, TC, AD: bits to set besides QR and RA. */
  readonly flags: number;
  readonly answers: number;
  readonly authorities: number;
  readonly additionals: number;
};

export function writeHeader(out: Buffer, query: Query, fields: HeaderFields): void {
  put16(out, 0, query.id);
  put16(out, 2, FLAG.QR | FLAG.RA | (query.flags & (FLAG.RD | FLAG.CD)) | fields.flags | (fields.rcode & 0xf));
  put16(out, 4, 1);
  put16(out, 6, fields.answers);
  put16(out, 8, fields.authorities);
  put16(out, 10, fields.additionals);
}

/** Throws a RangeError for octets that do not fit. */
function putAll(out: Buffer, at: number, octets: Uint8Array): number {
  out.set(octets, at);
  return at + octets.length;
}

/** Copies `block` behind `at`, beginning with record `first` so that clients that take the first one spread. */
function writeBlock(out: Buffer, at: number, block: RecordBlock, first: number, fitting: number): number {
  const { bytes, count, stride } = block;
  if (stride === 0) return putAll(out, at, bytes);
  const untilEnd = Math.min(fitting, count - first);
  const position = copy(bytes, first * stride, (first + untilEnd) * stride, out, at);
  return copy(bytes, 0, (fitting - untilEnd) * stride, out, position);
}

/**
 * Writes a whole local answer into `out` and gives its length. `turn` rotates addresses. Addresses that do not fit
 * `limit` are left out, so that an egress answer is never truncated (musl before 1.2.4 has no TCP).
 */
export function writeLocalAnswer(
  out: Buffer,
  message: Buffer,
  query: Query,
  answer: LocalAnswer,
  limit: number,
  turn: number,
): number {
  const fixed = query.questionEnd + (answer.authority?.bytes.length ?? 0) + optOctets(query, answer.ede);
  const block = answer.answer;
  const room = block === undefined || block.stride === 0 ? 0 : Math.max(0, Math.floor((limit - fixed) / block.stride));
  const fitting = block === undefined ? 0 : block.stride === 0 ? block.count : Math.min(block.count, room);
  writeHeader(out, query, {
    rcode: answer.rcode,
    flags: answer.rcode === RCODE.NOERROR || answer.rcode === RCODE.NXDOMAIN ? FLAG.AA : 0,
    answers: fitting,
    authorities: answer.authority?.count ?? 0,
    additionals: query.edns === undefined ? 0 : 1,
  });
  let position = copy(message, HEADER_OCTETS, query.questionEnd, out, HEADER_OCTETS);
  if (block !== undefined) position = writeBlock(out, position, block, turn % block.count, fitting);
  if (answer.authority !== undefined) position = putAll(out, position, answer.authority.bytes);
  return writeOpt(out, position, query, answer.ede, answer.rcode);
}

/** The reply to a message that the gate refused: nothing of it is reflected but the ID and a question that was sound. */
export function writeRefusal(out: Buffer, message: Buffer, refusal: Refusal, option?: Uint8Array): number {
  const { query, rcode } = refusal;
  if (query === undefined) {
    copy(message, 0, 2, out, 0);
    const opcodeAndRd = message.readUInt16BE(2) & 0x7900;
    put16(out, 2, FLAG.QR | FLAG.RA | opcodeAndRd | rcode);
    out.fill(0, 4, HEADER_OCTETS);
    return HEADER_OCTETS;
  }
  const additionals = query.edns === undefined ? 0 : 1;
  writeHeader(out, query, { rcode, flags: 0, answers: 0, authorities: 0, additionals });
  copy(message, HEADER_OCTETS, query.questionEnd, out, HEADER_OCTETS);
  return writeOpt(out, query.questionEnd, query, option, rcode);
}
