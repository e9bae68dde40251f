import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { FLAG, TYPE, typeCode } from "../../../src/dns/wire/codes.ts";
import { rawName } from "./zone.ts";

/** A question of a test. */
export type TestQuery = {
  readonly name: string;
  readonly type?: string;
  readonly class?: string;
  readonly flags?: readonly string[];
  readonly opcode?: string;
  readonly id?: number;
  readonly edns?: {
    readonly size?: number;
    readonly do?: boolean;
    readonly version?: number;
    readonly options?: readonly { readonly code: number; readonly data?: string }[];
  } | null;
};

const OPCODES: Record<string, number> = { QUERY: 0, IQUERY: 1, STATUS: 2, NOTIFY: 4, UPDATE: 5 };
const CLASSES: Record<string, number> = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 };

const u16 = (value: number): number[] => [value >> 8, value & 0xff];

/** Encodes a question. */
export function encodeQuery(query: TestQuery): Buffer {
  const { name, type = "A", edns, id = 0x1234, flags = ["rd"], opcode = "QUERY" } = query;
  const bits = flags.reduce((sum, flag) => sum | FLAG[flag.toUpperCase() as keyof typeof FLAG], 0);
  const options = (edns?.options ?? []).flatMap(({ code, data = "" }) => [
    ...u16(code),
    ...u16(data.length / 2),
    ...Buffer.from(data, "hex"),
  ]);
  const opt = edns
    ? [
        0,
        0,
        TYPE.OPT,
        ...u16(edns.size ?? 1232),
        0,
        edns.version ?? 0,
        edns.do ? 0x80 : 0,
        0,
        ...u16(options.length),
        ...options,
      ]
    : [];
  return Buffer.concat([
    Buffer.from([...u16(id), ...u16(bits | ((OPCODES[opcode] ?? 0) << 11)), 0, 1, 0, 0, 0, 0, 0, edns ? 1 : 0]),
    Buffer.from(`${rawName(name)}\0`, "latin1"),
    Buffer.from([...u16(typeCode(type) ?? 0), ...u16(CLASSES[query.class ?? "IN"] ?? 1), ...opt]),
  ]);
}

export type Target = {
  readonly port: number;
  readonly host?: string;
  readonly source?: string;
  readonly timeoutMilliseconds?: number;
};

const DEFAULT_TIMEOUT_MILLISECONDS = 6_000;

/** Sends one datagram and gives the first that comes back; undefined when none does in time. */
export function askUdp(message: Buffer, target: Target): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const host = target.host ?? "127.0.0.1";
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    const end = (bytes: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(bytes);
    };
    const timer = setTimeout(() => end(undefined), target.timeoutMilliseconds ?? DEFAULT_TIMEOUT_MILLISECONDS);
    socket.once("error", () => end(undefined));
    socket.once("message", (bytes) => end(bytes));
    const send = (): void => socket.send(message, target.port, host);
    if (target.source === undefined) send();
    else socket.bind(0, target.source, send);
  });
}

export const framed = (message: Buffer): Buffer => Buffer.concat([Buffer.from(u16(message.length)), message]);

/**
 * Writes chunks on one TCP connection, one after the other as each is flushed, and collects `expected` messages, or
 * those that came before the server closed or the time was over.
 */
export function askTcp(chunks: readonly Buffer[], expected: number, target: Target): Promise<Buffer[]> {
  return new Promise((resolve) => {
    const answers: Buffer[] = [];
    let received = Buffer.alloc(0);
    const socket = connect({
      port: target.port,
      host: target.host ?? "127.0.0.1",
      noDelay: true,
      ...(target.source && { localAddress: target.source }),
    });
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answers);
    };
    const timer = setTimeout(end, target.timeoutMilliseconds ?? DEFAULT_TIMEOUT_MILLISECONDS);
    const write = (index: number): void => {
      const chunk = chunks[index];
      if (chunk !== undefined) socket.write(chunk, () => setImmediate(write, index + 1));
    };
    socket.on("connect", () => write(0));
    socket.on("error", end);
    socket.on("close", end);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const size = 2 + received.readUInt16BE(0);
        answers.push(Buffer.from(received.subarray(2, size)));
        received = received.subarray(size);
      }
      if (answers.length >= expected) end();
    });
  });
}
