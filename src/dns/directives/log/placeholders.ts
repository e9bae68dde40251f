import type { Answer } from "../../pipeline/answer.ts";
import type { Exchange } from "../../pipeline/exchange.ts";
import { FLAG } from "../../wire/codes.ts";
import type { Query } from "../../wire/gate.ts";
import { nameText, skipName } from "../../wire/name.ts";
import { TCP_OCTETS } from "../../wire/reply.ts";
import { classText, rcodeText, typeText } from "../dns-words.ts";

/** One question and what became of it. */
export type LoggedAnswer = {
  readonly exchange: Exchange;
  readonly answer: Answer;
  /** As sent; undefined when nothing was. */
  readonly bytes: Buffer | undefined;
  readonly seconds: number;
};

/** What a placeholder stands for; times are in seconds. */
export type LoggedValue = string | number | boolean;

/** Bits of the header in the order in which they are printed; the one without a name is reserved (RFC 1035). */
const FLAG_NAMES: readonly (readonly [string, number])[] = [
  ["qr", FLAG.QR],
  ["aa", FLAG.AA],
  ["tc", FLAG.TC],
  ["rd", FLAG.RD],
  ["ra", FLAG.RA],
  ["z", 0x0040],
  ["ad", FLAG.AD],
  ["cd", FLAG.CD],
];

/** IPv6 in brackets (RFC 3986). */
const hostText = (address: string): string => (address.includes(":") ? `[${address}]` : address);

const flagsText = (bytes: Buffer | undefined): string => {
  if (bytes === undefined) return "-";
  const flags = bytes.readUInt16BE(2);
  return FLAG_NAMES.flatMap(([name, bit]) => ((flags & bit) === 0 ? [] : [name])).join(",");
};

/** What the header says; the upper bits of an extended code, which it has no room for, are the answer's. */
const rcodeOf = (answer: Answer, bytes: Buffer | undefined): number => {
  const sent = bytes === undefined ? answer.rcode : bytes.readUInt16BE(2) & 0xf;
  return sent === (answer.rcode & 0xf) ? answer.rcode : sent;
};

/** Octets of the question's records as the gate has walked them: what stands behind them is not counted. */
function requestOctets(message: Buffer, query: Query): number {
  let position = query.questionEnd;
  // The gate walks records, and so has found them sound, only where there are additional ones.
  if (message.readUInt16BE(10) === 0) return position;
  const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  for (let index = 0; index < records; index++) {
    const fixed = skipName(message, position);
    position = fixed + 10 + message.readUInt16BE(fixed + 8);
  }
  return position;
}

/** The most octets that the client says it takes: over TCP always all (CoreDNS). */
const bufferSize = ({ client, query }: Exchange): number =>
  client.protocol === "tcp" ? TCP_OCTETS : (query.edns?.udpSize ?? 512);

/** CoreDNS's placeholders (plugin/pkg/replacer). */
export const PLACEHOLDERS: Readonly<Record<string, (logged: LoggedAnswer) => LoggedValue>> = {
  type: ({ exchange }) => typeText(exchange.asked.type),
  class: ({ exchange }) => classText(exchange.asked.class),
  name: ({ exchange }) => nameText(exchange.asked.key),
  proto: ({ exchange }) => exchange.client.protocol,
  remote: ({ exchange }) => hostText(exchange.client.address),
  port: ({ exchange }) => exchange.client.port,
  local: ({ exchange }) => hostText(exchange.client.local),
  size: ({ exchange }) => requestOctets(exchange.message, exchange.query),
  rcode: ({ answer, bytes }) => rcodeText(rcodeOf(answer, bytes)),
  rsize: ({ bytes }) => bytes?.length ?? 0,
  duration: ({ seconds }) => seconds,
  ">rflags": ({ bytes }) => flagsText(bytes),
  ">bufsize": ({ exchange }) => bufferSize(exchange),
  ">do": ({ exchange }) => exchange.query.edns?.dnssecOk ?? false,
  ">id": ({ exchange }) => exchange.query.id,
  ">opcode": ({ exchange }) => (exchange.query.flags >> 11) & 0xf,
};
