/** Record types that Sluice treats by name (IANA DNS parameters, resource record types). */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  SVCB: 64,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  URI: 256,
  CAA: 257,
} as const;

export const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;

/** Extended DNS errors that Sluice sends (RFC 8914 section 4). */
export const EDE = {
  OTHER: 0,
  STALE_ANSWER: 3,
  NOT_READY: 14,
  BLOCKED: 15,
  FILTERED: 17,
  NO_REACHABLE_AUTHORITY: 22,
  NETWORK_ERROR: 23,
} as const;

export const CLASS_IN = 1;
/** Classes that are not those of data (RFC 1035 section 3.2.5, RFC 2136 section 1.3). */
export const QCLASS = { NONE: 254, ANY: 255 } as const;
export const OPCODE_QUERY = 0;

/** Bits of the second header word (RFC 1035 section 4.1.1; AD and CD: RFC 4035 section 3.2). */
export const FLAG = { QR: 0x8000, AA: 0x0400, TC: 0x0200, RD: 0x0100, RA: 0x0080, AD: 0x0020, CD: 0x0010 } as const;

const TYPE_NAMES = new Map<number, string>(Object.entries(TYPE).map(([name, code]) => [code, name]));
const RCODE_NAMES = new Map<number, string>(Object.entries(RCODE).map(([name, code]) => [code, name]));

/** `AAAA`, or `TYPE65280` for a type without a name here (RFC 3597 section 5). */
export const typeName = (code: number): string => TYPE_NAMES.get(code) ?? `TYPE${code}`;

export const rcodeName = (code: number): string => RCODE_NAMES.get(code) ?? `RCODE${code}`;

/** The code of `aaaa`, `AAAA` or `TYPE28`; undefined for what is no type of a question. */
export function typeCode(text: string): number | undefined {
  const upper = text.toUpperCase();
  if (Object.hasOwn(TYPE, upper)) return TYPE[upper as keyof typeof TYPE];
  const numbered = /^TYPE(\d{1,5})$/.exec(upper);
  const code = Number(numbered?.[1]);
  return numbered !== null && code <= 0xffff ? code : undefined;
}
