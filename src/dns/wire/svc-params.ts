import { fail, ok, type Result } from "../../model/result.ts";
import { ipv4Octets, ipv6Octets } from "./address-octets.ts";
import { wordOctets } from "./master-file-words.ts";

/** Keys by name (RFC 9460 section 14.3.2, RFC 9461). */
const KEYS: Readonly<Record<string, number>> = {
  mandatory: 0,
  alpn: 1,
  "no-default-alpn": 2,
  port: 3,
  ipv4hint: 4,
  ech: 5,
  ipv6hint: 6,
  dohpath: 7,
};

/** Octets of a value, or undefined for one that is not of its key's form. */
type Encode = (value: Buffer) => Uint8Array | undefined;

const ENCODERS = new Map<number, Encode>([
  [0, encodeMandatory],
  [1, encodeAlpn],
  [2, (value) => (value.length === 0 ? value : undefined)],
  [3, encodePort],
  [4, (value) => encodeAddresses(value, ipv4Octets)],
  [5, encodeBase64],
  [6, (value) => encodeAddresses(value, ipv6Octets)],
  [7, (value) => (value.includes("{?dns}") || value.includes("{&dns}") ? value : undefined)],
]);

type Param = { readonly key: number; readonly value: Uint8Array };

/** Encodes the parameters of an SVCB or HTTPS record (RFC 9460 section 2.1), in the order of their keys. */
export function encodeSvcParams(words: readonly string[]): Result<Buffer> {
  const params: Param[] = [];
  for (const word of words) {
    const param = readParam(word);
    if (param === undefined) return fail(`service parameter '${word.slice(0, 60)}' is not valid`);
    params.push(param);
  }
  params.sort((one, two) => one.key - two.key);
  const keys = new Set(params.map(({ key }) => key));
  if (keys.size < params.length) return fail("a service parameter stands twice");
  if (keys.has(2) && !keys.has(1)) return fail("no-default-alpn needs alpn");
  const mandatory = Buffer.from(params.find(({ key }) => key === 0)?.value ?? []);
  for (let at = 0; at < mandatory.length; at += 2) {
    if (!keys.has(mandatory.readUInt16BE(at))) return fail("a mandatory service parameter is missing");
  }
  return ok(Buffer.concat(params.flatMap(({ key, value }) => [u16(key), u16(value.length), value])));
}

function readParam(word: string): Param | undefined {
  const [name = "", ...rest] = word.split("=");
  const key = keyOf(name);
  const value = wordOctets(rest.join("=").replace(/^"([\s\S]*)"$/, "$1"));
  if (key === undefined || value === undefined || value.length > 0xffff) return undefined;
  const needsValue = key !== 2 && ENCODERS.has(key);
  const encoded = needsValue && value.length === 0 ? undefined : (ENCODERS.get(key) ?? ((octets) => octets))(value);
  return encoded === undefined ? undefined : { key, value: encoded };
}

function keyOf(name: string): number | undefined {
  if (Object.hasOwn(KEYS, name)) return KEYS[name];
  const code = /^key(0|[1-9]\d{0,4})$/.exec(name)?.[1];
  // 65535 is reserved as the invalid key.
  return code !== undefined && Number(code) < 0xffff ? Number(code) : undefined;
}

const u16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);

/** Keys in rising order, none twice, never `mandatory` itself (RFC 9460 section 8). */
function encodeMandatory(value: Buffer): Uint8Array | undefined {
  const keys = value.toString("latin1").split(",").map(keyOf);
  if (keys.includes(undefined) || keys.includes(0) || new Set(keys).size < keys.length) return undefined;
  return Buffer.concat(
    keys
      .map((key) => key ?? 0)
      .toSorted((one, two) => one - two)
      .map(u16),
  );
}

/** Identifiers between commas; `\,` and `\\` stand for themselves (RFC 9460 appendix A.1). */
function encodeAlpn(value: Buffer): Uint8Array | undefined {
  const ids = [""];
  for (const [token] of value.toString("latin1").matchAll(/\\[\s\S]|[\s\S]/g)) {
    if (token === ",") ids.push("");
    else ids[ids.length - 1] += token.length === 2 ? token.slice(1) : token;
  }
  if (ids.some((id) => id.length === 0 || id.length > 255)) return undefined;
  return Buffer.from(ids.map((id) => String.fromCharCode(id.length) + id).join(""), "latin1");
}

function encodePort(value: Buffer): Uint8Array | undefined {
  const text = value.toString("latin1");
  return /^\d{1,5}$/.test(text) && Number(text) <= 0xffff ? u16(Number(text)) : undefined;
}

function encodeAddresses(value: Buffer, encode: (text: string) => Uint8Array | undefined): Uint8Array | undefined {
  const addresses = value.toString("latin1").split(",").map(encode);
  return addresses.includes(undefined) ? undefined : Buffer.concat(addresses.map((one) => one ?? new Uint8Array()));
}

function encodeBase64(value: Buffer): Uint8Array | undefined {
  const text = value.toString("latin1");
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0 ? Buffer.from(text, "base64") : undefined;
}
