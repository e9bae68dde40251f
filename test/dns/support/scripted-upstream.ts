import { createSocket } from "node:dgram";
import { createServer, type Socket } from "node:net";
import { bindBoth } from "./test-upstream.ts";

export type ScriptedUpstream = {
  readonly port: number;
  close(): Promise<void>;
};

/** What an upstream does with one question. `send` may be called any number of times, at any time. */
export type UpstreamScript = {
  /** Sends datagrams. */
  readonly udp?: (question: Buffer, send: (datagram: Buffer) => void) => void;
  /** Writes to the connection as it likes, length prefixes included, or ends it. */
  readonly tcp?: (question: Buffer, socket: Socket) => void;
  /** Called with every new connection, before any question. */
  readonly onConnection?: (socket: Socket) => void;
};

/** An upstream on loopback that sends whatever a test wants, octet by octet, on one port for UDP and TCP. */
export async function startScriptedUpstream(script: UpstreamScript): Promise<ScriptedUpstream> {
  const udp = createSocket("udp4");
  udp.on("message", (message, from) => {
    script.udp?.(message, (datagram) => udp.send(datagram, from.port, from.address, () => undefined));
  });
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    script.onConnection?.(socket);
    let received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        script.tcp?.(Buffer.from(received.subarray(2, end)), socket);
        received = received.subarray(end);
      }
    });
  });
  const port = await bindBoth(udp, tcp, 0);
  return {
    port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all([
        new Promise<void>((closed) => udp.close(() => closed())),
        new Promise<void>((closed) => tcp.close(() => closed())),
      ]);
    },
  };
}
