import type { Token } from "../corefile/token.ts";
import { shorten } from "../corefile/zone.ts";
import { typeCode, typeName } from "../wire/codes.ts";
import type { SetupContext } from "./directive.ts";

/** Record types by name that `wire/codes.ts` has no use for (IANA DNS parameters, resource record types). */
const MORE_TYPES: Readonly<Record<string, number>> = {
  MD: 3,
  MF: 4,
  MB: 7,
  MG: 8,
  MR: 9,
  NULL: 10,
  MINFO: 14,
  RP: 17,
  AFSDB: 18,
  X25: 19,
  ISDN: 20,
  RT: 21,
  "NSAP-PTR": 23,
  SIG: 24,
  KEY: 25,
  PX: 26,
  GPOS: 27,
  LOC: 29,
  NXT: 30,
  EID: 31,
  NIMLOC: 32,
  ATMA: 34,
  KX: 36,
  CERT: 37,
  APL: 42,
  SSHFP: 44,
  IPSECKEY: 45,
  DHCID: 49,
  NSEC3PARAM: 51,
  TLSA: 52,
  SMIMEA: 53,
  HIP: 55,
  NINFO: 56,
  RKEY: 57,
  TALINK: 58,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SPF: 99,
  UINFO: 100,
  UID: 101,
  GID: 102,
  UNSPEC: 103,
  NID: 104,
  L32: 105,
  L64: 106,
  LP: 107,
  EUI48: 108,
  EUI64: 109,
  TKEY: 249,
  TSIG: 250,
  MAILB: 253,
  MAILA: 254,
  AVC: 258,
  AMTRELAY: 260,
  TA: 32768,
  DLV: 32769,
};

/** Classes by name (IANA DNS parameters, classes). */
const CLASSES: Readonly<Record<string, number>> = { IN: 1, CS: 2, CH: 3, HS: 4, NONE: 254, ANY: 255 };

/** Response codes by name (IANA DNS parameters, RCODEs). */
const RCODES: Readonly<Record<string, number>> = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  BADVERS: 16,
  BADSIG: 16,
  BADKEY: 17,
  BADTIME: 18,
  BADMODE: 19,
  BADNAME: 20,
  BADALG: 21,
  BADTRUNC: 22,
  BADCOOKIE: 23,
};

const lookUp = (table: Readonly<Record<string, number>>, text: string): number | undefined =>
  Object.hasOwn(table, text.toUpperCase()) ? table[text.toUpperCase()] : undefined;

/** The code of a record type, also as `TYPE65280`. */
export function readType(token: Token, context: SetupContext): number | undefined {
  const code = typeCode(token.text) ?? lookUp(MORE_TYPES, token.text);
  return code ?? context.error(token, `invalid RR type ${shorten(token.text)}: write a name such as AAAA, or TYPE65`);
}

/** The code of a class, as CoreDNS words the error. */
export function readClass(token: Token, context: SetupContext): number | undefined {
  const code = lookUp(CLASSES, token.text);
  return code ?? context.error(token, `invalid RR class ${shorten(token.text)}: write IN, CH, HS or ANY`);
}

/** The code of a response code. */
export function readRcode(token: Token, context: SetupContext): number | undefined {
  const code = lookUp(RCODES, token.text);
  return code ?? context.error(token, `${shorten(token.text)} is not a valid rcode: write a name such as SERVFAIL`);
}

const namesOf = (table: Readonly<Record<string, number>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(table).map(([name, code]) => [code, name]));
const MORE_TYPE_NAMES = namesOf(MORE_TYPES);
const CLASS_NAMES = namesOf(CLASSES);
// 16 is BADSIG inside a TSIG record only.
const RCODE_NAMES = new Map([...namesOf(RCODES), [RCODES["BADVERS"] ?? 16, "BADVERS"]]);

/** The name of any record type, for logs; `TYPE65280` for one without (RFC 3597 section 5). */
export const typeText = (code: number): string => MORE_TYPE_NAMES.get(code) ?? typeName(code);

/** The name of a class, for logs; `CLASS7` for one without (RFC 3597 section 5). */
export const classText = (code: number): string => CLASS_NAMES.get(code) ?? `CLASS${code}`;

/** The name of a response code, for logs and labels; `RCODE24` for one without. */
export const rcodeText = (code: number): string => RCODE_NAMES.get(code) ?? `RCODE${code}`;
