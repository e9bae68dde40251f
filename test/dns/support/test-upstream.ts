import { createSocket, type RemoteInfo } from "node:dgram";
import { createServer, type Socket } from "node:net";
import { CLASS_IN, FLAG, RCODE, TYPE } from "../../../src/dns/wire/codes.ts";
import { foldKey, isAtOrBelow, nameText, parentKey } from "../../../src/dns/wire/name.ts";
import { buildZone, encodeRecord, parseRecord, rawName, type ZoneRecord } from "./zone.ts";

/** How the upstream misbehaves for one name. */
export type Behaviour = {
  readonly rcode?: string;
  /** true, or how many questions are ignored first. */
  readonly drop?: boolean | number;
  readonly delay?: number;
  readonly tc?: boolean;
  readonly pad?: number;
  readonly badid?: boolean;
  readonly wrongq?: string;
  readonly qr0?: boolean;
  readonly garbage?: boolean;
  readonly garbage_first?: boolean;
  readonly noedns?: boolean;
  readonly extra?: readonly string[];
  readonly answer_extra?: readonly string[];
  readonly ad?: boolean;
  readonly lowerq?: boolean;
  /** FORMERR to EDNS, as a header without a question. */
  readonly formerrOnEdns?: boolean;
  /** A datagram with these octets behind the ID. */
  readonly raw?: string;
};

export type Seen = {
  readonly name: string;
  readonly type: number;
  readonly id: number;
  readonly flags: string;
  readonly proto: "udp" | "tcp";
  readonly edns: boolean;
  readonly payload: number;
  readonly do: boolean;
  readonly options: number;
  readonly source: string;
  readonly sourcePort: number;
  readonly at: number;
};

export type TestUpstream = {
  readonly port: number;
  readonly seen: Seen[];
  /** Replaces the zone. */
  setZone(lines: readonly string[]): void;
  /** Notes questions and answers none, until told otherwise. */
  silence(silent: boolean): void;
  close(): Promise<void>;
};

export type TestUpstreamInput = {
  readonly zone: readonly string[];
  readonly behaviours?: Readonly<Record<string, Behaviour>>;
  readonly port?: number;
};

type Asked = Seen & { readonly raw: string; readonly key: string; readonly questionEnd: number };
type Filled = { rcode: number; answer: ZoneRecord[]; authority: ZoneRecord[]; additional: ZoneRecord[] };

const flagText = (flags: number): string =>
  (["RD", "AD", "CD"] as const).filter((name) => (flags & FLAG[name]) !== 0).join(" ");

type From = { readonly address: string; readonly port: number };

function readQuestion(message: Buffer, proto: "udp" | "tcp", from: From): Asked {
  let end = 12;
  while (message[end] !== 0) end += 1 + (message[end] as number);
  const raw = message.toString("latin1", 12, end);
  const questionEnd = end + 5;
  const edns = message.readUInt16BE(10) > 0;
  return {
    raw,
    key: foldKey(raw),
    name: nameText(raw),
    type: message.readUInt16BE(questionEnd - 4),
    questionEnd,
    id: message.readUInt16BE(0),
    flags: flagText(message.readUInt16BE(2)),
    proto,
    edns,
    payload: edns ? message.readUInt16BE(questionEnd + 3) : 0,
    do: edns && (message.readUInt16BE(questionEnd + 7) & 0x8000) !== 0,
    options: edns ? message.readUInt16BE(questionEnd + 9) : 0,
    source: from.address,
    sourcePort: from.port,
    at: Date.now(),
  };
}

type Zone = ReadonlyMap<string, readonly ZoneRecord[]>;

function findSoa(zone: Zone, key: string): ZoneRecord[] {
  for (let name = key; ; name = parentKey(name)) {
    const soa = zone.get(name)?.find((record) => record.type === TYPE.SOA);
    if (soa !== undefined) return [soa];
    if (name === "") return [];
  }
}

function findDname(zone: Zone, key: string): ZoneRecord | undefined {
  for (let name = parentKey(key); name !== ""; name = parentKey(name)) {
    const dname = zone.get(name)?.find((record) => record.type === TYPE.DNAME);
    if (dname !== undefined) return dname;
  }
  return undefined;
}

