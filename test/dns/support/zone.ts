import { CLASS_IN, typeCode } from "../../../src/dns/wire/codes.ts";
import { foldKey, parseName } from "../../../src/dns/wire/name.ts";

export type ZoneRecord = { readonly owner: string; readonly ttl: number; readonly type: number; readonly data: Buffer };

/** A name of a test, on the wire without the root; a test with a bad name is a bug. */
export function rawName(text: string): string {
  const raw = parseName(text);
  if (raw === undefined) throw new Error(`bad name in a test: ${text}`);
  return raw;
}

const wire = (text: string): Buffer => Buffer.from(`${rawName(text)}\0`, "latin1");
const u16 = (value: string | number): Buffer => Buffer.from([Number(value) >> 8, Number(value) & 0xff]);
const u32 = (value: string | number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(Number(value));
  return out;
};
const characterString = (text: string): Buffer =>
  Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")]);
const quoted = (text: string): string[] => [...text.matchAll(/"([^"]*)"/g)].map((match) => match[1] as string);

function ipv6(text: string): Buffer {
  const [head = "", tail = ""] = text.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const [left, right] = [groups(head), groups(tail)];
  const middle = text.includes("::") ? Array<string>(8 - left.length - right.length).fill("0") : [];
  return Buffer.concat([...left, ...middle, ...right].map((group) => u16(Number.parseInt(group, 16))));
}

const ipv4 = (text: string): Buffer => Buffer.from(text.split(".").map(Number));

/** SvcParams of RFC 9460 that the test zones use. */
function svcParams(params: readonly string[]): Buffer {
  const encoders: Record<string, readonly [number, (value: string) => Buffer]> = {
    alpn: [1, (value) => Buffer.concat(value.split(",").map(characterString))],
    port: [3, u16],
    ipv4hint: [4, (value) => Buffer.concat(value.split(",").map(ipv4))],
    ipv6hint: [6, (value) => Buffer.concat(value.split(",").map(ipv6))],
  };
  return Buffer.concat(
    params.flatMap((param) => {
      const at = param.indexOf("=");
      const encoder = encoders[param.slice(0, at)];
      if (encoder === undefined) throw new Error(`unknown SvcParam in a test: ${param}`);
      const value = encoder[1](param.slice(at + 1));
      return [u16(encoder[0]), u16(value.length), value];
    }),
  );
}

function encodeData(type: string, text: string): Buffer {
  const words = text.split(/\s+/);
  const [first = "", second = ""] = words;
  switch (type) {
    case "A":
      return ipv4(first);
    case "AAAA":
      return ipv6(first);
    case "CNAME":
    case "DNAME":
    case "NS":
    case "PTR":
      return wire(first);
    case "MX":
      return Buffer.concat([u16(first), wire(second)]);
    case "TXT":
      return Buffer.concat(quoted(text).map(characterString));
    case "CAA":
      return Buffer.concat([Buffer.from([Number(first)]), characterString(second), Buffer.from(quoted(text)[0] ?? "")]);
    case "SOA":
      return Buffer.concat([wire(first), wire(second), ...words.slice(2).map(u32)]);
    case "SRV":
      return Buffer.concat([...words.slice(0, 3).map(u16), wire(words[3] ?? "")]);
    case "HTTPS":
    case "SVCB":
      return Buffer.concat([u16(first), wire(second), svcParams(words.slice(2))]);
    default:
      throw new Error(`unknown record type in a test: ${type}`);
  }
}

/** Reads `name ttl type data`. */
export function parseRecord(line: string): ZoneRecord {
  const [owner = "", ttl = "", type = "", ...data] = line.split(" ");
  return { owner: rawName(owner), ttl: Number(ttl), type: typeCode(type) ?? 0, data: encodeData(type, data.join(" ")) };
}

/** A record as it stands in a message, nothing compressed. */
export const encodeRecord = ({ owner, ttl, type, data }: ZoneRecord): Buffer =>
  Buffer.concat([Buffer.from(`${owner}\0`, "latin1"), u16(type), u16(CLASS_IN), u32(ttl), u16(data.length), data]);

/** Records by folded owner. */
export function buildZone(lines: readonly string[]): ReadonlyMap<string, readonly ZoneRecord[]> {
  const zone = new Map<string, ZoneRecord[]>();
  for (const record of lines.map(parseRecord)) {
    const key = foldKey(record.owner);
    zone.set(key, [...(zone.get(key) ?? []), record]);
  }
  return zone;
}
