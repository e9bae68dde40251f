import { CLASS_IN, OPCODE_QUERY, RCODE, TYPE } from "./codes.ts";
import { MAX_NAME_OCTETS, type NameKey, skipName } from "./name.ts";

/** What a message asks, read in place; `message` itself is kept by the caller and echoed from. */
export type Query = {
  readonly id: number;
  /** Second header word as it came. */
  readonly flags: number;
  readonly key: NameKey;
  readonly type: number;
  /** Offset behind the question: name, type and class start at octet 12. */
  readonly questionEnd: number;
  readonly edns: Edns | undefined;
};

export type Edns = {
  /** What the client can take over UDP, raised to 512 (RFC 6891 section 6.2.3). */
  readonly udpSize: number;
  readonly dnssecOk: boolean;
};

export type Refusal = {
  readonly rcode: number;
  /** The question, when it could be read: it is then echoed. Without it the reply is the bare header. */
  readonly query?: Query;
};

/**
 * The verdict on raw octets, before any decoder sees them.
 * `drop` answers nothing: an answer to a reply (QR=1) or to less than a header would be a reflection.
 */
export type Gate =
  | { readonly verdict: "drop" }
  | { readonly verdict: "refuse"; readonly refusal: Refusal }
  | { readonly verdict: "question"; readonly query: Query };

const HEADER_OCTETS = 12;
/** Root owner, type, class, TTL, RDLENGTH: the shortest record. */
const MIN_RECORD_OCTETS = 11;

const DROP: Gate = { verdict: "drop" };
const refuse = (rcode: number, query?: Query): Gate => ({
  verdict: "refuse",
  refusal: query === undefined ? { rcode } : { rcode, query },
});
const FORMERR = refuse(RCODE.FORMERR);
const NOTIMP = refuse(RCODE.NOTIMP);

const folded = Buffer.alloc(MAX_NAME_OCTETS);

/**
 * Folds the question name into `folded`. Its length without the root's zero octet, or -1 for a name that is cut off,
 * too long, or has a pointer or reserved label type: a question has nothing before it to point at.
 */
function foldQuestionName(message: Buffer): number {
  let position = HEADER_OCTETS;
  let size = 0;
  for (;;) {
    const length = message[position];
    if (length === undefined || length > 63) return -1;
    if (length === 0) return size;
    if (size + 1 + length >= MAX_NAME_OCTETS || position + 1 + length > message.length) return -1;
    folded[size++] = length;
    for (let stop = ++position + length; position < stop; position++) {
      const octet = message[position] as number;
      folded[size++] = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
    }
  }
}

type OptScan = { readonly ok: false } | { readonly ok: true; readonly edns?: Edns; readonly version: number };
const NO_OPT: OptScan = { ok: true, version: 0 };
const BAD_OPT: OptScan = { ok: false };

/** Walks the records behind the question; a count that the octets do not bear out ends the walk, never allocates. */
function scanForOpt(message: Buffer, start: number): OptScan {
  const additional = message.readUInt16BE(10);
  if (additional === 0) return NO_OPT;
  const before = message.readUInt16BE(6) + message.readUInt16BE(8);
  let position = start;
  let found: OptScan = NO_OPT;
  for (let index = 0; index < before + additional; index++) {
    const owner = position;
    if (position + MIN_RECORD_OCTETS > message.length) return BAD_OPT;
    position = skipName(message, position);
    if (position === -1 || position + 10 > message.length) return BAD_OPT;
    const end = position + 10 + message.readUInt16BE(position + 8);
    if (end > message.length) return BAD_OPT;
    if (index >= before && message.readUInt16BE(position) === TYPE.OPT) {
      if (found !== NO_OPT || message[owner] !== 0) return BAD_OPT;
      const udpSize = Math.max(message.readUInt16BE(position + 2), 512);
      const dnssecOk = ((message[position + 6] as number) & 0x80) !== 0;
      found = { ok: true, edns: { udpSize, dnssecOk }, version: message[position + 5] as number };
    }
    position = end;
  }
  return found;
}

/** The rules of resolver hygiene, in the order in which they apply. Never throws, for any octets. */
export function gate(message: Buffer): Gate {
  if (message.length < HEADER_OCTETS) return DROP;
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) !== 0) return DROP;
  if (((flags >> 11) & 0xf) !== OPCODE_QUERY) return NOTIMP;
  if (message.readUInt16BE(4) !== 1) return FORMERR; // RFC 9619
  const nameOctets = foldQuestionName(message);
  const questionEnd = HEADER_OCTETS + nameOctets + 5;
  if (nameOctets === -1 || questionEnd > message.length) return FORMERR;
  const opt = scanForOpt(message, questionEnd);
  if (!opt.ok) return FORMERR;
  const type = message.readUInt16BE(questionEnd - 4);
  const query: Query = {
    id: message.readUInt16BE(0),
    flags,
    key: folded.toString("latin1", 0, nameOctets),
    type,
    questionEnd,
    edns: opt.edns,
  };
  if (opt.version !== 0) return refuse(RCODE.BADVERS, query);
  if (type === TYPE.OPT) return refuse(RCODE.FORMERR, query);
  if (message.readUInt16BE(questionEnd - 2) !== CLASS_IN) return refuse(RCODE.REFUSED, query);
  // A zone transfer would carry whole zones past the egress table, and a forwarder would relay its first message.
  if (type === TYPE.AXFR || type === TYPE.IXFR) return refuse(RCODE.REFUSED, query);
  return { verdict: "question", query };
}
