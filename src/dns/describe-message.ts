import dns2 from "dns2";
import { fail, ok, type Result } from "../model/result.ts";
import { FLAG, RCODE, rcodeName, TYPE, typeName } from "./wire/codes.ts";
import { readMessage } from "./wire/records.ts";
import { OWN_UDP_OCTETS, TCP_OCTETS } from "./wire/reply.ts";

const { Packet } = dns2;

/** A message for people: as `dig` shows it. */
export type DescribedMessage = {
  readonly rcode: string;
  /** `qr aa rd ra` and so on, in the order of the header. */
  readonly flags: readonly string[];
  /** `owner ttl type data`, owners with root dot. */
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  readonly additional: readonly string[];
  /** Absent without an OPT. */
  readonly edns?: { readonly udpSize: number; readonly dnssecOk: boolean; readonly errors: readonly ExtendedError[] };
};

/** RFC 8914. */
export type ExtendedError = { readonly code: number; readonly text: string };

type Decoded = Readonly<Record<string, unknown>> & {
  readonly name: string;
  readonly type: number;
  readonly ttl: number;
};

const EDE_OPTION = 15;
const FLAG_NAMES = Object.entries(FLAG).map(([name, bit]) => [name.toLowerCase(), bit] as const);

const rooted = (name: unknown): string => (name === "" ? "." : `${String(name)}.`);
const quoted = (value: unknown): string => `"${String(value)}"`;

/** Data of a type without a form of its own (RFC 3597 section 5). */
const generic = (data: unknown): string => {
  const bytes = Buffer.isBuffer(data) ? data : Buffer.alloc(0);
  return `\\# ${bytes.length}${bytes.length === 0 ? "" : ` ${bytes.toString("hex")}`}`;
};

const characterStrings = (data: unknown): string => {
  const bytes = Buffer.isBuffer(data) ? data : Buffer.alloc(0);
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; at += 1 + (bytes[at] as number)) {
    texts.push(quoted(bytes.toString("latin1", at + 1, at + 1 + (bytes[at] as number))));
  }
  return texts.join(" ");
};

const DATA_TEXT = new Map<number, (record: Decoded) => string>([
  [TYPE.A, (r) => String(r["address"])],
  [TYPE.AAAA, (r) => String(r["address"])],
  [TYPE.NS, (r) => rooted(r["ns"])],
  [TYPE.CNAME, (r) => rooted(r["domain"])],
  [TYPE.PTR, (r) => rooted(r["domain"])],
  [TYPE.MX, (r) => `${r["priority"]} ${rooted(r["exchange"])}`],
  [TYPE.TXT, (r) => (Array.isArray(r["data"]) ? r["data"] : [r["data"]]).map(quoted).join(" ")],
  [TYPE.HINFO, (r) => characterStrings(r["data"])],
  [TYPE.CAA, (r) => `${r["flags"]} ${r["tag"]} ${quoted(r["value"])}`],
  [TYPE.SRV, (r) => `${r["priority"]} ${r["weight"]} ${r["port"]} ${rooted(r["target"])}`],
  [
    TYPE.SOA,
    (r) =>
      `${rooted(r["primary"])} ${rooted(r["admin"])} ${r["serial"]} ${r["refresh"]} ${r["retry"]} ${r["expiration"]} ${r["minimum"]}`,
  ],
]);

const recordText = (record: Decoded): string =>
  `${rooted(record.name)} ${record.ttl} ${typeName(record.type)} ${(DATA_TEXT.get(record.type) ?? ((r) => generic(r["data"])))(record)}`;

/** The extended errors in an OPT's options, which stand behind its fixed part. */
function readErrors(options: Buffer): ExtendedError[] {
  const errors: ExtendedError[] = [];
  for (let at = 0; at + 4 <= options.length; at += 4 + options.readUInt16BE(at + 2)) {
    const data = options.subarray(at + 4, at + 4 + options.readUInt16BE(at + 2));
    if (options.readUInt16BE(at) === EDE_OPTION && data.length >= 2) {
      errors.push({ code: data.readUInt16BE(0), text: data.toString("utf8", 2) });
    }
  }
  return errors;
}

/** Finds the OPT as our replies and most others have it: the last record, with the root as owner. */
function readEdns(bytes: Buffer, start: number): DescribedMessage["edns"] {
  if (bytes.length < start + 11 || bytes.readUInt16BE(start + 1) !== TYPE.OPT) return undefined;
  return {
    udpSize: bytes.readUInt16BE(start + 3),
    dnssecOk: ((bytes[start + 7] as number) & 0x80) !== 0,
    errors: readErrors(bytes.subarray(start + 11)),
  };
}

/**
 * Decodes a reply for display, after its structure has been checked. Not for the path of a question: the decoder joins
 * labels with dots and builds objects.
 */
export function describeMessage(bytes: Buffer): Result<DescribedMessage> {
  if (bytes.length > TCP_OCTETS) return fail("the message is longer than DNS allows");
  const message = readMessage(bytes);
  if (message === undefined) return fail("the message is not well-formed DNS");
  const edns = readEdns(bytes, message.plainEnd === -1 ? bytes.length : message.plainEnd);
  const packet = Packet.parse(bytes);
  if (packet.errors.length > 0)
    return fail(...packet.errors.map((error) => `a record cannot be read: ${error.message}`));
  const texts = (records: readonly unknown[]): string[] =>
    (records as readonly Decoded[]).filter((record) => record.type !== TYPE.OPT).map(recordText);
  return ok({
    rcode: rcodeName(message.rcode),
    flags: FLAG_NAMES.filter(([, bit]) => (message.flags & bit) !== 0).map(([name]) => name),
    answer: texts(packet.answers),
    authority: texts(packet.authorities),
    additional: texts(packet.additionals),
    ...(edns && { edns }),
  });
}

/** Several lines, without a line break at the end. */
export function renderMessage({ rcode, flags, answer, authority, additional, edns }: DescribedMessage): string {
  const section = (title: string, records: readonly string[]): string[] =>
    records.length === 0 ? [] : [`${title}:`, ...records.map((record) => `  ${record}`)];
  return [
    `${rcode === rcodeName(RCODE.NOERROR) && answer.length === 0 ? "NOERROR, no data" : rcode} (${flags.join(" ")})`,
    ...section("answer", answer),
    ...section("authority", authority),
    ...section("additional", additional),
    ...(edns?.errors ?? []).map(({ code, text }) => `extended error ${code}: ${text}`),
    ...(edns !== undefined && edns.udpSize !== OWN_UDP_OCTETS ? [`its UDP size is ${edns.udpSize}`] : []),
  ].join("\n");
}
