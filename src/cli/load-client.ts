import { createSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import type { UpstreamAddress } from "../dns/upstream/address.ts";
import { createFrameReader } from "../dns/upstream/frame-reader.ts";
import { createLoadFlight, type LoadFlight } from "./load-flight.ts";
import type { QuestionSource } from "./load-questions.ts";

/** One client of a load: a socket, and what is under way on it. */
export type LoadClient = {
  /** Sends the next question, whose latency counts from `intendedAt`. False when enough is under way. */
  send(intendedAt: number): boolean;
  readonly underWay: () => number;
  /** Gives up what was sent before this time; gives the number. */
  expire(before: number): number;
  close(): void;
};

export type LoadClientInput = {
  readonly target: UpstreamAddress;
  readonly tcp: boolean;
  readonly questions: QuestionSource;
  /** Most questions under way, 1 to 16384. */
  readonly outstanding: number;
  readonly now: () => number;
  /** Told of each answer: its response code, and when its question was to be sent. */
  readonly onAnswer: (rcode: number, intendedAt: number) => void;
};

type Wire = { write(slot: number): void; close(): void };

const RECONNECT_MILLISECONDS = 50;
const HEADER_OCTETS = 12;

/** Opens a client. Rejects when its socket cannot be opened; a TCP connection is made again whenever it ends. */
export async function openLoadClient(input: LoadClientInput): Promise<LoadClient> {
  const { now, tcp, outstanding, onAnswer } = input;
  const flight = createLoadFlight(input.questions, outstanding);
  const take = (message: Buffer): void => {
    if (message.length < HEADER_OCTETS || ((message[2] as number) & 0x80) === 0) return;
    const intendedAt = flight.end(message.readUInt16BE(0));
    if (intendedAt !== -1) onAnswer((message[3] as number) & 0xf, intendedAt);
  };
  const wire = tcp ? openTcp(input, flight, take) : await openUdp(input, flight, take);
  return {
    send(intendedAt) {
      if (flight.size() >= outstanding) return false;
      wire.write(flight.begin(intendedAt, now()));
      return true;
    },
    underWay: flight.size,
    expire: flight.expire,
    close: wire.close,
  };
}

type Take = (message: Buffer) => void;

async function openUdp({ target }: LoadClientInput, flight: LoadFlight, take: Take): Promise<Wire> {
  const socket = createSocket(target.family === 6 ? "udp6" : "udp4");
  socket.on("message", take);
  const ready = Promise.withResolvers<void>();
  socket.once("error", ready.reject);
  socket.connect(target.port, target.host, ready.resolve);
  await ready.promise;
  // A closed port shows as an error of the socket; the question is lost like any other that nobody answers.
  socket.on("error", () => undefined);
  const sent = (): void => undefined;
  return { write: (slot) => socket.send(flight.message(slot, false), sent), close: () => socket.close() };
}

/** Servers end connections after some questions: what is under way then is asked on the next one. */
function openTcp({ target }: LoadClientInput, flight: LoadFlight, take: Take): Wire {
  let socket: Socket | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const start = (): void => {
    const fresh = connect({ host: target.host, port: target.port, noDelay: true });
    let connected = false;
    fresh.on("connect", () => {
      connected = true;
      socket = fresh;
      for (const slot of flight.slots()) fresh.write(flight.message(slot, true));
    });
    fresh.on("data", createFrameReader(take));
    fresh.on("error", () => undefined);
    // A server that ends a connection at once must not be asked in a tight loop.
    fresh.on("end", () => fresh.destroy());
    fresh.on("close", () => {
      socket = undefined;
      if (!closed) timer = setTimeout(start, connected ? 0 : RECONNECT_MILLISECONDS);
    });
    if (closed) fresh.destroy();
  };
  start();
  return {
    write: (slot) => void socket?.write(flight.message(slot, true)),
    close() {
      closed = true;
      clearTimeout(timer);
      socket?.destroy();
    },
  };
}
