import type { RecordZones } from "../directives/kuadrant/record-zones.ts";
import type { AnnouncedSeries } from "../metrics/series.ts";
import type { Plan } from "../pipeline/plan.ts";
import type { LogLine } from "../pipeline/serve.ts";
import type { EgressTable } from "../table.ts";
import type { Schedule } from "../upstream/schedule.ts";
import type { ClientRate } from "./client-rate.ts";
import type { CountedLines } from "./line-batch.ts";
import type { TcpLimits } from "./tcp.ts";

/** Marks a worker thread as ours, for a composition root that is its own worker entry. */
export const RESOLVER_ROLE = "sluice-resolver";

/** What the server blocks answer from; replaced whole. */
export type BlockData = {
  /** Rises with every replacement in one process. */
  readonly version: number;
  /** The generation of the server blocks that it was compiled for: data goes by their order. */
  readonly blocks: number;
  /** By server block: one for each that has `sluice`. */
  readonly tables: readonly (EgressTable | undefined)[];
  /** By server block: one for each that has `kuadrant`. */
  readonly recordZones: readonly (RecordZones | undefined)[];
};

/** What a worker does, and from what. */
export type Configuration = {
  /** Rises with every reload in one process, also with one that fails. */
  readonly generation: number;
  readonly plan: Plan;
  readonly data: BlockData;
};

/** What a worker is started with. */
export type WorkerSettings = {
  readonly role: typeof RESOLVER_ROLE;
  readonly configuration: Configuration;
  /** This worker's place among all, from 0. */
  readonly worker: number;
  /** Where all workers count what is under way. */
  readonly underWay: SharedArrayBuffer;
  /** Where all workers count what each client asks. */
  readonly clientRates: SharedArrayBuffer;
  /** How many workers share the limits and, above one, the ports. */
  readonly workers: number;
  readonly allowedNetworks: readonly string[];
  readonly clientRate: ClientRate;
  readonly schedule: Schedule;
  readonly tcpLimits: TcpLimits;
  /** Name key of the loop probe; unguessable, so that only our own question can trip it. */
  readonly loopProbe: string;
  readonly looping: boolean;
  /** This worker's counts; the main thread reads them. */
  readonly counts: SharedArrayBuffer;
};

/** From the main thread to a worker. */
export type ToWorker =
  | { readonly kind: "configure"; readonly configuration: Configuration }
  | { readonly kind: "data"; readonly data: BlockData }
  | { readonly kind: "probe-loop"; readonly round: number }
  | { readonly kind: "looping"; readonly looping: boolean }
  /** To be answered with `alive`: a worker that does not is stuck. */
  | { readonly kind: "ping"; readonly turn: number }
  | { readonly kind: "drain" };

/** From a worker to the main thread. */
export type FromWorker =
  /** The first word of a worker that serves; `ports` as found, in the order of the plan's listeners. */
  | { readonly kind: "listening"; readonly ports: readonly number[] }
  /** The first and last word of one that cannot; `listener` is its place in the plan if an address could not be had. */
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly listener: number }
  | { readonly kind: "configured"; readonly generation: number }
  /** What was served before is served still. */
  | {
      readonly kind: "refused";
      readonly generation: number;
      readonly code: string;
      readonly message: string;
      readonly listener: number;
    }
  | { readonly kind: "applied"; readonly version: number }
  | { readonly kind: "series"; readonly series: AnnouncedSeries }
  | { readonly kind: "lines"; readonly lines: readonly LogLine[]; readonly alike: readonly CountedLines[] }
  | { readonly kind: "loop-seen" }
  | { readonly kind: "loop-probed"; readonly round: number }
  | { readonly kind: "alive"; readonly turn: number }
  | { readonly kind: "trouble"; readonly error: string }
  | { readonly kind: "drained" };
