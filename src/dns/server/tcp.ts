import { type AddressInfo, createServer, isIP, type Socket } from "node:net";
import type { Answerer } from "./answerer.ts";
import { type Client, clientOf } from "./client.ts";
import type { ListenAt } from "./udp.ts";

export type TcpListener = {
  readonly port: number;
  /** Questions whose answers are not sent yet. */
  pending(): number;
  /** Takes no new connection; open ones end when their answers are out. */
  drain(): void;
  close(): Promise<void>;
};

export type TcpLimits = {
  readonly maxConnections: number;
  readonly firstByteMilliseconds: number;
  readonly idleMilliseconds: number;
  /** Questions of one connection under way at once; then reading pauses. */
  readonly maxOutstanding: number;
};

/** RFC 7766 section 6.2.3 asks for an idle time of seconds, RFC 9210 section 4 for limits against exhaustion. */
export const DEFAULT_TCP_LIMITS: TcpLimits = {
  maxConnections: 1_000,
  firstByteMilliseconds: 3_000,
  idleMilliseconds: 10_000,
  maxOutstanding: 100,
};

/** Answers that a client has not taken: four of the longest. Whoever asks and does not read is cut off. */
const MAX_UNREAD_OCTETS = 256 * 1024;
const HEADER_OCTETS = 12;

type Connection = {
  readonly socket: Socket;
  readonly client: Client;
  readonly answer: Answerer;
  readonly limits: TcpLimits;
  received: Buffer;
  /** Answers under way. */
  outstanding: number;
  /** The client has said all it will say, or we are shutting down. */
  ending: boolean;
  timer: NodeJS.Timeout;
};

/** Listens on TCP with a socket of its own. Rejects with the system's error when the address cannot be had. */
export function startTcp(
  { host, port, shared, tcpLimits: limits }: ListenAt & { readonly tcpLimits: TcpLimits },
  answer: Answerer,
): Promise<TcpListener> {
  const connections = new Set<Connection>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = serveConnection(socket, answer, limits);
    connections.add(connection);
    socket.on("close", () => {
      clearTimeout(connection.timer);
      connections.delete(connection);
    });
  });
  server.maxConnections = limits.maxConnections;
  const listener: Omit<TcpListener, "port"> = {
    pending: () => [...connections].reduce((sum, connection) => sum + connection.outstanding, 0),
    drain() {
      server.close();
      for (const connection of connections) {
        connection.ending = true;
        endWhenAnswered(connection);
      }
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const { socket } of connections) socket.destroy();
      }),
  };
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, reusePort: shared, ipv6Only: isIP(host) === 6 && host !== "::" }, () => {
      server.off("error", reject);
      // Failing to accept one connection (too many open files) concerns that connection only.
      server.on("error", () => undefined);
      resolve({ ...listener, port: (server.address() as AddressInfo).port });
    });
  });
}

/** Serves one connection: questions are answered as answers come, not in their order (RFC 7766 section 6.2.1.1). */
function serveConnection(socket: Socket, answer: Answerer, limits: TcpLimits): Connection {
  const connection: Connection = {
    socket,
    client: clientOf(socket.remoteAddress ?? "", "tcp"),
    answer,
    limits,
    received: Buffer.alloc(0),
    outstanding: 0,
    ending: false,
    timer: setTimeout(() => expire(connection), limits.firstByteMilliseconds),
  };
  let started = false;
  socket.on("data", (chunk: Buffer) => {
    if (!started) rearm(connection);
    started = true;
    connection.received =
      connection.received.length === 0 ? Buffer.from(chunk) : Buffer.concat([connection.received, chunk]);
    readFrames(connection);
  });
  socket.on("end", () => {
    connection.ending = true;
    endWhenAnswered(connection);
  });
  socket.on("error", () => socket.destroy());
  return connection;
}

/** Only a whole question or an answer moves the deadline: one octet now and then does not keep a connection. */
function rearm(connection: Connection): void {
  clearTimeout(connection.timer);
  connection.timer = setTimeout(() => expire(connection), connection.limits.idleMilliseconds);
}

function expire(connection: Connection): void {
  if (connection.outstanding > 0) rearm(connection);
  else connection.socket.destroy();
}

function readFrames(connection: Connection): void {
  const { socket, client, answer, limits } = connection;
  while (connection.received.length >= 2 && connection.outstanding < limits.maxOutstanding && !socket.destroyed) {
    const size = connection.received.readUInt16BE(0);
    // Less than a header cannot be answered, and what follows cannot be trusted to be a frame.
    if (size < HEADER_OCTETS) {
      socket.destroy();
      return;
    }
    if (connection.received.length < 2 + size) return;
    const message = connection.received.subarray(2, 2 + size);
    connection.received = connection.received.subarray(2 + size);
    rearm(connection);
    const answered = answer(message, client);
    if (!(answered instanceof Promise)) deliver(connection, answered);
    else {
      connection.outstanding++;
      void answered.then((bytes) => settle(connection, bytes));
    }
  }
  if (connection.outstanding >= limits.maxOutstanding) socket.pause();
}

function settle(connection: Connection, bytes: Buffer | undefined): void {
  connection.outstanding--;
  deliver(connection, bytes);
  if (connection.socket.isPaused() && connection.outstanding < connection.limits.maxOutstanding) {
    connection.socket.resume();
    readFrames(connection);
  }
  endWhenAnswered(connection);
}

function deliver(connection: Connection, bytes: Buffer | undefined): void {
  const { socket } = connection;
  if (bytes === undefined || socket.destroyed) return;
  const framed = Buffer.allocUnsafe(2 + bytes.length);
  framed.writeUInt16BE(bytes.length, 0);
  bytes.copy(framed, 2);
  socket.write(framed);
  if (socket.writableLength > MAX_UNREAD_OCTETS) socket.destroy();
  else rearm(connection);
}

function endWhenAnswered({ ending, outstanding, socket }: Connection): void {
  if (ending && outstanding === 0 && !socket.destroyed) socket.end();
}
