import { CLASS_IN, TYPE } from "./codes.ts";
import { OWN_UDP_OCTETS } from "./reply.ts";

const HEADER_OCTETS = 12;
const OPT_OCTETS = 11;

/** A question section: a name as on the wire without the root, a type, class IN. */
export const encodeQuestion = (raw: string, type: number): Buffer =>
  Buffer.concat([Buffer.from(raw, "latin1"), Buffer.from([0, type >> 8, type & 0xff, 0, CLASS_IN])]);

export type QueryFields = {
  readonly id: number;
  /** RD, AD and CD as they are to be sent. */
  readonly flags: number;
  /** Sends an OPT of our own with this DO bit; without it, none. */
  readonly edns?: { readonly dnssecOk: boolean };
};

/** A message with one question and, if wanted, a fresh OPT with our size and no options. */
export function encodeQuery(question: Buffer, { id, flags, edns }: QueryFields): Buffer {
  const end = HEADER_OCTETS + question.length;
  const out = Buffer.alloc(end + (edns === undefined ? 0 : OPT_OCTETS));
  out.writeUInt16BE(id, 0);
  out.writeUInt16BE(flags, 2);
  out.writeUInt16BE(1, 4);
  question.copy(out, HEADER_OCTETS);
  if (edns !== undefined) {
    out.writeUInt16BE(1, 10);
    out.writeUInt16BE(TYPE.OPT, end + 1);
    out.writeUInt16BE(OWN_UDP_OCTETS, end + 3);
    out.writeUInt16BE(edns.dnssecOk ? 0x8000 : 0, end + 7);
  }
  return out;
}
