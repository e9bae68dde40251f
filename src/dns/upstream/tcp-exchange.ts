import { connect } from "node:net";
import type { UpstreamAddress } from "./address.ts";

/** A question under way over TCP; `stop` ends it without calling `done`. */
export type TcpExchange = { stop(): void };

export type TcpExchangeInput = {
  readonly upstream: UpstreamAddress;
  readonly query: Buffer;
  readonly timeoutMilliseconds: number;
  /** Whether a message is the answer; others are passed over. */
  readonly accept: (bytes: Buffer) => boolean;
  /** Called once: without an error after a message was accepted. */
  readonly done: (error?: string) => void;
};

/**
 * Asks one question on its own connection (RFC 7766 section 5, after a truncated answer over UDP). Ends with an error
 * when the upstream closes, refuses or stays silent for the time given.
 */
export function startTcpExchange(input: TcpExchangeInput): TcpExchange {
  const { upstream, query, timeoutMilliseconds, accept, done } = input;
  const socket = connect({ host: upstream.host, port: upstream.port, noDelay: true });
  let received = Buffer.alloc(0);
  let ended = false;
  const end = (settle: () => void): void => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    socket.destroy();
    settle();
  };
  const timer = setTimeout(() => end(() => done("no answer over TCP in time")), timeoutMilliseconds);
  const framed = Buffer.allocUnsafe(2 + query.length);
  framed.writeUInt16BE(query.length, 0);
  query.copy(framed, 2);
  socket.on("connect", () => socket.write(framed));
  socket.on("data", (chunk: Buffer) => {
    received = received.length === 0 ? Buffer.from(chunk) : Buffer.concat([received, chunk]);
    while (!ended && received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const size = 2 + received.readUInt16BE(0);
      if (accept(received.subarray(2, size))) end(() => done());
      received = received.subarray(size);
    }
  });
  socket.on("error", (error) => end(() => done(error.message)));
  socket.on("close", () => end(() => done("the connection was closed")));
  return { stop: () => end(() => undefined) };
}
