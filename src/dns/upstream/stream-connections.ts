import { connect, type Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { formatUpstream, type UpstreamAddress } from "./address.ts";
import { createFrameReader } from "./frame-reader.ts";
import { type NetworkFailure, socketFailure } from "./network-failure.ts";
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

/** Questions under way on one connection; for more another is opened (RFC 7766 section 6.2.1). */
const MAX_PIPELINED = 100;

export type StreamInput = {
  readonly upstream: UpstreamAddress;
  /** Undefined: plain TCP. */
  readonly tls: ConnectionOptions | undefined;
  readonly limits: CarrierLimits;
  readonly sourceAddress: string | undefined;
  readonly random: RandomInteger;
  readonly wheel: TimerWheel;
  /** Called for each message: whether it left by a connection that had been open. */
  readonly onUse: (open: boolean) => void;
};

type Connection = Carrier &
  Timed & {
    readonly connections: Connections;
    readonly socket: Socket;
    /** When it takes no more questions; a time of `performance.now()`. */
    readonly retireAt: number;
    usedAt: number;
    ready: boolean;
    answered: boolean;
    failure: NetworkFailure | undefined;
  };

type Connections = StreamInput & {
  readonly active: Set<Connection>;
  closed: boolean;
};

/**
 * TCP or TLS connections to one upstream, each for many questions at once, answered in any order (RFC 7766, RFC 7858).
 * Messages wait for a connection that is being opened.
 */
export function createStreamConnections(input: StreamInput): Carriers {
  const connections: Connections = { ...input, active: new Set(), closed: false };
  return {
    send(message, waiter) {
      const found = pick(connections, waiter);
      const one = found ?? open(connections);
      enlist(waiter, one, message, connections.random);
      const framed = Buffer.allocUnsafe(2 + message.length);
      framed.writeUInt16BE(message.length, 0);
      message.copy(framed, 2);
      one.socket.write(framed);
      connections.onUse(found !== undefined);
    },
    close() {
      connections.closed = true;
      for (const one of connections.active) retire(one);
    },
  };
}

function pick({ active }: Connections, waiter: Waiter): Connection | undefined {
  for (const one of active) if (one.waiting.length < MAX_PIPELINED && !usedBefore(waiter, one)) return one;
  return undefined;
}

function connectTo({ upstream, tls, sourceAddress }: Connections): Socket {
  const { host, port } = upstream;
  const to = { host, port, noDelay: true, ...(sourceAddress !== undefined && { localAddress: sourceAddress }) };
  // Loaded only for such upstreams: TLS costs every worker megabytes, and most have none.
  return tls === undefined ? connect(to) : process.getBuiltinModule("node:tls").connect({ ...to, ...tls });
}

function open(connections: Connections): Connection {
  const { limits, wheel, tls } = connections;
  const now = performance.now();
  const one: Connection = {
    ...UNARMED,
    onDue: checkAge,
    connections,
    socket: connectTo(connections),
    datagrams: false,
    waiting: [],
    route: routeOf,
    onForgotten,
    retire,
    retireAt: limits.maxAgeMs === 0 ? Number.POSITIVE_INFINITY : now + limits.maxAgeMs,
    usedAt: now,
    ready: false,
    answered: false,
    failure: undefined,
  };
  const { socket } = one;
  socket.on(tls === undefined ? "connect" : "secureConnect", () => {
    one.ready = true;
  });
  const read = createFrameReader((message) => {
    one.answered = true;
    giveMessage(one, message);
  });
  socket.on("data", read);
  socket.on("error", (error) => {
    one.failure = { ...socketFailure(routeOf(one), error), stale: one.answered };
  });
  socket.on("close", () => end(one));
  socket.unref();
  if (connections.closed) return one;
  connections.active.add(one);
  wheel.arm(one, Math.min(one.retireAt, now + limits.expireMs));
  return one;
}

function checkAge(one: Connection): void {
  const { limits, wheel } = one.connections;
  const now = performance.now();
  const idleUntil = one.waiting.length > 0 ? now + limits.expireMs : one.usedAt + limits.expireMs;
  if (one.retireAt <= now || idleUntil <= now) retire(one);
  else wheel.arm(one, Math.min(one.retireAt, idleUntil));
}

function onForgotten(one: Connection): void {
  if (one.waiting.length > 0) return;
  one.usedAt = performance.now();
  const { active, limits } = one.connections;
  if (!active.has(one)) {
    one.socket.destroy();
    return;
  }
  if (limits.maxIdle === 0) return;
  let idle = 0;
  for (const other of active) if (other.waiting.length === 0) idle++;
  if (idle > limits.maxIdle) retire(one);
}

function retire(one: Connection): void {
  one.connections.active.delete(one);
  one.connections.wheel.remove(one);
  if (one.waiting.length === 0) one.socket.destroy();
}

/** The connection is gone, whoever closed it. */
function end(one: Connection): void {
  retire(one);
  failAll(one, one.failure ?? { reason: "the connection was closed", cause: "EOF", stale: one.answered });
}

function routeOf({ ready, socket, connections }: Connection): string {
  const to = formatUpstream(connections.upstream);
  const { localAddress, localPort } = socket;
  if (!ready || localAddress === undefined || localPort === undefined) return `dial tcp ${to}`;
  const local = formatUpstream({ host: localAddress, port: localPort, family: connections.upstream.family });
  return `read tcp ${local}->${to}`;
}
