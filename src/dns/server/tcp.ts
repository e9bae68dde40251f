import { type AddressInfo, createServer, isIP } from "node:net";
import type { Answerer } from "./respond.ts";
import { type Connection, checkDeadlines, endConnection, type Listening, openConnection } from "./tcp-connection.ts";
import type { TcpLimits } from "./tcp-limits.ts";
import type { ListenAt } from "./udp.ts";

export { DEFAULT_TCP_LIMITS, type TcpLimits } from "./tcp-limits.ts";

export type TcpListener = {
  readonly port: number;
  /** Questions of open connections that are not responded to yet. */
  pending(): number;
  /** Replaces the limits, of open connections too; connections above a lower limit stay. */
  setLimits(limits: TcpLimits): void;
  /** Takes no new connection; open ones end when their answers are out. */
  drain(): void;
  close(): Promise<void>;
};

/** Listens on TCP with a socket of its own. Rejects with the system's error when the address cannot be had. */
export function startTcp(
  { host, port, shared, tcpLimits: limits }: ListenAt & { readonly tcpLimits: TcpLimits },
  answer: Answerer,
): Promise<TcpListener> {
  const connections = new Set<Connection>();
  const listening: Listening = { answer, limits };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = openConnection(socket, listening);
    connections.add(connection);
    socket.on("close", () => connections.delete(connection));
  });
  server.maxConnections = limits.maxConnections;
  const listener: Omit<TcpListener, "port"> = {
    pending: () => [...connections].reduce((sum, { outstanding }) => sum + outstanding, 0),
    setLimits(next) {
      listening.limits = next;
      server.maxConnections = next.maxConnections;
      for (const connection of connections) checkDeadlines(connection);
    },
    drain() {
      server.close();
      for (const connection of connections) endConnection(connection);
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
