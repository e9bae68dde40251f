import { createSocket } from "node:dgram";
import { connect, isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { SluiceError } from "../../model/errors.ts";

/** What to tell somebody whose address cannot be listened on. */
export function listenError(host: string, port: number, code: string, message: string): SluiceError {
  const at = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const [what, hint] =
    code === "EADDRINUSE"
      ? [
          "another program listens there",
          `stop it ('ss -lunp sport = :${port}' names it), or choose another port with --listen`,
        ]
      : code === "EACCES"
        ? ["this user may not", "use a port above 1023, such as 5353, or grant NET_BIND_SERVICE"]
        : code === "EADDRNOTAVAIL"
          ? ["this machine has no such address", "use an address of this machine, or 0.0.0.0 for all of them"]
          : [message, "choose another address with --listen"];
  return new SluiceError("SLUICE_LISTEN_FAILED", `cannot listen on ${at} for DNS: ${what}`, hint);
}

const probeUdp = (host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = createSocket(isIP(host) === 6 ? "udp6" : "udp4");
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => resolve()));
  });

/** Nobody answers a connection for longer than this on the machine itself. */
const CONNECT_MILLISECONDS = 500;

/**
 * Connects rather than listens: for whoever waits for the port to open, a listener that is there for a moment would be
 * the resolver.
 */
const probeTcp = (host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const local = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
    const socket = connect({ host: local, port, timeout: CONNECT_MILLISECONDS });
    const end = (taken: boolean): void => {
      socket.destroy();
      if (taken) reject(Object.assign(new Error("the port accepts connections"), { code: "EADDRINUSE" }));
      else resolve();
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });

/**
 * Finds out whether the address is free. The workers' sockets share their port, which would let them start beside
 * another program that shares its port too, and each would get some of the questions.
 */
export async function probePort(host: string, port: number): Promise<void> {
  if (isIP(host) === 0) {
    throw new SluiceError(
      "SLUICE_CONFIG_INVALID",
      `cannot listen on ${host}:${port} for DNS: this machine has no interface '${host}'`,
      `name an address in 'bind', or one of ${Object.keys(networkInterfaces()).join(", ")}`,
    );
  }
  try {
    await probeUdp(host, port);
    await probeTcp(host, port);
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    throw listenError(host, port, code, message);
  }
}
