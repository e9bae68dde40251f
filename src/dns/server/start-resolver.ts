import { randomBytes } from "node:crypto";
import type { EgressView } from "../../model/egress.ts";
import type { SampleSource } from "../../observe/sample.ts";
import { compileTable, type EgressTable, hostnameKey } from "../table.ts";
import { DEFAULT_SCHEDULE } from "../upstream/exchange.ts";
import { formatUpstreams, MAX_CONCURRENT } from "../upstream/forwarder.ts";
import { DEFAULT_ALLOWED_NETWORKS } from "./access.ts";
import { DEFAULT_CLIENT_RATE } from "./client-rate.ts";
import { assignSlots, COUNTER_OCTETS } from "./counters.ts";
import { type LoopWatch, startLoopWatch } from "./loop-watch.ts";
import { listenError, probePort } from "./port-probe.ts";
import { checkOptions, checkUpstreams, type ResolverOptions } from "./resolver-options.ts";
import { buildSamples } from "./samples.ts";
import { type SupervisedWorker, startSupervisedWorker } from "./supervised-worker.ts";
import { DEFAULT_TCP_LIMITS, type TcpLimits } from "./tcp.ts";
import { type FromWorker, RESOLVER_ROLE, type ToWorker, type WorkerSettings } from "./worker-messages.ts";

/** A running resolver. */
export type Resolver = {
  /** The address listened on, as given, and the port, as found. */
  readonly host: string;
  readonly port: number;
  /** Replaces the table in every worker. Settles when all of them answer from it. */
  update(view: EgressView, synced?: boolean): Promise<void>;
  /** Why this resolver is not ready; empty when it is. Egress answers are given all the same. */
  notReady(): readonly string[];
  readonly samples: SampleSource;
  /**
   * Ends: goes on answering for `lameDuckMilliseconds` (default 0) while `notReady` says so, then answers what has
   * arrived and what is under way, then closes. Settles when every thread is gone.
   */
  close(options?: { readonly lameDuckMilliseconds?: number }): Promise<void>;
};

/** The main thread's side of the resolver. */
type Fleet = {
  readonly options: ResolverOptions;
  /** Counter slots of claims; grows only. */
  readonly slots: Map<string, number>;
  readonly counters: readonly SharedArrayBuffer[];
  readonly workers: SupervisedWorker[];
  readonly loopProbe: string;
  loopWatch: LoopWatch;
  table: EgressTable;
  replacedAt: number;
  looping: boolean;
  closing: boolean;
  troubleLoggedAt: number;
};

/** Longer than an exchange with an upstream may take; what is not answered by then never will be. */
const DRAIN_GRACE_MILLISECONDS = 1_000;
/** A fault that every question meets is logged once in that time; `coredns_panics_total` counts them all. */
const TROUBLE_PAUSE_MILLISECONDS = 1_000;

/**
 * Starts the resolver: worker threads that share one port, each with its own sockets, answering from an immutable table
 * that this thread compiles once and posts to all. Rejects with a SluiceError when the options cannot work or the
 * address cannot be had.
 */
export async function startResolver(options: ResolverOptions): Promise<Resolver> {
  checkOptions(options);
  const { host, port: wanted } = options.listen;
  if (wanted !== 0) {
    checkUpstreams(options, wanted);
    await probePort(host, wanted);
  }
  const fleet = createFleet(options);
  const port = await startWorkers(fleet);
  fleet.loopWatch.start();
  return {
    host,
    port,
    update: (view, synced = true) => replaceTable(fleet, view, synced),
    notReady: () => [
      ...(fleet.closing ? ["shutting down"] : []),
      ...(fleet.table.synced ? [] : ["egress hostnames are not known yet"]),
      ...(fleet.looping ? ["loop: the upstream sends our questions back"] : []),
    ],
    samples: () =>
      buildSamples({
        counters: fleet.counters.map((buffer) => new Float64Array(buffer)),
        slots: fleet.slots,
        table: fleet.table,
        tableAgeSeconds: (Date.now() - fleet.replacedAt) / 1_000,
        looping: fleet.looping,
        server: `dns://:${port}`,
      }),
    async close({ lameDuckMilliseconds = 0 } = {}) {
      fleet.closing = true;
      if (lameDuckMilliseconds > 0) await new Promise((resolve) => setTimeout(resolve, lameDuckMilliseconds));
      await drainWorkers(fleet);
    },
  };
}

