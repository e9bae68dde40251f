import { encodeQuery, framed, type TestQuery } from "./dns-client.ts";

/** A whole number from 0 to below the bound. The same seed gives the same numbers. */
export type Chance = (bound: number) => number;

/** Mulberry32: small, quick, and good enough to choose octets by. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

const NAMES = [
  "api.openai.com",
  "API.openai.com",
  "www.anthropic.com",
  "x.example",
  "a.b.c.d.example",
  ".",
  "version.bind",
];
const TYPES = ["A", "AAAA", "HTTPS", "SVCB", "ANY", "TXT", "MX", "SOA", "CNAME", "TYPE65280", "AXFR", "OPT"];
const FLAGS = [["rd"], [], ["rd", "cd"], ["rd", "ad"], ["tc"]] as const;
const CLASSES = ["IN", "IN", "IN", "CH", "ANY"];

const pick = <T>(chance: Chance, values: readonly T[]): T => values[chance(values.length)] as T;

const randomOctets = (chance: Chance, length: number): Buffer => Buffer.from(Array.from({ length }, () => chance(256)));

function option(chance: Chance): { readonly code: number; readonly data: string } {
  return { code: pick(chance, [3, 8, 10, 12, 15, 65_001]), data: randomOctets(chance, chance(24)).toString("hex") };
}

/** A sound question, of any kind that the gate tells apart. */
export function soundQuery(chance: Chance): Buffer {
  const name = chance(4) === 0 ? `n${chance(5_000)}.example` : pick(chance, NAMES);
  const query: TestQuery = {
    name,
    type: pick(chance, TYPES),
    class: pick(chance, CLASSES),
    flags: pick(chance, FLAGS),
    ...(chance(2) === 0 && {
      edns: {
        size: pick(chance, [0, 100, 512, 1232, 4096, 65_535]),
        do: chance(2) === 0,
        version: chance(10) === 0 ? 1 : 0,
        options: Array.from({ length: chance(4) }, () => option(chance)),
      },
    }),
  };
  return encodeQuery(query);
}

type Mutation = (message: Buffer, chance: Chance) => Buffer;

const at = (message: Buffer, chance: Chance): number => chance(Math.max(1, message.length));

function patched(message: Buffer, offset: number, octet: number): Buffer {
  const copy = Buffer.from(message);
  if (offset < copy.length) copy[offset] = octet;
  return copy;
}

/** Behind the question of a message of `soundQuery`. */
function questionEnd(message: Buffer): number {
  let end = 12;
  while (end < message.length && message[end] !== 0) end += 1 + (message[end] as number);
  return Math.min(message.length, end + 5);
}

function counted(message: Buffer, offset: number, value: number): Buffer {
  const copy = Buffer.from(message);
  if (copy.length >= offset + 2) copy.writeUInt16BE(value & 0xffff, offset);
  return copy;
}

const OPT = Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);

