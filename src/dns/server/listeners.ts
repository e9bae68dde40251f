import type { Answerer } from "./respond.ts";
import { startTcp, type TcpLimits, type TcpListener } from "./tcp.ts";
import { type ListenAt, startUdp, type UdpListener } from "./udp.ts";

/** A port that the kernel chose for UDP may be taken for TCP; another one is free soon. */
const PORT_ATTEMPTS = 20;
/** How often the drain looks whether answers are still owed. */
const DRAIN_POLL_MILLISECONDS = 10;

/** One worker's sockets, on the same port. */
export type Listeners = { readonly udp: UdpListener; readonly tcp: TcpListener };

/** Where to listen; port 0 takes any that is free for both. */
export type ListenInput = ListenAt & { readonly tcpLimits: TcpLimits };

/** Listens on UDP and TCP. Rejects with the system's error. */
export async function startListeners(input: ListenInput, answer: Answerer): Promise<Listeners> {
  for (let attempt = 1; ; attempt++) {
    const udp = await startUdp(input, answer);
    try {
      return { udp, tcp: await startTcp({ ...input, port: udp.port }, answer) };
    } catch (error) {
      await udp.close();
      if (input.port !== 0 || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/** Answers what has arrived and what is under way, then closes. */
export async function drainListeners({ udp, tcp }: Listeners): Promise<void> {
  // Two turns of the event loop read what the kernel has queued already.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  tcp.drain();
  while (udp.pending() + tcp.pending() > 0) {
    await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MILLISECONDS));
  }
  await Promise.all([udp.close(), tcp.close()]);
}
