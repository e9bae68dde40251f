import { createSocket, type Socket } from "node:dgram";
import { performance } from "node:perf_hooks";
import { formatUpstream, type UpstreamAddress } from "./address.ts";
import { socketFailure } from "./network-failure.ts";
import type { RandomInteger } from "./random.ts";
import { type Timed, type TimerWheel, UNARMED } from "./timer-wheel.ts";
import {
  type Carrier,
  type CarrierLimits,
  type Carriers,
  enlist,
  failAll,
  giveMessage,
  usedBefore,
  type Waiter,
} from "./waiter.ts";

/** Source ports in rotation (RFC 5452 section 9.2); with 16 bits of ID, a guess has one chance in 2^24. */
const MAX_SOCKETS = 256;
/** A socket with that many questions under way gets no more, so that a free ID is found at once. */
const MAX_WAITING = 1_000;
/** A socket counts as idle when it was not used for so long: under load each is used often, and closing it would cost. */
const IDLE_MILLISECONDS = 1_000;
/** A socket that has heard something so lately is trusted to lead somewhere still. */
const TRUSTED_MILLISECONDS = 100;
/** A socket counts as silent when it has heard nothing for so long; shorter than the time to a second attempt. */
const SILENT_MILLISECONDS = 500;

export type UdpInput = {
  readonly upstream: UpstreamAddress;
  readonly limits: CarrierLimits;
  /** The address to send from; undefined: the kernel's choice. */
  readonly sourceAddress: string | undefined;
  readonly random: RandomInteger;
  readonly wheel: TimerWheel;
  /** Called for each message: whether it left by a socket that had been open. */
  readonly onUse: (open: boolean) => void;
};

type UdpSocket = Carrier &
  Timed & {
    readonly sockets: UdpSockets;
    readonly socket: Socket;
    /** When it retires, whatever it does: times of `performance.now()`. */
    readonly retireAt: number;
    usedAt: number;
    /** When a message came last; 0 before the first. */
    heardAt: number;
    /** Place in `active`; -1 once retired. */
    place: number;
    closed: boolean;
    /** Written before the kernel has connected the socket, sent when it has; undefined from then on. */
    unsent: Buffer[] | undefined;
    /** An error of sending that the kernel tells at once goes only to who asks for it, and not to `error`. */
    readonly onSent: (error: Error | null) => void;
  };

type UdpSockets = UdpInput & {
  readonly active: UdpSocket[];
  /** Of the active ones, those that nobody waits for. */
  idle: number;
  closed: boolean;
};

/**
 * Connected UDP sockets to one upstream: the kernel picks a random source port, drops datagrams of strangers and reports
 * refused connections. Until there are enough, every message leaves by a new one.
 */
export function createUdpSockets(input: UdpInput): Carriers {
  const sockets: UdpSockets = { ...input, active: [], idle: 0, closed: false };
  return {
    send: (message, waiter) => send(sockets, message, waiter),
    close() {
      sockets.closed = true;
      for (const one of [...sockets.active]) retire(one);
    },
  };
}

function send(sockets: UdpSockets, message: Buffer, waiter: Waiter): void {
  const found = sockets.active.length < MAX_SOCKETS || sockets.closed ? undefined : pick(sockets, waiter);
  const one = found ?? open(sockets);
  if (one.waiting.length === 0 && one.place !== -1) sockets.idle--;
  enlist(waiter, one, message, sockets.random);
  if (one.unsent !== undefined) one.unsent.push(message);
  else if (mayFail(one)) one.socket.send(message, one.onSent);
  else one.socket.send(message);
  sockets.onUse(found !== undefined);
}

/**
 * Whether to ask how sending went, which Node answers by a further turn for each message. A message that nobody has
 * answered yet may have been refused, and then it is the next one that is told. And the way there may be gone.
 */
const mayFail = ({ waiting, heardAt }: UdpSocket): boolean =>
  waiting.length > 1 || heardAt < performance.now() - TRUSTED_MILLISECONDS;

/**
 * A random one, or the next that this question may use; undefined when none is free. An attempt that is not the first
 * leaves by a socket that is known to lead somewhere, or by a new one: conntrack holds source ports to an endpoint that
 * may be gone, and then all old sockets are deaf together.
 */
function pick(sockets: UdpSockets, waiter: Waiter): UdpSocket | undefined {
  const { active, random } = sockets;
  const heardSince = waiter.older === undefined ? Number.NEGATIVE_INFINITY : performance.now() - SILENT_MILLISECONDS;
  const start = random(active.length);
  for (let step = 0; step < active.length; step++) {
    const one = active[(start + step) % active.length] as UdpSocket;
    if (one.waiting.length < MAX_WAITING && one.heardAt > heardSince && !usedBefore(waiter, one)) return one;
  }
  // Room for the new one.
  const silent = waiter.older === undefined ? undefined : active[start];
  if (silent !== undefined) retire(silent);
  return undefined;
}

