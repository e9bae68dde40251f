import { createSocket, type Socket } from "node:dgram";

/** What stands between a resolver and a Service's endpoints: it keeps a mapping for each source port, as conntrack does. */
export type MiddleBox = {
  readonly port: number;
  /** Source ports that have been seen. */
  readonly known: ReadonlySet<number>;
  /** Drops from now on all that comes from source ports that are known by now: they lead to an endpoint that is gone. */
  dropKnown(): void;
  /** How many datagrams were dropped. */
  drops(): number;
  close(): Promise<void>;
};

const closed = (socket: Socket): Promise<void> => new Promise((done) => socket.close(() => done()));

/** Passes datagrams on to a port of the loopback and answers back. `target` is read for each. */
export async function startMiddleBox(target: () => number): Promise<MiddleBox> {
  const outside = createSocket("udp4");
  const mappings = new Map<number, Socket>();
  const known = new Set<number>();
  const dropped = new Set<number>();
  let drops = 0;
  const mappingOf = (sourcePort: number): Socket => {
    const before = mappings.get(sourcePort);
    if (before !== undefined) return before;
    const socket = createSocket("udp4");
    socket.on("message", (reply) => outside.send(reply, sourcePort, "127.0.0.1"));
    socket.on("error", () => undefined);
    mappings.set(sourcePort, socket);
    return socket;
  };
  outside.on("message", (message, { port }) => {
    if (dropped.has(port)) {
      drops++;
      return;
    }
    known.add(port);
    mappingOf(port).send(message, target(), "127.0.0.1");
  });
  outside.on("error", () => undefined);
  await new Promise<void>((bound) => outside.bind(0, "127.0.0.1", bound));
  return {
    port: outside.address().port,
    known,
    dropKnown() {
      for (const port of known) dropped.add(port);
    },
    drops: () => drops,
    async close() {
      await Promise.all([outside, ...mappings.values()].map(closed));
    },
  };
}
