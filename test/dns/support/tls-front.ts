import { connect, type Socket } from "node:net";
import { createServer } from "node:tls";
import { generate } from "selfsigned";

export type TlsFront = {
  readonly port: number;
  /** The certificate as PEM, which is its own authority. */
  readonly certificate: string;
  /** Connections that clients have opened so far. */
  readonly connections: () => number;
  /** Closes the connections that are open. */
  hangUp(): void;
  close(): Promise<void>;
};

/** Speaks TLS with a certificate of its own for `name`, and hands the octets to a TCP port on loopback. */
export async function startTlsFront(name: string, behind: number): Promise<TlsFront> {
  const made = await generate([{ name: "commonName", value: name }], {
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: name }] },
    ],
  });
  const sockets = new Set<Socket>();
  let connections = 0;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer({ key: made.private, cert: made.cert }, (socket) => {
    connections++;
    const to = connect(behind, "127.0.0.1");
    keep(to);
    keep(socket);
    socket.pipe(to).pipe(socket);
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const hangUp = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    certificate: made.cert,
    connections: () => connections,
    hangUp,
    async close() {
      hangUp();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}