/** Answers as an authoritative server would that also chases aliases within its data. */
function fill(zone: Zone, asked: Asked): Filled {
  const filled: Filled = { rcode: RCODE.NOERROR, answer: [], authority: [], additional: [] };
  let raw = asked.raw;
  for (let hops = 0; hops < 20; hops++) {
    const key = foldKey(raw);
    const node = zone.get(key);
    const cname = node?.find((record) => record.type === TYPE.CNAME);
    const dname = node === undefined ? findDname(zone, key) : undefined;
    if (dname !== undefined) {
      const target = dname.data.toString("latin1", 0, dname.data.length - 1);
      const made = raw.slice(0, raw.length - dname.owner.length) + target;
      filled.answer.push(dname, {
        owner: raw,
        ttl: dname.ttl,
        type: TYPE.CNAME,
        data: Buffer.from(`${made}\0`, "latin1"),
      });
      raw = made;
    } else if (cname !== undefined && asked.type !== TYPE.CNAME && asked.type !== TYPE.ANY) {
      filled.answer.push({ ...cname, owner: raw });
      raw = cname.data.toString("latin1", 0, cname.data.length - 1);
    } else {
      const found = node?.filter((record) => record.type === asked.type || asked.type === TYPE.ANY) ?? [];
      filled.answer.push(...found.map((record) => ({ ...record, owner: raw })));
      if (found.length === 0) filled.authority.push(...findSoa(zone, key));
      const parent = [...zone.keys()].some((name) => name !== key && isAtOrBelow(name, key));
      if (node === undefined && !parent) filled.rcode = RCODE.NXDOMAIN;
      return filled;
    }
  }
  return filled;
}

function misbehave(filled: Filled, asked: Asked, behaviour: Behaviour): void {
  if (behaviour.rcode !== undefined) {
    filled.rcode = RCODE[behaviour.rcode as keyof typeof RCODE];
    filled.answer = [];
    filled.authority = [];
  }
  for (let index = 0; index < (behaviour.pad ?? 0); index++) {
    filled.answer.push({ ...parseRecord(`x. 60 TXT "${"x".repeat(60)}${index}"`), owner: asked.raw });
  }
  if (behaviour.tc && asked.proto === "udp") filled.answer = [];
  filled.additional.push(...(behaviour.extra ?? []).map(parseRecord));
  filled.answer.push(...(behaviour.answer_extra ?? []).map(parseRecord));
}

