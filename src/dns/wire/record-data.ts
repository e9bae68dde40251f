import { fail, ok, type Result } from "../../model/result.ts";
import { ipv4Octets, ipv6Octets } from "./address-octets.ts";
import { TYPE, typeName } from "./codes.ts";
import { type Word, wordOctets } from "./master-file-words.ts";
import { parseName } from "./name.ts";
import { encodeSvcParams } from "./svc-params.ts";

/** What one word of a record's data is. The last three take all words that are left. */
type Field =
  | "address"
  | "IPv6 address"
  | "name"
  | "number up to 255"
  | "number up to 65535"
  | "number up to 4294967295"
  | "duration"
  | "text"
  | "value"
  | "texts"
  | "service parameters";

const U8 = "number up to 255";
const U16 = "number up to 65535";
const SVCB: readonly Field[] = [U16, "name", "service parameters"];

/** The data of each type that has a text form here. */
const FIELDS = new Map<number, readonly Field[]>([
  [TYPE.A, ["address"]],
  [TYPE.AAAA, ["IPv6 address"]],
  [TYPE.NS, ["name"]],
  [TYPE.CNAME, ["name"]],
  [TYPE.DNAME, ["name"]],
  [TYPE.PTR, ["name"]],
  [TYPE.MX, [U16, "name"]],
  [TYPE.TXT, ["texts"]],
  [TYPE.SRV, [U16, U16, U16, "name"]],
  [TYPE.SOA, ["name", "name", "number up to 4294967295", "duration", "duration", "duration", "duration"]],
  [TYPE.HINFO, ["text", "text"]],
  [TYPE.CAA, [U8, "text", "value"]],
  [TYPE.NAPTR, [U16, U16, "text", "text", "text", "name"]],
  [TYPE.SVCB, SVCB],
  [TYPE.HTTPS, SVCB],
]);

/** A character string has one octet for its length (RFC 1035 section 3.3). */
const MAX_STRING = 255;
/** RDLENGTH has 16 bits. */
const MAX_DATA = 0xffff;

/** Encodes a record's data, names uncompressed; every type may be given as `\# LENGTH HEX` (RFC 3597 section 5). */
export function encodeRecordData(type: number, words: readonly Word[]): Result<Buffer> {
  const isGeneric = words[0]?.text === "\\#" && !words[0].quoted;
  const data = isGeneric ? encodeGeneric(words.slice(1)) : encodeFields(type, words);
  return data.ok && data.value.length > MAX_DATA ? fail(`data is longer than ${MAX_DATA} octets`) : data;
}

function encodeGeneric([length, ...rest]: readonly Word[]): Result<Buffer> {
  const hex = rest.map(({ text }) => text).join("");
  const octets = hex.length / 2;
  if (!/^(?:[0-9A-Fa-f]{2})*$/.test(hex)) return fail("data behind \\# is not in pairs of hex digits");
  if (length?.text !== String(octets))
    return fail(`\\# says ${length?.text ?? "nothing"}, the data has ${octets} octets`);
  return ok(Buffer.from(hex, "hex"));
}

function encodeFields(type: number, words: readonly Word[]): Result<Buffer> {
  const fields = FIELDS.get(type);
  if (fields === undefined) return fail(`type ${typeName(type)} has no text form here, write '\\# LENGTH HEX'`);
  const parts: Uint8Array[] = [];
  let place = 0;
  for (const field of fields) {
    const rest = words.slice(place);
    if (field === "service parameters") return withParams(parts, rest);
    const taken = field === "texts" ? rest : rest.slice(0, 1);
    if (taken.length === 0) return fail(`${typeName(type)} lacks a ${field === "texts" ? "text" : field}`);
    for (const word of taken) {
      const part = encodeField(field, word.text);
      if (part === undefined) return fail(`'${word.text.slice(0, 60)}' is no ${field === "texts" ? "text" : field}`);
      parts.push(part);
    }
    place += taken.length;
  }
  if (place < words.length) return fail(`'${words[place]?.text.slice(0, 60) ?? ""}' stands behind the record`);
  return ok(Buffer.concat(parts));
}

function withParams(parts: readonly Uint8Array[], words: readonly Word[]): Result<Buffer> {
  const params = encodeSvcParams(words.map(({ text }) => text));
  return params.ok ? ok(Buffer.concat([...parts, params.value])) : params;
}

type OneWord = Exclude<Field, "service parameters">;

const ENCODE: Readonly<Record<OneWord, (text: string) => Uint8Array | undefined>> = {
  address: ipv4Octets,
  "IPv6 address": ipv6Octets,
  name: encodeName,
  "number up to 255": (text) => encodeNumber(text, 1),
  "number up to 65535": (text) => encodeNumber(text, 2),
  "number up to 4294967295": (text) => encodeNumber(text, 4),
  duration: encodeDuration,
  text: encodeString,
  value: wordOctets,
  texts: encodeStrings,
};

const encodeField = (field: OneWord, text: string): Uint8Array | undefined => ENCODE[field](text);

function encodeName(text: string): Uint8Array | undefined {
  const raw = absoluteName(text);
  return raw === undefined ? undefined : Buffer.from(`${raw}\0`, "latin1");
}

/** A name as on the wire without the root's zero octet; there is no origin, so `@` is the root. */
export const absoluteName = (text: string): string | undefined => (text === "@" ? "" : parseName(text));

function encodeNumber(text: string, octets: 1 | 2 | 4): Uint8Array | undefined {
  if (!/^\d{1,10}$/.test(text) || Number(text) >= 2 ** (8 * octets)) return undefined;
  const out = Buffer.alloc(octets);
  out.writeUIntBE(Number(text), 0, octets);
  return out;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Seconds, also as `1h30m` (BIND's form, which CoreDNS reads); undefined above 2147483647 (RFC 2181 section 8). */
export function readSeconds(text: string): number | undefined {
  if (!/^(?:\d{1,10}[smhdw]?){1,5}$/i.test(text)) return undefined;
  let seconds = 0;
  for (const [, count = "", unit = "s"] of text.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)) {
    seconds += Number(count) * (UNIT_SECONDS[unit] ?? 1);
  }
  return seconds <= 0x7fffffff ? seconds : undefined;
}

function encodeDuration(text: string): Uint8Array | undefined {
  const seconds = readSeconds(text);
  return seconds === undefined ? undefined : encodeNumber(String(seconds), 4);
}

function encodeString(text: string): Uint8Array | undefined {
  const octets = wordOctets(text);
  return octets === undefined || octets.length > MAX_STRING ? undefined : Buffer.from([octets.length, ...octets]);
}

/** One string, or several when it is too long for one, as CoreDNS splits it. */
function encodeStrings(text: string): Uint8Array | undefined {
  const octets = wordOctets(text);
  if (octets === undefined) return undefined;
  const parts: Uint8Array[] = [];
  for (let from = 0; from === 0 || from < octets.length; from += MAX_STRING) {
    const part = octets.subarray(from, from + MAX_STRING);
    parts.push(Uint8Array.of(part.length), part);
  }
  return Buffer.concat(parts);
}
