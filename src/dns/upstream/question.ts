import { CLASS_IN, FLAG, OPCODE_QUERY, RCODE, TYPE } from "../wire/codes.ts";
import type { NameKey } from "../wire/name.ts";
import { readBehind, type WireMessage } from "../wire/records.ts";
import { OWN_UDP_OCTETS } from "../wire/reply.ts";

/** A question to send on, as the message that is sent: octets of its own, of which only the ID changes. */
export type UpstreamQuestion = {
  readonly message: Buffer;
  /** Offset behind the question, which starts at octet 12. An OPT of ours stands behind it, or nothing. */
  readonly questionEnd: number;
  readonly key: NameKey;
  /** What makes two questions for one name one (`variantOf`). */
  readonly variant: number;
};

/** Bits of a client's header that mean something to a resolver behind us (RFC 4035 section 4.7). */
const TRAVELLING = FLAG.RD | FLAG.AD | FLAG.CD;
const HEADER_OCTETS = 12;
const OPT_OCTETS = 11;

/** One number for the type and the bits that change an answer: RD, AD, CD and DO. */
export const variantOf = (type: number, flags: number, dnssecOk: boolean): number =>
  (type << 10) | (flags & TRAVELLING) | (dnssecOk ? 1 : 0);

/**
 * Room for a question whose name has `nameOctets` with the root's zero octet, to be written at octet 12. All else is
 * there: the client's RD, AD and CD, a fresh OPT with our size and the client's DO, none of the client's options (OPT is
 * hop-by-hop, RFC 6891 section 6.2.6; client subnet and cookies are not for others, RFC 7871, RFC 7873).
 */
export function questionRoom(nameOctets: number, key: NameKey, variant: number): UpstreamQuestion {
  const questionEnd = HEADER_OCTETS + nameOctets + 4;
  const message = Buffer.allocUnsafe(questionEnd + OPT_OCTETS);
  message.writeUInt32BE(variant & TRAVELLING, 0);
  message.writeUInt32BE(0x1_0000, 4);
  message.writeUInt32BE(1, 8);
  message.writeUInt16BE(variant >> 10, questionEnd - 4);
  message.writeUInt16BE(CLASS_IN, questionEnd - 2);
  message[questionEnd] = 0;
  message.writeUInt32BE((TYPE.OPT << 16) | OWN_UDP_OCTETS, questionEnd + 1);
  message.writeUInt32BE((variant & 1) << 15, questionEnd + 5);
  message.writeUInt16BE(0, questionEnd + 9);
  return { message, questionEnd, key, variant };
}

/** The question for a name as on the wire without the root's zero octet, its case kept. */
export function questionFor(raw: string, key: NameKey, variant: number): UpstreamQuestion {
  const question = questionRoom(raw.length + 1, key, variant);
  question.message.write(raw, HEADER_OCTETS, "latin1");
  question.message[question.questionEnd - 5] = 0;
  return question;
}

/** The same question without EDNS, for an upstream from before it. */
export function withoutEdns(question: UpstreamQuestion): UpstreamQuestion {
  const message = Buffer.from(question.message.subarray(0, question.questionEnd));
  message.writeUInt16BE(0, 10);
  return { ...question, message };
}

/** An octet of a name, ASCII capitals folded. A length octet is at most 63 and no letter. */
const fold = (octet: number): number => (octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet);

/** Whether a reply repeats the question, the name in any case (RFC 5452 section 9.1). Compares in place. */
function repeats({ message, questionEnd }: UpstreamQuestion, reply: Buffer): boolean {
  if (reply.length < questionEnd || reply[4] !== 0 || reply[5] !== 1) return false;
  const nameEnd = questionEnd - 4;
  for (let at = HEADER_OCTETS; at < nameEnd; at++) {
    const [asked, got] = [message[at] as number, reply[at] as number];
    if (asked !== got && fold(asked) !== fold(got)) return false;
  }
  for (let at = nameEnd; at < questionEnd; at++) if (message[at] !== reply[at]) return false;
  return true;
}

/**
 * What a reply is to a question, its ID having been found already. Never throws.
 * `mismatch` is no answer: whoever sent it, the right one may still come (RFC 5452 section 9.1). `no-edns` asks for the
 * question without EDNS: FORMERR or NOTIMP, perhaps of an upstream from before EDNS, which may send the bare header back;
 * or an rcode that only EDNS has (BADVERS, BADCOOKIE), which means nothing to our client and is never passed on.
 */
export function checkReply(question: UpstreamQuestion, reply: Buffer): WireMessage | "mismatch" | "no-edns" {
  const flags = reply.readUInt16BE(2);
  if ((flags & FLAG.QR) === 0 || ((flags >> 11) & 0xf) !== OPCODE_QUERY) return "mismatch";
  const rcode = flags & 0xf;
  const withEdns = question.message.length > question.questionEnd;
  const ednsRefused = withEdns && (rcode === RCODE.FORMERR || rcode === RCODE.NOTIMP);
  if (!repeats(question, reply)) return ednsRefused && reply.readUInt16BE(4) === 0 ? "no-edns" : "mismatch";
  if (ednsRefused) return "no-edns";
  const message = readBehind(reply, question.questionEnd, question.key);
  if (message === undefined) return "mismatch";
  if (message.rcode > 0xf) return withEdns ? "no-edns" : "mismatch";
  return message;
}