function encodeReply(message: Buffer, asked: Asked, filled: Filled, behaviour: Behaviour): Buffer {
  const withOpt = asked.edns && !behaviour.noedns;
  const name = behaviour.wrongq === undefined ? (behaviour.lowerq ? asked.key : asked.raw) : rawName(behaviour.wrongq);
  const header = Buffer.alloc(12);
  const flags = message.readUInt16BE(2) & (FLAG.RD | FLAG.CD);
  const truncated = behaviour.tc && asked.proto === "udp" ? FLAG.TC : 0;
  header.writeUInt16BE(asked.id, 0);
  header.writeUInt16BE(FLAG.QR | FLAG.RA | flags | truncated | (behaviour.ad ? FLAG.AD : 0) | filled.rcode, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(filled.answer.length, 6);
  header.writeUInt16BE(filled.authority.length, 8);
  header.writeUInt16BE(filled.additional.length + (withOpt ? 1 : 0), 10);
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(asked.type, 0);
  tail.writeUInt16BE(CLASS_IN, 2);
  const opt = Buffer.from([0, 0, TYPE.OPT, 0x04, 0xd0, 0, 0, asked.do ? 0x80 : 0, 0, 0, 0]);
  return Buffer.concat([
    header,
    Buffer.from(`${name}\0`, "latin1"),
    tail,
    ...[...filled.answer, ...filled.authority, ...filled.additional].map(encodeRecord),
    ...(withOpt ? [opt] : []),
  ]);
}

function datagrams(reply: Buffer, asked: Asked, behaviour: Behaviour): Buffer[] {
  const otherId = Buffer.from(reply);
  otherId.writeUInt16BE((asked.id + 1) & 0xffff, 0);
  const id = reply.subarray(0, 2);
  const out: Buffer[] = [];
  if (behaviour.badid) out.push(otherId);
  if (behaviour.garbage_first) out.push(Buffer.from([0, 1]));
  if (behaviour.formerrOnEdns && asked.edns) return [Buffer.concat([id, Buffer.from("81010000000000000000", "hex")])];
  if (behaviour.raw !== undefined) return [Buffer.concat([id, Buffer.from(behaviour.raw, "hex")])];
  if (behaviour.garbage) return [...out, Buffer.concat([id, Buffer.from([0x81, 0x80]), Buffer.alloc(20, 0xff)])];
  const last = Buffer.from(reply);
  if (behaviour.qr0) last[2] = (last[2] as number) & 0x7f;
  return [...out, last];
}

/** A DNS server on loopback with a zone and faults, on the same port for UDP and TCP. */
export async function startTestUpstream(input: TestUpstreamInput): Promise<TestUpstream> {
  let zone = buildZone(input.zone);
  const seen: Seen[] = [];
  const counts = new Map<string, number>();
  const behaviours = new Map(
    Object.entries(input.behaviours ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const sockets = new Set<Socket>();
  let silent = false;
  const timers = new Set<NodeJS.Timeout>();

  const answer = (message: Buffer, proto: "udp" | "tcp", from: From, send: (bytes: Buffer) => void): void => {
    const asked = readQuestion(message, proto, from);
    seen.push(asked);
    if (silent) return;
    const key = asked.name.toLowerCase();
    const behaviour = behaviours.get(key) ?? {};
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (behaviour.drop === true || (typeof behaviour.drop === "number" && count <= behaviour.drop)) return;
    const filled = fill(zone, asked);
    misbehave(filled, asked, behaviour);
    const out = datagrams(encodeReply(message, asked, filled, behaviour), asked, behaviour);
    const deliver = (): void => out.forEach(send);
    if (behaviour.delay === undefined) {
      deliver();
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      deliver();
    }, behaviour.delay * 1_000);
    timers.add(timer);
  };

  const udp = createSocket("udp4");
  udp.on("message", (message: Buffer, from: RemoteInfo) =>
    answer(message, "udp", from, (bytes) => udp.send(bytes, from.port, from.address, () => undefined)),
  );
  const tcp = createServer((socket) => {
    sockets.add(socket);
    let received = Buffer.alloc(0);
    const from = { address: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        answer(received.subarray(2, end), "tcp", from, (bytes) => {
          const prefix = Buffer.alloc(2);
          prefix.writeUInt16BE(bytes.length);
          socket.write(Buffer.concat([prefix, bytes]));
        });
        received = received.subarray(end);
      }
    });
  });
  const port = await bindBoth(udp, tcp, input.port ?? 0);
  return {
    port,
    seen,
    setZone(lines) {
      zone = buildZone(lines);
    },
    silence(wanted) {
      silent = wanted;
    },
    async close() {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      await Promise.all([
        new Promise<void>((closed) => udp.close(() => closed())),
        new Promise<void>((closed) => tcp.close(() => closed())),
      ]);
    },
  };
}

/** Binds a UDP socket and a TCP server to one port of loopback; 0 takes any that is free for both. */
export async function bindBoth(
  udp: ReturnType<typeof createSocket>,
  tcp: ReturnType<typeof createServer>,
  wanted: number,
) {
  for (;;) {
    // TCP first: a TCP server can be closed and listen again, a UDP socket cannot.
    await new Promise<void>((resolve, reject) => {
      tcp.once("error", reject);
      tcp.listen(wanted, "127.0.0.1", () => {
        tcp.off("error", reject);
        resolve();
      });
    });
    const { port } = tcp.address() as { port: number };
    const bound = await new Promise<boolean>((resolve) => {
      udp.once("error", () => resolve(false));
      udp.bind(port, "127.0.0.1", () => {
        udp.removeAllListeners("error");
        resolve(true);
      });
    });
    if (bound) return port;
    await new Promise<void>((closed) => tcp.close(() => closed()));
  }
}
