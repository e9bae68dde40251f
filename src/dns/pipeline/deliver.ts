import { FLAG, RCODE } from "../wire/codes.ts";
import { firstOctets } from "../wire/first-octets.ts";
import type { Query } from "../wire/gate.ts";
import { createMessageWriter, writeQuestion, writeRecord } from "../wire/message-writer.ts";
import { asksForNsid } from "../wire/nsid.ts";
import type { Section, WireRecord } from "../wire/records.ts";
import { optOctets, TCP_OCTETS, udpLimit, writeHeader, writeLocalAnswer, writeOpt } from "../wire/reply.ts";
import { type Answer, type MessageAnswer, type PreparedAnswer, refusal } from "./answer.ts";
import type { Exchange } from "./exchange.ts";

/** The most octets that this client takes. */
const limitOf = ({ client, query, block }: Exchange): number =>
  client.protocol === "tcp" ? TCP_OCTETS : Math.min(udpLimit(query), block.maxUdpOctets);

/** EDNS options of the answer: the extended error, and who we are for clients that ask. */
function optionOf({ query, message, block }: Exchange, ede: Uint8Array | undefined): Uint8Array | undefined {
  if (block.nsid === undefined || query.edns === undefined || !asksForNsid(message, query)) return ede;
  return ede === undefined ? block.nsid : Buffer.concat([ede, block.nsid]);
}

/** AD is for clients that asked for it, by AD or DO (RFC 6840 section 5.8). */
const visibleFlags = (query: Query, flags: number): number =>
  (query.flags & FLAG.AD) !== 0 || query.edns?.dnssecOk ? flags & (FLAG.AA | FLAG.AD) : flags & FLAG.AA;

const countOf = (records: readonly WireRecord[], section: Section): number => {
  let count = 0;
  for (const record of records) if (record.section === section) count++;
  return count;
};

/** The highest response code that a header has room for (RFC 1035 section 4.1.1). */
const HEADER_RCODE = 15;

/**
 * The response code that the client of `exchange` gets. One above 15 needs an OPT (RFC 6891 section 6.1.3); a client that
 * sent none gets SERVFAIL, because the lower bits alone would mean something else.
 */
export const deliveredRcode = ({ query }: Exchange, { rcode }: Answer): number =>
  rcode > HEADER_RCODE && query.edns === undefined ? RCODE.SERVFAIL : rcode;

/**
 * Writes an answer as the client of `exchange` gets it: its question echoed, its limit kept, its EDNS answered. `out` is
 * used where it is large enough. `turn` rotates prepared addresses. Undefined for what is not sent: a dropped answer, or
 * one whose records turn out malformed.
 */
export function deliver(exchange: Exchange, answer: Answer, out: Buffer, turn: number): Buffer | undefined {
  if (answer.form === "dropped") return undefined;
  const rcode = deliveredRcode(exchange, answer);
  if (rcode !== answer.rcode) return writePrepared(exchange, refusal(answer.by, rcode), out, turn);
  const bytes =
    answer.form === "prepared" ? writePrepared(exchange, answer, out, turn) : writeMessage(exchange, answer, out);
  if (answer.header !== undefined && bytes !== undefined) {
    bytes.writeUInt16BE((bytes.readUInt16BE(2) | answer.header.set) & ~answer.header.clear, 2);
  }
  return bytes;
}

function writePrepared(exchange: Exchange, answer: PreparedAnswer, out: Buffer, turn: number): Buffer {
  const { message, query } = exchange;
  const ede = optionOf(exchange, answer.ede);
  const shown = ede === answer.ede || ede === undefined ? answer : { ...answer, ede };
  return firstOctets(out, writeLocalAnswer(out, message, query, shown, Math.min(limitOf(exchange), out.length), turn));
}

function writeMessage(exchange: Exchange, answer: MessageAnswer, out: Buffer): Buffer | undefined {
  const { query } = exchange;
  const { records, message } = answer;
  const option = optionOf(exchange, answer.ede);
  const whole = records === message.records && message.plainEnd !== -1;
  const body = whole ? copyWhole(answer, out, optOctets(query, option)) : copyRecords(exchange, answer);
  if (body === undefined) return undefined;
  writeHeader(body.bytes, query, {
    rcode: answer.rcode,
    flags: visibleFlags(query, answer.flags),
    answers: countOf(records, "answer"),
    authorities: countOf(records, "authority"),
    additionals: countOf(records, "additional") + (query.edns === undefined ? 0 : 1),
  });
  return finish(exchange, answer.rcode, body, option);
}

type Body = { readonly bytes: Buffer; readonly length: number };

/** All octets up to the OPT, whatever is compressed how. */
function copyWhole({ message, ttlSeconds }: MessageAnswer, out: Buffer, tail: number): Body {
  const { bytes, plainEnd, records } = message;
  const target = plainEnd + tail <= out.length ? out : Buffer.allocUnsafe(plainEnd + tail);
  bytes.copy(target, 0, 0, plainEnd);
  if (ttlSeconds !== undefined) for (const { data } of records) target.writeUInt32BE(ttlSeconds, data - 6);
  return { bytes: target, length: plainEnd };
}

/** Record by record, compressed anew. Undefined for a record that is not what its type says. */
function copyRecords({ message, query }: Exchange, answer: MessageAnswer): Body | undefined {
  const writer = createMessageWriter();
  writeQuestion(writer, message, query.questionEnd);
  for (const record of answer.records) {
    if (!writeRecord(writer, answer.message.bytes, record, answer.ttlSeconds)) return undefined;
  }
  if (writer.length + optOctets(query) > TCP_OCTETS) return undefined;
  return writer;
}

/**
 * Over the limit nothing is sent but TC, so that no client takes part of a record set for the whole (RFC 2181
 * section 9). `length` is without our OPT.
 */
function finish(exchange: Exchange, rcode: number, { bytes, length }: Body, option: Uint8Array | undefined): Buffer {
  const { query, message } = exchange;
  let end = length;
  if (length + optOctets(query, option) > limitOf(exchange)) {
    end = query.questionEnd;
    bytes.writeUInt16BE(bytes.readUInt16BE(2) | FLAG.TC, 2);
    bytes.fill(0, 6, 10);
    bytes.writeUInt16BE(query.edns === undefined ? 0 : 1, 10);
  }
  message.copy(bytes, 12, 12, query.questionEnd);
  return firstOctets(bytes, writeOpt(bytes, end, query, option, rcode));
}
