import { createSocket, type Socket } from "node:dgram";
import { isIP } from "node:net";
import { clientOf } from "./client.ts";
import { createOutbox } from "./outbox.ts";
import type { Answerer, Respond } from "./respond.ts";

export type UdpListener = {
  readonly port: number;
  /** Questions that are not responded to yet. */
  pending(): number;
  close(): Promise<void>;
};

/** Where to listen; port 0 takes any that is free. */
export type ListenAt = {
  /**
   * An address, or `0.0.0.0` or `::` for all. An answer leaves from the address that it was bound to; from a socket for
   * all addresses it leaves from the one that the route to the client has, so a host with several names them one by one.
   */
  readonly host: string;
  readonly port: number;
  /** Whether other sockets of this process listen on the same port. */
  readonly shared: boolean;
};

/** Room for bursts; the kernel gives at most net.core.rmem_max. */
const SOCKET_BUFFER_OCTETS = 4 * 1024 * 1024;

/**
 * Listens on UDP. A shared port lets each worker have a socket of its own on it: the kernel spreads clients over them.
 * It must not be shared without need: asked for any free port, the kernel may give one that another process shares too,
 * and each would get some of the questions. Rejects with the system's error when the address cannot be had.
 */
export async function startUdp({ host, port, shared }: ListenAt, answer: Answerer): Promise<UdpListener> {
  const family = isIP(host) === 6 ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? "udp6" : "udp4",
    reusePort: shared,
    recvBufferSize: SOCKET_BUFFER_OCTETS,
    sendBufferSize: SOCKET_BUFFER_OCTETS,
    // Replies go to literals; answering at once saves a turn for each of them.
    lookup: (hostname, _options, callback) => callback(null, hostname, family),
  });
  const keep = createOutbox(() => socket.getSendQueueCount());
  let pending = 0;
  let open = true;
  const respond: Respond = (client, bytes) => {
    pending--;
    if (bytes === undefined || !open) return;
    const kept = keep(bytes);
    // Without a callback: that saves a closure for each answer, and errors come to the `error` event.
    if (kept !== undefined) socket.send(kept, client.port, client.source);
  };
  socket.on("message", (message, from) => {
    // Port 0 cannot be answered; a datagram from it is forged.
    if (from.port === 0) return;
    pending++;
    answer(message, clientOf(from.address, from.port, "udp", host), respond);
  });
  await bind(socket, host, port);
  return {
    port: socket.address().port,
    pending: () => pending,
    close() {
      open = false;
      return new Promise((closed) => socket.close(() => closed()));
    },
  };
}

const bind = (socket: Socket, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address: host, port }, () => {
      socket.off("error", reject);
      // A client that is gone answers with ICMP; that concerns nobody else.
      socket.on("error", () => undefined);
      resolve();
    });
  });
