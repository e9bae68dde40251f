import { createSocket, type Socket } from "node:dgram";
import type { UpstreamAddress } from "./address.ts";
import type { RandomInteger } from "./random.ts";

/** Who waits for a datagram with one ID on one socket. */
export type Waiter = {
  /** True when the datagram was the answer; false keeps waiting. */
  onDatagram(bytes: Buffer): boolean;
  /** The network said no: connection refused, host unreachable. */
  onError(error: Error): void;
};

/** A question under way: `forget` frees its ID. */
export type Sent = { readonly socket: object; forget(): void };

export type SocketPool = {
  /** Sends what `build` makes for a fresh ID, from a socket that is none of `avoid`. */
  send(build: (id: number) => Buffer, waiter: Waiter, avoid: ReadonlySet<object>): Sent;
  close(): void;
};

type Member = {
  readonly socket: Socket;
  readonly waiting: Map<number, Waiter>;
  readonly retireAt: number;
  /** Built before the kernel connected the socket; sent when it has. Undefined once connected. */
  unsent: Buffer[] | undefined;
  closed: boolean;
};

/** Source ports in rotation (RFC 5452 section 9.2); with 16 bits of ID, a guess has one chance in 2^24. */
const MAX_SOCKETS = 256;
/** A port is not used longer, so that a stale connection-tracking entry costs one retry (kubernetes#125467). */
const MAX_AGE_MILLISECONDS = 5_000;
const SWEEP_MILLISECONDS = 1_000;
/** A socket with that many questions under way gives no more, so that a fresh ID is found at once. */
const MAX_WAITING = 1_000;

type Pool = {
  readonly upstream: UpstreamAddress;
  readonly random: RandomInteger;
  readonly active: Member[];
  /** Too old for new questions, kept for answers that may still come. */
  readonly retired: Set<Member>;
  closed: boolean;
};

/**
 * Connected UDP sockets to one upstream: the kernel picks a random source port, drops datagrams of strangers and
 * reports refused connections. Until the pool is full every question gets a new socket.
 */
export function createSocketPool(upstream: UpstreamAddress, random: RandomInteger): SocketPool {
  const pool: Pool = { upstream, random, active: [], retired: new Set(), closed: false };
  const sweep = setInterval(() => {
    const now = Date.now();
    for (const member of pool.active.filter((one) => one.retireAt <= now)) retire(pool, member);
  }, SWEEP_MILLISECONDS);
  sweep.unref();
  return {
    send: (build, waiter, avoid) => send(pool, build, waiter, avoid),
    close() {
      pool.closed = true;
      clearInterval(sweep);
      for (const member of [...pool.active, ...pool.retired]) destroy(member);
      pool.active.length = 0;
      pool.retired.clear();
    },
  };
}

function send(pool: Pool, build: (id: number) => Buffer, waiter: Waiter, avoid: ReadonlySet<object>): Sent {
  if (pool.closed) {
    queueMicrotask(() => waiter.onError(new Error("the resolver is shutting down")));
    return { socket: {}, forget: () => undefined };
  }
  const member = pick(pool, avoid);
  let id = pool.random(0x10000);
  while (member.waiting.has(id)) id = pool.random(0x10000);
  member.waiting.set(id, waiter);
  const bytes = build(id);
  if (member.unsent === undefined) member.socket.send(bytes);
  else member.unsent.push(bytes);
  return {
    socket: member,
    forget() {
      if (member.waiting.get(id) === waiter) member.waiting.delete(id);
      settleRetired(pool, member);
    },
  };
}

function pick(pool: Pool, avoid: ReadonlySet<object>): Member {
  const { active, random } = pool;
  if (active.length < MAX_SOCKETS) return open(pool);
  const start = random(active.length);
  const now = Date.now();
  for (let step = 0; step < active.length; step++) {
    const member = active[(start + step) % active.length] as Member;
    if (!avoid.has(member) && member.waiting.size < MAX_WAITING && member.retireAt > now) return member;
  }
  return open(pool);
}

function open(pool: Pool): Member {
  const { upstream } = pool;
  const socket = createSocket({
    type: upstream.family === 4 ? "udp4" : "udp6",
    // Addresses are literals: answering at once saves a turn through the name service.
    lookup: (hostname, _options, callback) => callback(null, hostname, upstream.family),
  });
  const retireAt = Date.now() + MAX_AGE_MILLISECONDS;
  const member: Member = { socket, waiting: new Map(), retireAt, unsent: [], closed: false };
  socket.on("message", (bytes) => {
    if (bytes.length < 2) return;
    const id = bytes.readUInt16BE(0);
    const waiter = member.waiting.get(id);
    // The waiter may have asked again under the same ID meanwhile.
    if (waiter?.onDatagram(bytes) && member.waiting.get(id) === waiter) member.waiting.delete(id);
    settleRetired(pool, member);
  });
  socket.on("error", (error) => {
    const waiters = [...member.waiting.values()];
    member.waiting.clear();
    retire(pool, member);
    for (const waiter of waiters) waiter.onError(error);
  });
  socket.on("connect", () => {
    const unsent = member.unsent ?? [];
    member.unsent = undefined;
    if (!member.closed) for (const bytes of unsent) socket.send(bytes);
  });
  socket.connect(upstream.port, upstream.host);
  socket.unref();
  pool.active.push(member);
  return member;
}

function retire(pool: Pool, member: Member): void {
  const at = pool.active.indexOf(member);
  if (at !== -1) pool.active.splice(at, 1);
  if (member.waiting.size === 0) destroy(member);
  else pool.retired.add(member);
}

function settleRetired(pool: Pool, member: Member): void {
  if (member.waiting.size === 0 && pool.retired.delete(member)) destroy(member);
}

function destroy(member: Member): void {
  if (member.closed) return;
  member.closed = true;
  member.socket.close();
}
