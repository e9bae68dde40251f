import { FLAG, OPCODE_QUERY, RCODE } from "../wire/codes.ts";
import { foldKey, type NameKey } from "../wire/name.ts";
import { encodeQuery } from "../wire/question.ts";
import { readMessage, type WireMessage } from "../wire/records.ts";

/** A question to send on. */
export type UpstreamQuestion = {
  /** Name with the client's case, type and class, as they stand in the client's message. */
  readonly question: Buffer;
  readonly key: NameKey;
  readonly type: number;
  /** RD, AD and CD as the client set them; nothing else of its header travels. */
  readonly flags: number;
  readonly dnssecOk: boolean;
};

/** Bits of a client's header that mean something to a resolver behind us. */
const TRAVELLING = FLAG.RD | FLAG.AD | FLAG.CD;

/**
 * The message to an upstream: a fresh OPT with our size and the client's DO, none of the client's options (OPT is
 * hop-by-hop, RFC 6891 section 6.2.6; client subnet and cookies are not for others, RFC 7871, RFC 7873).
 */
export const buildUpstreamQuery = (asked: UpstreamQuestion, id: number, edns: boolean): Buffer =>
  encodeQuery(asked.question, {
    id,
    flags: asked.flags & TRAVELLING,
    ...(edns && { edns: { dnssecOk: asked.dnssecOk } }),
  });

/** `mismatch` is no answer to our question: whoever sent it, the right one may still come (RFC 5452 section 9.1). */
export type ReplyVerdict =
  | { readonly verdict: "mismatch" }
  /**
   * FORMERR or NOTIMP, perhaps of an upstream from before EDNS, which may send the bare header back; or an rcode that
   * only EDNS has (BADVERS, BADCOOKIE), which means nothing to our client and is never passed on.
   */
  | { readonly verdict: "no-edns"; readonly message: WireMessage | undefined }
  | { readonly verdict: "reply"; readonly message: WireMessage };

const MISMATCH: ReplyVerdict = { verdict: "mismatch" };

/** Checks a datagram from a connected socket, whose ID has been found already. Never throws. */
export function checkReply(asked: UpstreamQuestion, bytes: Buffer): ReplyVerdict {
  if (bytes.length < 12) return MISMATCH;
  const flags = bytes.readUInt16BE(2);
  if ((flags & FLAG.QR) === 0 || ((flags >> 11) & 0xf) !== OPCODE_QUERY) return MISMATCH;
  const rcode = flags & 0xf;
  const ednsRefused = rcode === RCODE.FORMERR || rcode === RCODE.NOTIMP;
  if (bytes.readUInt16BE(4) === 0) return ednsRefused ? { verdict: "no-edns", message: undefined } : MISMATCH;
  const message = readMessage(bytes);
  if (message === undefined || message.type !== asked.type || message.key !== foldKey(asked.key)) return MISMATCH;
  const sameClass =
    bytes.readUInt16BE(message.questionEnd - 2) === asked.question.readUInt16BE(asked.question.length - 2);
  if (!sameClass) return MISMATCH;
  if (message.rcode > 0xf) return { verdict: "no-edns", message: undefined };
  return ednsRefused ? { verdict: "no-edns", message } : { verdict: "reply", message };
}
