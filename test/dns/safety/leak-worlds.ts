import fc from "fast-check";
import { TYPE } from "../../../src/dns/wire/codes.ts";
import { foldKey, isAtOrBelow, type NameKey } from "../../../src/dns/wire/name.ts";
import {
  type BuiltMessage,
  type BuiltRecord,
  buildMessage,
  type Compression,
  type DataPiece,
} from "../support/message-builder.ts";
import { rawName } from "../support/zone.ts";

/** The first exact egress name is in every table, the second only in the larger one. */
export const FIRST = "api.first.test";
export const SECOND = "second.test";
/** Becomes an egress name's answer only by a rewriting rule. */
export const TURNED = "api.turned.test";
export const GATEWAY_HOST = "lb.gateway.test";

const NAMES = [
  FIRST,
  SECOND,
  "w.wild.test",
  `_8443._https.${FIRST}`,
  "a.test",
  "b.test",
  "c.test",
  "api.dn.test",
  "second.dn.test",
  GATEWAY_HOST,
  "api.back.test",
  "x.back.test",
  "x.turned.test",
  "cheap.test",
  "hosted.test",
  "tpl.test",
].map(rawName);

/** Owners and targets of DNAME records. */
const ZONES = ["dn.test", "first.test", "test", "back.test", "wild.test"].map(rawName);

/** Where addresses of a generated answer come from, by what its aliases say of their owner. */
export const NETWORKS = {
  first: "6.6.6.",
  second: "6.6.7.",
  wild: "8.8.8.",
  gateway: "10.96.77.",
  plain: "7.7.7.",
} as const;
type Network = keyof typeof NETWORKS;

const TYPES = [1, 28, 5, 39, 65, 64, 15, 33, 35, 2, 16, 46, 6, 65_280] as const;

/** One record before its addresses are known. Numbers choose, so that cases shrink. */
type Draft = {
  readonly section: "answer" | "authority" | "additional";
  readonly owner: number;
  readonly target: number;
  readonly type: (typeof TYPES)[number];
  readonly priority: 0 | 1;
  readonly self: boolean;
  readonly upper: number;
  readonly compression: Compression;
  readonly ttl: number;
};

export type World = { readonly replies: readonly (readonly Draft[])[]; readonly opts: number };

const compression = fc.constantFrom<Compression>("none", "longest", "shortest");

const draft: fc.Arbitrary<Draft> = fc.record({
  section: fc.constantFrom("answer", "answer", "answer", "authority", "additional", "additional"),
  owner: fc.nat(NAMES.length - 1),
  target: fc.nat(NAMES.length - 1),
  type: fc.oneof({ weight: 3, arbitrary: fc.constantFrom<Draft["type"]>(1, 28, 5, 65) }, fc.constantFrom(...TYPES)),
  priority: fc.constantFrom(0, 1),
  self: fc.boolean(),
  upper: fc.nat(0xffff),
  compression,
  ttl: fc.constantFrom(0, 1, 60),
});

/** Answers that have nothing to do with the truth; each question gets one of them. */
export const world: fc.Arbitrary<World> = fc.record({
  replies: fc.array(fc.array(draft, { maxLength: 14 }), { minLength: 1, maxLength: 4 }),
  opts: fc.nat(2),
});

export const question = fc.record({
  name: fc.nat(NAMES.length - 1).map((index) => NAMES[index] as string),
  type: fc.constantFrom(1, 1, 1, 28, 28, 65, 65, 64, 5, 39, 255, 15, 33, 16, 2, 6, 35, 65_280),
  upper: fc.nat(0xffff),
  edns: fc.boolean(),
  tcp: fc.boolean(),
});

/** Capitals where the bits say so. */
export const mixed = (raw: string, bits: number): string =>
  [...raw]
    .map((letter, at) => (((bits >> (at % 16)) & 1) === 1 && /[a-z]/.test(letter) ? letter.toUpperCase() : letter))
    .join("");

const ownerOf = ({ type, owner }: Draft): string =>
  type === TYPE.DNAME ? (ZONES[owner % ZONES.length] as string) : (NAMES[owner] as string);
const targetOf = ({ type, target }: Draft): string =>
  type === TYPE.DNAME ? (ZONES[target % ZONES.length] as string) : (NAMES[target] as string);

const wild = rawName("wild.test");
const EXACT = new Map<NameKey, Network>([
  [rawName(FIRST), "first"],
  [rawName(`_8443._https.${FIRST}`), "first"],
  [rawName(SECOND), "second"],
  [rawName(TURNED), "second"],
]);

/** All names that aliases of these records lead to from one, itself included. Plain and slow on purpose. */
function reachable(drafts: readonly Draft[], from: NameKey): ReadonlySet<NameKey> {
  const seen = new Set<NameKey>([from]);
  for (const name of seen) {
    if (name.length > 250 || seen.size > 100) break;
    for (const one of drafts) {
      const [owner, target] = [foldKey(ownerOf(one)), foldKey(targetOf(one))];
      if (one.type === TYPE.CNAME && owner === name) seen.add(target);
      if (one.type === TYPE.DNAME && owner !== name && isAtOrBelow(name, owner)) {
        seen.add(name.slice(0, name.length - owner.length) + target);
      }
    }
  }
  return seen;
}

