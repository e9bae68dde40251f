import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type DecodedPacket, decode, encode, type RecordType } from "dns-packet";

/** Well above an answer on the loopback, low enough that an outage of the resolver shows as one. */
const PATIENCE_MS = 1000;

export type DnsAnswer = {
  readonly rcode: string;
  /** The addresses of the A and AAAA records in the answer. */
  readonly addresses: readonly string[];
  readonly packet: DecodedPacket;
};

/** Asks a resolver on the loopback over UDP, once: no retry hides a lost answer. */
export async function ask(port: number, name: string, type: RecordType = "A"): Promise<DnsAnswer> {
  const socket = createSocket("udp4");
  try {
    const id = randomInt(0x10000);
    const question = encode({ type: "query", id, flags: 0x100, questions: [{ type, name }] });
    socket.connect(port, "127.0.0.1");
    await once(socket, "connect");
    const answered = once(socket, "message", { signal: AbortSignal.timeout(PATIENCE_MS) });
    socket.send(question);
    const [bytes] = (await answered) as [Buffer];
    const packet = decode(bytes);
    if (packet.id !== id) throw new Error(`the answer's id is ${packet.id}, the question's ${id}`);
    const addresses = (packet.answers ?? []).flatMap((record) =>
      record.type === "A" || record.type === "AAAA" ? [record.data] : [],
    );
    return { rcode: (packet as { rcode?: string }).rcode ?? "", addresses, packet };
  } finally {
    socket.close();
  }
}
