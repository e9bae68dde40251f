import type { EgressTable } from "./table.ts";
import { FLAG, RCODE } from "./wire/codes.ts";
import type { Query } from "./wire/gate.ts";
import { createMessageWriter, writePrepared, writeQuestion, writeRecord } from "./wire/message-writer.ts";
import type { WireMessage, WireRecord } from "./wire/records.ts";
import { type LocalAnswer, optOctets, type RecordBlock, TCP_OCTETS, writeHeader, writeOpt } from "./wire/reply.ts";

/** One answer on its way to one client. */
export type Delivery = {
  /** The client's message, whose question is echoed octet for octet. */
  readonly message: Buffer;
  readonly query: Query;
  /** Most octets that the client takes. */
  readonly limit: number;
};

/** AD is for clients that asked for it, by AD or DO (RFC 6840 section 5.8). */
const adBit = (query: Query, upstream: WireMessage): number =>
  (query.flags & FLAG.AD) !== 0 || query.edns?.dnssecOk ? upstream.flags & FLAG.AD : 0;

const countOf = (records: readonly WireRecord[], section: WireRecord["section"]): number =>
  records.reduce((count, record) => count + (record.section === section ? 1 : 0), 0);

/**
 * Over the limit nothing is sent but TC, so that no client takes part of a record set for the whole (RFC 2181
 * section 9). `length` is without our OPT.
 */
function finish(out: Buffer, length: number, delivery: Delivery, ede?: Uint8Array): Buffer {
  const { query, limit, message } = delivery;
  let end = length;
  if (length + optOctets(query, ede) > limit) {
    end = query.questionEnd;
    out.writeUInt16BE(out.readUInt16BE(2) | FLAG.TC, 2);
    out.fill(0, 6, 10);
    out.writeUInt16BE(query.edns === undefined ? 0 : 1, 10);
  }
  message.copy(out, 12, 12, query.questionEnd);
  return out.subarray(0, writeOpt(out, end, query, ede));
}

/** An upstream's answer without what must not be shown. Undefined when a kept record turns out malformed. */
export function relayRecords(
  upstream: WireMessage,
  keep: readonly WireRecord[],
  delivery: Delivery,
): Buffer | undefined {
  const { query } = delivery;
  const optCount = query.edns === undefined ? 0 : 1;
  const header = {
    rcode: upstream.rcode,
    flags: adBit(query, upstream),
    answers: countOf(keep, "answer"),
    authorities: countOf(keep, "authority"),
    additionals: countOf(keep, "additional") + optCount,
  };
  if (keep.length === upstream.records.length && upstream.plainEnd !== -1) {
    const out = Buffer.allocUnsafe(upstream.plainEnd + optOctets(query));
    upstream.bytes.copy(out, 0, 0, upstream.plainEnd);
    writeHeader(out, query, header);
    return finish(out, upstream.plainEnd, delivery);
  }
  const writer = createMessageWriter();
  writeQuestion(writer, delivery.message, query.questionEnd);
  for (const record of keep) if (!writeRecord(writer, upstream.bytes, record)) return undefined;
  writeHeader(writer.bytes, query, header);
  return finish(writer.bytes, writer.length, delivery);
}

const piecesOf = (block: RecordBlock | undefined): readonly Uint8Array[] => {
  if (block === undefined) return [];
  if (block.stride === 0) return [block.bytes];
  return Array.from({ length: block.count }, (_, i) => block.bytes.subarray(i * block.stride, (i + 1) * block.stride));
};

/**
 * The alias chain up to an egress name, and our answer for that name behind it. The rcode is that of the last name
 * (RFC 6604), so an egress name that public DNS does not have is no NXDOMAIN; nothing of it is authoritative or signed.
 */
export function relaySpliced(
  upstream: WireMessage,
  keep: readonly WireRecord[],
  splice: { readonly owner: string; readonly answer: LocalAnswer },
  delivery: Delivery,
): Buffer | undefined {
  const { query } = delivery;
  const { owner, answer } = splice;
  const failed = answer.rcode !== RCODE.NOERROR;
  const answers = failed ? [] : piecesOf(answer.answer);
  const authorities = failed ? [] : piecesOf(answer.authority);
  const kept = failed ? [] : keep;
  const writer = createMessageWriter();
  writeQuestion(writer, delivery.message, query.questionEnd);
  const written =
    kept.every((record) => writeRecord(writer, upstream.bytes, record)) &&
    [...answers, ...authorities].every((record) => writePrepared(writer, owner, record));
  if (!written || writer.length + optOctets(query, answer.ede) > TCP_OCTETS) return undefined;
  writeHeader(writer.bytes, query, {
    rcode: answer.rcode,
    flags: 0,
    answers: kept.length + answers.length,
    authorities: authorities.length,
    additionals: query.edns === undefined ? 0 : 1,
  });
  return finish(writer.bytes, writer.length, delivery, answer.ede);
}

/**
 * A pass-through type of an egress name: its own records, or NODATA with our SOA. NXDOMAIN becomes NODATA too, since
 * the name exists here. Another rcode (SERVFAIL, REFUSED) is relayed without records.
 */
export function relayPassthrough(
  upstream: WireMessage,
  records: readonly WireRecord[],
  table: EgressTable,
  delivery: Delivery,
): Buffer | undefined {
  const settled = upstream.rcode === RCODE.NOERROR || upstream.rcode === RCODE.NXDOMAIN;
  if (records.length > 0 && upstream.rcode === RCODE.NOERROR) return relayRecords(upstream, records, delivery);
  const owner = delivery.message.toString("latin1", 12, delivery.query.questionEnd - 5);
  if (!settled) return relayRecords(upstream, [], delivery);
  return relaySpliced(upstream, [], { owner, answer: { rcode: RCODE.NOERROR, authority: table.soa } }, delivery);
}
