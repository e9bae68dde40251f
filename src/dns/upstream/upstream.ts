import type { ConnectionOptions } from "node:tls";
import { formatUpstream, type UpstreamAddress } from "./address.ts";
import { createHealth, type Health, type HealthCheck } from "./health.ts";
import type { RandomInteger } from "./random.ts";
import { createStreamConnections } from "./stream-connections.ts";
import type { TimerWheel } from "./timer-wheel.ts";
import { createUdpSockets } from "./udp-sockets.ts";
import type { CarrierLimits, Carriers } from "./waiter.ts";

/** `tcp-tls` as in CoreDNS's `proto` label. */
export type UpstreamProtocol = "udp" | "tcp" | "tcp-tls";

/** Is told what happens at one upstream; for metrics. */
export type UpstreamObserver = {
  /** A reply to a question. */
  onReply(rcode: number, seconds: number): void;
  /** A question leaves; `open`: by a socket or connection that had been open. */
  onUse(protocol: UpstreamProtocol, open: boolean): void;
  onProbeFailed(): void;
};

/** One server that questions are sent to. */
export type Upstream = {
  readonly address: UpstreamAddress;
  /** `10.96.0.10:53`. */
  readonly text: string;
  /** Undefined for an upstream that takes TLS only. */
  readonly datagrams: Carriers | undefined;
  readonly streams: Carriers;
  readonly health: Health;
  readonly observer: UpstreamObserver;
  /** Sockets are closed as soon as nobody waits for them. */
  close(): void;
};

export type UpstreamInput = {
  readonly address: UpstreamAddress;
  /** Speaks TLS when given. */
  readonly tls?: ConnectionOptions;
  readonly limits: CarrierLimits;
  readonly sourceAddress?: string;
  readonly healthCheck: HealthCheck;
  readonly observer: UpstreamObserver;
  readonly random: RandomInteger;
  readonly wheel: TimerWheel;
};

/** Nobody looks. */
export const NO_OBSERVER: UpstreamObserver = {
  onReply: () => undefined,
  onUse: () => undefined,
  onProbeFailed: () => undefined,
};

export function createUpstream(input: UpstreamInput): Upstream {
  const { address, tls, limits, sourceAddress, healthCheck, observer, random, wheel } = input;
  const shared = { upstream: address, limits, sourceAddress, random, wheel };
  const streamProtocol = tls === undefined ? "tcp" : "tcp-tls";
  const streams = createStreamConnections({ ...shared, tls, onUse: (open) => observer.onUse(streamProtocol, open) });
  const datagrams =
    tls === undefined ? createUdpSockets({ ...shared, onUse: (open) => observer.onUse("udp", open) }) : undefined;
  const overUdp = healthCheck.overTcp ? undefined : datagrams;
  const health = createHealth({
    check: healthCheck,
    carriers: overUdp ?? streams,
    wheel,
    onProbeFailed: () => observer.onProbeFailed(),
  });
  return {
    address,
    text: formatUpstream(address),
    datagrams,
    streams,
    health,
    observer,
    close() {
      health.close();
      datagrams?.close();
      streams.close();
    },
  };
}
