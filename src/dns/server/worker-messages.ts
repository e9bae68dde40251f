import type { EgressTable } from "../table.ts";
import type { UpstreamAddress } from "../upstream/address.ts";
import type { Schedule } from "../upstream/exchange.ts";
import type { ClientRate } from "./client-rate.ts";
import type { ClaimSlots } from "./counters.ts";
import type { TcpLimits } from "./tcp.ts";

/** Marks a worker thread as ours, for a composition root that is its own worker entry. */
export const RESOLVER_ROLE = "sluice-resolver";

/** What a worker is started with. */
export type WorkerSettings = {
  readonly role: typeof RESOLVER_ROLE;
  readonly host: string;
  /** 0 for the first worker when any port will do; the others get the one that it found. */
  readonly port: number;
  /** Whether other workers listen on the same port. */
  readonly shared: boolean;
  readonly upstreams: readonly UpstreamAddress[];
  readonly allowedNetworks: readonly string[];
  readonly clientRate: ClientRate;
  readonly maxConcurrent: number;
  readonly schedule: Schedule;
  readonly tcpLimits: TcpLimits;
  /** Name key of the loop probe; unguessable, so that only our own question can trip it. */
  readonly loopProbe: string;
  readonly looping: boolean;
  readonly table: EgressTable;
  readonly slots: ClaimSlots;
  /** This worker's counters; the main thread reads them. */
  readonly counters: SharedArrayBuffer;
};

/** From the main thread to a worker. */
export type ToWorker =
  | { readonly kind: "table"; readonly table: EgressTable; readonly slots: ClaimSlots }
  | { readonly kind: "probe-loop"; readonly round: number }
  | { readonly kind: "looping"; readonly looping: boolean }
  | { readonly kind: "drain" };

/** From a worker to the main thread. */
export type FromWorker =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  | { readonly kind: "applied"; readonly version: number }
  | { readonly kind: "loop-seen" }
  | { readonly kind: "loop-probed"; readonly round: number }
  | { readonly kind: "trouble"; readonly error: string }
  | { readonly kind: "drained" };