/** Whose address an owner's is, if one may believe these aliases. */
function networkOf(drafts: readonly Draft[], owner: string): Network {
  const reached = [...reachable(drafts, foldKey(owner))];
  for (const network of ["first", "second"] as const) {
    if (reached.some((name) => EXACT.get(name) === network)) return network;
  }
  if (reached.some((name) => name !== wild && isAtOrBelow(name, wild))) return "wild";
  return reached.includes(rawName(GATEWAY_HOST)) ? "gateway" : "plain";
}

const ipv4 = (network: Network): Uint8Array =>
  Uint8Array.from([...NETWORKS[network].split(".").slice(0, 3).map(Number), 9]);
/** An IPv6 address that ends with the four octets of the network's IPv4 address. */
const ipv6 = (network: Network): Uint8Array =>
  Uint8Array.from([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, ...ipv4(network)]);
const u16 = (...values: readonly number[]): Uint8Array =>
  Uint8Array.from(values.flatMap((value) => [value >> 8, value & 0xff]));

function dataOf(one: Draft, drafts: readonly Draft[]): readonly DataPiece[] {
  const name = { name: mixed(targetOf(one), one.upper), compression: one.compression };
  // An alias in another section cannot make an answer of its own owner untrue.
  const believed = one.section === "answer" ? drafts.filter(({ section }) => section === "answer") : drafts;
  const network = networkOf(believed, ownerOf(one));
  switch (one.type) {
    case TYPE.A:
      return [ipv4(network)];
    case TYPE.AAAA:
      return [ipv6(network)];
    case TYPE.MX:
      return [u16(10), name];
    case TYPE.SRV:
      return [u16(1, 1, 443), { ...name, compression: "none" }];
    case TYPE.NAPTR:
      return [u16(1, 1), Uint8Array.of(1, 0x73, 0, 0), name];
    case TYPE.HTTPS:
    case TYPE.SVCB: {
      const hinted = networkOf(drafts, one.self ? ownerOf(one) : targetOf(one));
      const hints = [u16(4, 4), ipv4(hinted), u16(6, 16), ipv6(hinted)];
      const target = one.self ? Uint8Array.of(0) : name;
      return [u16(one.priority), target, ...(one.priority === 0 ? [] : hints)];
    }
    case TYPE.SOA:
      return [name, name, u16(0, 1, 0, 60, 0, 60, 0, 60, 0, 60)];
    case TYPE.RRSIG:
      return [u16(1, 0x0502, 0, 60, 0, 60, 0, 60, 1), name, Uint8Array.of(1, 2, 3)];
    case TYPE.TXT:
      return [Uint8Array.of(1, 0x78)];
    case 65_280:
      return [Uint8Array.of(1, 2, 3)];
    default:
      return [name];
  }
}

const built = (one: Draft, drafts: readonly Draft[]): BuiltRecord => ({
  owner: mixed(ownerOf(one), one.upper >> 1),
  compression: one.compression,
  type: one.type,
  ttl: one.ttl,
  data: dataOf(one, drafts),
});

const OPT: BuiltRecord = { owner: "", compression: "none", type: TYPE.OPT, class: 1232, ttl: 0, data: [] };

/** What the world's upstream says to a question: its name and type choose the answer, and nothing of it is checked. */
export function replyTo({ replies, opts }: World, message: Buffer): Buffer {
  let end = 12;
  while (message[end] !== 0) end += 1 + (message[end] as number);
  const asked = message.subarray(12, end + 5);
  const turn = [...foldKey(asked.toString("latin1"))].reduce((sum, octet) => (sum * 31 + octet.charCodeAt(0)) >>> 0, 7);
  const drafts = replies[turn % replies.length] as readonly Draft[];
  // Most records are made to answer the question, or nothing would get far.
  const raw = message.toString("latin1", 12, end);
  const fitted = drafts.map((one, index) => (index % 4 === 0 ? fitTo(one, raw, message.readUInt16BE(end + 1)) : one));
  const of = (section: Draft["section"]) =>
    fitted.filter((one) => one.section === section).map((one) => built(one, fitted));
  const reply: BuiltMessage = {
    flags: 0x8180,
    question: asked,
    answer: of("answer"),
    authority: of("authority"),
    additional: [...of("additional"), ...Array.from({ length: opts }, () => OPT)],
  };
  return buildMessage(message.readUInt16BE(0), reply);
}

/** The record with the question's owner, and every second one with its type. */
function fitTo(one: Draft, raw: string, type: number): Draft {
  const owner = NAMES.indexOf(foldKey(raw));
  const wanted = TYPES.find((known) => known === type);
  if (owner === -1 || one.type === TYPE.DNAME) return one;
  return {
    ...one,
    section: "answer",
    owner,
    ...(one.upper % 2 === 0 && wanted !== undefined && wanted !== TYPE.DNAME && { type: wanted }),
  };
}