const MUTATIONS: readonly Mutation[] = [
  // A bit or an octet is another one.
  (message, chance) => patched(message, at(message, chance), chance(256)),
  (message, chance) => {
    const offset = at(message, chance);
    return patched(message, offset, (message[offset] ?? 0) ^ (1 << chance(8)));
  },
  // It is cut off, or goes on.
  (message, chance) => message.subarray(0, at(message, chance)),
  (message, chance) => Buffer.concat([message, randomOctets(chance, chance(600))]),
  // A piece of it stands somewhere else.
  (message, chance) => {
    const [from, to] = [at(message, chance), at(message, chance)];
    return Buffer.concat([message.subarray(0, to), message.subarray(from, from + chance(40)), message.subarray(to)]);
  },
  (message, chance) => {
    const offset = at(message, chance);
    return Buffer.concat([message.subarray(0, offset), message.subarray(offset + 1 + chance(12))]);
  },
  // The counts lie.
  (message, chance) => counted(message, 4 + 2 * chance(4), pick(chance, [0, 1, 2, 255, 65_535])),
  // Pointers: to themselves, forwards, into the header, in circles.
  (message, chance) => {
    const offset = 12 + chance(20);
    const target = pick(chance, [0, 12, offset, offset + 2, 0x3fff, chance(64)]);
    return counted(message, offset, 0xc000 | target);
  },
  (message) => Buffer.concat([message.subarray(0, 12), Buffer.from("c00ec00c00010001", "hex")]),
  // Label lengths that are reserved, or lead beyond the end.
  (message, chance) => patched(message, 12, pick(chance, [63, 64, 127, 128, 191, 192, 255])),
  (message, chance) => {
    const labels = Buffer.alloc(2 * chance(200), Buffer.from([1, 0x61]));
    return Buffer.concat([message.subarray(0, 12), labels, Buffer.from([0, 0, 1, 0, 1])]);
  },
  // OPT: two, in another section, with an owner, cut off, with options that lie about their length.
  (message) => counted(Buffer.concat([message, OPT]), 10, message.length >= 12 ? message.readUInt16BE(10) + 1 : 1),
  (message) => counted(counted(Buffer.concat([message.subarray(0, questionEnd(message)), OPT]), 10, 0), 6, 1),
  (message) => counted(Buffer.concat([message.subarray(0, questionEnd(message)), Buffer.from([1, 0x61]), OPT]), 10, 1),
  (message, chance) => {
    const liar = Buffer.concat([OPT, randomOctets(chance, chance(30))]);
    liar.writeUInt16BE(pick(chance, [0, liar.length - 11, 4, 65_535]), 9);
    return counted(Buffer.concat([message.subarray(0, questionEnd(message)), liar]), 10, 1);
  },
  // Header bits: opcode, QR, Z and all others.
  (message, chance) => counted(message, 2, chance(65_536)),
];

/** One datagram: random octets, a sound question, or one with a few things wrong. */
export function hostilePacket(chance: Chance): Buffer {
  const kind = chance(10);
  if (kind === 0) return randomOctets(chance, chance(3) === 0 ? chance(1_400) : chance(64));
  let message = soundQuery(chance);
  for (let left = kind <= 2 ? 0 : 1 + chance(3); left > 0; left--) message = pick(chance, MUTATIONS)(message, chance);
  return message;
}

export type HostileStream = {
  /** Written one after the other; where they are cut says nothing. */
  readonly chunks: readonly Buffer[];
  /** What the client does then: says that it is done, breaks off, or keeps still. */
  readonly ending: "end" | "reset" | "silence";
};

/** One TCP connection: messages merged and split anywhere, length prefixes that lie, and ends of all kinds. */
export function hostileStream(chance: Chance, packets: readonly Buffer[]): HostileStream {
  const parts = packets.map((packet) => {
    const whole = framed(packet);
    if (chance(8) === 0) whole.writeUInt16BE(pick(chance, [0, 1, packet.length + 1, 65_535, chance(64)]) & 0xffff, 0);
    return whole;
  });
  let stream = Buffer.concat(parts);
  if (chance(4) === 0) stream = stream.subarray(0, at(stream, chance));
  const chunks: Buffer[] = [];
  for (let from = 0; from < stream.length; ) {
    const size = chance(3) === 0 ? 1 + chance(3) : 1 + chance(600);
    chunks.push(stream.subarray(from, from + size));
    from += size;
  }
  return { chunks, ending: pick(chance, ["end", "end", "end", "reset", "silence"]) };
}

/** The messages that a stream's octets hold, whatever was meant. */
export function framesIn(stream: Buffer): readonly Buffer[] {
  const frames: Buffer[] = [];
  for (let from = 0; from + 2 <= stream.length; ) {
    const end = from + 2 + stream.readUInt16BE(from);
    if (end > stream.length) break;
    frames.push(stream.subarray(from + 2, end));
    from = end;
  }
  return frames;
}