function createFleet(options: ResolverOptions): Fleet {
  const table = compileTable(options.view, { ...options.tableOptions, version: 1, synced: options.synced });
  const slots = new Map<string, number>();
  assignSlots(table, slots);
  const fleet: Fleet = {
    options,
    slots,
    counters: Array.from({ length: options.workers }, () => new SharedArrayBuffer(COUNTER_OCTETS)),
    workers: [],
    // Two random labels, as CoreDNS's loop plugin asks for: many resolvers answer reserved domains themselves, and a
    // question that they do not send on cannot come back.
    loopProbe: hostnameKey(`${randomBytes(8).toString("hex")}.${randomBytes(8).toString("hex")}`),
    loopWatch: startLoopWatch({
      enabled: options.loopProbe ?? true,
      probe: (round) => fleet.workers[0]?.post({ kind: "probe-loop", round }),
      report: (looping) => setLooping(fleet, looping),
    }),
    table,
    replacedAt: Date.now(),
    looping: false,
    closing: false,
    troubleLoggedAt: 0,
  };
  return fleet;
}

function post(fleet: Fleet, message: ToWorker): void {
  for (const worker of fleet.workers) worker.post(message);
}

async function startWorkers(fleet: Fleet): Promise<number> {
  const { options, workers } = fleet;
  let { port } = options.listen;
  try {
    for (let index = 0; index < options.workers; index++) {
      const { first, worker } = await startSupervisedWorker({
        index,
        port,
        workerUrl: options.workerUrl,
        settings: (at) => workerSettings(fleet, index, at),
        log: options.log,
        onMessage: (message) => takeMessage(fleet, message),
      });
      if (first.kind === "failed") throw listenError(options.listen.host, port, first.code, first.message);
      workers.push(worker);
      port = first.port;
    }
    checkUpstreams(options, port);
  } catch (error) {
    await drainWorkers(fleet);
    throw error;
  }
  return port;
}

function workerSettings(fleet: Fleet, index: number, port: number): WorkerSettings {
  const { options } = fleet;
  const share = (total: number): number => Math.max(1, Math.floor(total / options.workers));
  const tcpLimits: TcpLimits = { ...DEFAULT_TCP_LIMITS, ...options.tcpLimits };
  return {
    role: RESOLVER_ROLE,
    host: options.listen.host,
    port,
    shared: options.workers > 1,
    upstreams: options.upstreams,
    allowedNetworks: options.allowedNetworks ?? DEFAULT_ALLOWED_NETWORKS,
    clientRate: options.clientRate ?? DEFAULT_CLIENT_RATE,
    maxConcurrent: share(options.maxConcurrent ?? MAX_CONCURRENT),
    schedule: options.schedule ?? DEFAULT_SCHEDULE,
    tcpLimits: { ...tcpLimits, maxConnections: share(tcpLimits.maxConnections) },
    loopProbe: fleet.loopProbe,
    looping: fleet.looping,
    table: fleet.table,
    slots: fleet.slots,
    counters: fleet.counters[index] as SharedArrayBuffer,
  };
}

function takeMessage(fleet: Fleet, message: FromWorker): void {
  if (message.kind === "loop-seen") fleet.loopWatch.seen();
  if (message.kind === "loop-probed") fleet.loopWatch.probed(message.round);
  if (message.kind === "trouble" && Date.now() - fleet.troubleLoggedAt > TROUBLE_PAUSE_MILLISECONDS) {
    fleet.troubleLoggedAt = Date.now();
    fleet.options.log.error({ error: message.error }, "dns question not answered: internal fault");
  }
}

function setLooping(fleet: Fleet, looping: boolean): void {
  if (looping === fleet.looping) return;
  fleet.looping = looping;
  post(fleet, { kind: "looping", looping });
  const { log, upstreams } = fleet.options;
  const fields = { upstreams: formatUpstreams(upstreams) };
  if (looping) log.error(fields, "dns forwarding loop: the upstream sends our questions back, nothing is forwarded");
  else log.info(fields, "dns forwarding loop has ended");
}

async function replaceTable(fleet: Fleet, view: EgressView, synced: boolean): Promise<void> {
  const { options, slots, workers } = fleet;
  const version = fleet.table.version + 1;
  fleet.table = compileTable(view, { ...options.tableOptions, version, synced });
  fleet.replacedAt = Date.now();
  assignSlots(fleet.table, slots);
  const applied = workers.map((worker) => worker.applied(version));
  post(fleet, { kind: "table", table: fleet.table, slots });
  await Promise.all(applied);
}

async function drainWorkers(fleet: Fleet): Promise<void> {
  fleet.loopWatch.stop();
  const { giveUpAtMilliseconds } = fleet.options.schedule ?? DEFAULT_SCHEDULE;
  await Promise.all(fleet.workers.map((worker) => worker.drain(giveUpAtMilliseconds + DRAIN_GRACE_MILLISECONDS)));
}