function open(sockets: UdpSockets): UdpSocket {
  const { upstream, limits, sourceAddress, wheel } = sockets;
  const socket = createSocket({
    type: upstream.family === 4 ? "udp4" : "udp6",
    // Addresses are literals: answering at once saves a turn through the name service.
    lookup: (hostname, _options, callback) => callback(null, hostname, upstream.family),
  });
  const now = performance.now();
  const one: UdpSocket = {
    ...UNARMED,
    onDue: checkAge,
    sockets,
    socket,
    datagrams: true,
    waiting: [],
    route: routeOf,
    onForgotten,
    retire,
    retireAt: now + lifetime(sockets),
    usedAt: now,
    heardAt: 0,
    place: -1,
    closed: false,
    unsent: [],
    onSent: (error) => {
      if (error !== null) fail(one, error);
    },
  };
  socket.on("message", (bytes) => {
    one.heardAt = performance.now();
    giveMessage(one, bytes);
  });
  socket.on("error", (error) => fail(one, error));
  socket.on("connect", () => sendUnsent(one));
  if (sourceAddress === undefined) socket.connect(upstream.port, upstream.host);
  else socket.bind(0, sourceAddress, () => socket.connect(upstream.port, upstream.host));
  socket.unref();
  if (sockets.closed) return one;
  one.place = sockets.active.push(one) - 1;
  sockets.idle++;
  wheel.arm(one, nextCheck(limits, one.retireAt, now, now));
  return one;
}

/**
 * Nobody who waits on the socket is heard any more: what the kernel reports is about an earlier message as likely as
 * about the last one, which it then has not sent (ECONNREFUSED of a connected socket, udp(7)).
 */
function fail(one: UdpSocket, error: Error): void {
  const failure = socketFailure(routeOf(one), error);
  retire(one);
  failAll(one, failure);
  destroy(one);
}

/** Sockets that were opened together do not all retire together: each lives for half of what is allowed, or more. */
const lifetime = ({ limits, random }: UdpSockets): number =>
  limits.maxAgeMs === 0 ? Number.POSITIVE_INFINITY : limits.maxAgeMs * (0.5 + random(0x8000) / 0x10000);

function sendUnsent(one: UdpSocket): void {
  const unsent = one.unsent ?? [];
  one.unsent = undefined;
  if (!one.closed) for (const message of unsent) one.socket.send(message, one.onSent);
}

/** When a socket is looked at again, by its last use. */
function nextCheck({ expireMs, maxIdle }: CarrierLimits, retireAt: number, usedAt: number, now: number): number {
  const idleCheck = maxIdle === 0 ? Number.POSITIVE_INFINITY : now + IDLE_MILLISECONDS;
  return Math.min(retireAt, usedAt + expireMs, idleCheck);
}

function checkAge(one: UdpSocket): void {
  const { limits, wheel, idle } = one.sockets;
  const now = performance.now();
  const usedAt = one.waiting.length > 0 ? now : one.usedAt;
  const tooMany = limits.maxIdle > 0 && idle > limits.maxIdle && usedAt + IDLE_MILLISECONDS <= now;
  if (one.retireAt <= now || usedAt + limits.expireMs <= now || tooMany) retire(one);
  else wheel.arm(one, nextCheck(limits, one.retireAt, usedAt, now));
}

function onForgotten(one: UdpSocket): void {
  if (one.waiting.length > 0) return;
  if (one.place === -1) {
    destroy(one);
    return;
  }
  one.usedAt = performance.now();
  one.sockets.idle++;
}

/** Takes it out of the rotation; the last one moves to its place. */
function retire(one: UdpSocket): void {
  const { active, wheel } = one.sockets;
  if (one.place !== -1) {
    const last = active.pop();
    if (last !== undefined && last !== one) {
      active[one.place] = last;
      last.place = one.place;
    }
    one.place = -1;
    if (one.waiting.length === 0) one.sockets.idle--;
    wheel.remove(one);
  }
  if (one.waiting.length === 0) destroy(one);
}

function destroy(one: UdpSocket): void {
  if (one.closed) return;
  one.closed = true;
  one.socket.close();
}

/** A socket that could not be connected, or that is closed, has no address. */
function routeOf({ socket, sockets, unsent, closed }: UdpSocket): string {
  const to = formatUpstream(sockets.upstream);
  if (unsent !== undefined || closed) return `dial udp ${to}`;
  const { address, port } = socket.address();
  return `read udp ${formatUpstream({ host: address, port, family: sockets.upstream.family })}->${to}`;
}
