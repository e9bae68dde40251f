import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIP } from "node:net";
import { ANSWER_RING, type Answerer } from "./answerer.ts";
import { clientOf } from "./client.ts";

export type UdpListener = {
  readonly port: number;
  /** Questions whose answers are not sent yet. */
  pending(): number;
  close(): Promise<void>;
};

/** Where to listen; port 0 takes any that is free. */
export type ListenAt = {
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
  let pending = 0;
  let open = true;
  socket.on("message", (message, from) => {
    // Port 0 cannot be answered; a datagram from it is forged.
    if (from.port === 0) return;
    const answered = answer(message, clientOf(from.address, "udp"));
    if (!(answered instanceof Promise)) {
      if (answered !== undefined) send(socket, answered, from);
      return;
    }
    pending++;
    void answered.then((bytes) => {
      pending--;
      if (bytes !== undefined && open) send(socket, bytes, from);
    });
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

/** Without a callback: that saves a closure for each answer, and errors come to the `error` event. */
function send(socket: Socket, bytes: Buffer, to: RemoteInfo): void {
  // An answer in the ring may be overwritten before a full socket has taken it.
  const safe = socket.getSendQueueCount() > ANSWER_RING / 2 ? Buffer.from(bytes) : bytes;
  socket.send(safe, 0, safe.length, to.port, to.address);
}
