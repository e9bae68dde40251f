import { OPCODE_QUERY, QCLASS, RCODE, TYPE } from "./codes.ts";
import { knownName } from "./known-names.ts";
import { MAX_NAME_OCTETS, type NameKey, skipName } from "./name.ts";

/** What a message asks, read in place; `message` itself is kept by the caller and echoed from. */
export type Query = {
  readonly id: number;
  /** Second header word as it came. */
  readonly flags: number;
  readonly key: NameKey;
  readonly type: number;
  readonly class: number;
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

/** Two octets; reading them one by one is the cheapest. The caller has made sure that the message has them. */
const u16 = (message: Buffer, at: number): number => ((message[at] as number) << 8) | (message[at + 1] as number);

const folded = Buffer.alloc(MAX_NAME_OCTETS);
/** Of the name in `folded`. */
let hash = 0;

/**
 * Folds the question name into `folded`. Its length without the root's zero octet, or -1 for a name that is cut off,
 * too long, or has a pointer or reserved label type: a question has nothing before it to point at.
 */
function foldQuestionName(message: Buffer): number {
  let position = HEADER_OCTETS;
  let size = 0;
  let mixed = 0;
  for (;;) {
    const length = message[position];
    if (length === undefined || length > 63) return -1;
    if (length === 0) break;
    if (size + 1 + length >= MAX_NAME_OCTETS || position + 1 + length > message.length) return -1;
    folded[size++] = length;
    for (let stop = ++position + length; position < stop; position++) {
      const octet = message[position] as number;
      const lower = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
      folded[size++] = lower;
      mixed = (Math.imul(mixed, 31) + lower) | 0;
    }
  }
  hash = mixed ^ (mixed >>> 15);
  return size;
}

/** No OPT, and records that are not sound. Otherwise an OPT's offset behind its owner, which is never that small. */
const NO_OPT = 0;
const BAD_OPT = -1;

/**
 * Walks the records behind the question to the OPT; a count that the octets do not bear out ends the walk, never
 * allocates.
 */
function findOpt(message: Buffer, start: number): number {
  const additional = u16(message, 10);
  if (additional === 0) return NO_OPT;
  const before = u16(message, 6) + u16(message, 8);
  let position = start;
  let found = NO_OPT;
  for (let index = 0; index < before + additional; index++) {
    const owner = position;
    if (position + MIN_RECORD_OCTETS > message.length) return BAD_OPT;
    position = skipName(message, position);
    if (position === -1 || position + 10 > message.length) return BAD_OPT;
    const end = position + 10 + u16(message, position + 8);
    if (end > message.length) return BAD_OPT;
    if (index >= before && u16(message, position) === TYPE.OPT) {
      if (found !== NO_OPT || message[owner] !== 0) return BAD_OPT;
      found = position;
    }
    position = end;
  }
  return found;
}

/** The last one that was read: clients of one kind all send the same. */
let lastEdns: Edns = { udpSize: 512, dnssecOk: false };

function readEdns(message: Buffer, opt: number): Edns {
  const udpSize = Math.max(u16(message, opt + 2), 512);
  const dnssecOk = ((message[opt + 6] as number) & 0x80) !== 0;
  if (lastEdns.udpSize !== udpSize || lastEdns.dnssecOk !== dnssecOk) lastEdns = { udpSize, dnssecOk };
  return lastEdns;
}

/** The rules of resolver hygiene, in the order in which they apply. Never throws, for any octets. */
export function gate(message: Buffer): Gate {
  if (message.length < HEADER_OCTETS) return DROP;
  const flags = u16(message, 2);
  if ((flags & 0x8000) !== 0) return DROP;
  if (((flags >> 11) & 0xf) !== OPCODE_QUERY) return NOTIMP;
  if (u16(message, 4) !== 1) return FORMERR; // RFC 9619
  const nameOctets = foldQuestionName(message);
  const questionEnd = HEADER_OCTETS + nameOctets + 5;
  if (nameOctets === -1 || questionEnd > message.length) return FORMERR;
  const opt = findOpt(message, questionEnd);
  if (opt === BAD_OPT) return FORMERR;
  const query: Query = {
    id: u16(message, 0),
    flags,
    key: knownName(folded, nameOctets, hash),
    type: u16(message, questionEnd - 4),
    class: u16(message, questionEnd - 2),
    questionEnd,
    edns: opt === NO_OPT ? undefined : readEdns(message, opt),
  };
  if (opt !== NO_OPT && message[opt + 5] !== 0) return refuse(RCODE.BADVERS, query);
  const rcode = refusalOf(query);
  return rcode === RCODE.NOERROR ? { verdict: "question", query } : refuse(rcode, query);
}

/** What a sound question is refused with; NOERROR for one that is not refused. */
function refusalOf({ type, class: asked }: Query): number {
  if (type === TYPE.OPT) return RCODE.FORMERR;
  // A zone transfer would carry whole zones past the egress table, and a forwarder would relay its first message.
  if (type === TYPE.AXFR || type === TYPE.IXFR) return RCODE.REFUSED;
  // Classes of updates and of questions that no single record can answer (RFC 2136, RFC 1035 section 3.2.5).
  return asked === QCLASS.NONE || asked === QCLASS.ANY ? RCODE.REFUSED : RCODE.NOERROR;
}
