import { randomBytes } from "node:crypto";
import { SluiceError } from "../../model/errors.ts";
import type { SampleSource } from "../../observe/sample.ts";
import { type Consolidation, createConsolidation } from "../directives/errors/consolidate.ts";
import { type CountedMeter, createCollector } from "../metrics/collect.ts";
import type { Meter } from "../metrics/meter.ts";
import { METER_OCTETS } from "../metrics/series.ts";
import { createSharedMeter } from "../metrics/shared-meter.ts";
import { hostnameKey } from "../table.ts";
import { DEFAULT_SCHEDULE } from "../upstream/schedule.ts";
import { DEFAULT_ALLOWED_NETWORKS } from "./access.ts";
import { clientRateMemory, DEFAULT_CLIENT_RATE } from "./client-rate.ts";
import { listenError } from "./port-probe.ts";
import type { ResolverOptions } from "./resolver-options.ts";
import { type ConfigureOutcome, type SupervisedWorker, startSupervisedWorker } from "./supervised-worker.ts";
import { DEFAULT_TCP_LIMITS } from "./tcp.ts";
import { underWayOctets } from "./under-way.ts";
import { type Configuration, type FromWorker, RESOLVER_ROLE, type WorkerSettings } from "./worker-messages.ts";

export type FleetInput = {
  readonly options: ResolverOptions;
  readonly configuration: Configuration;
  readonly onLoopSeen: () => void;
  readonly onLoopProbed: (round: number) => void;
};

type Refusal = Exclude<ConfigureOutcome, string>;

/** All worker threads. */
export type Fleet = {
  /** With the ports as found. */
  configuration(): Configuration;
  /** Settles when all workers answer from the configuration's data. */
  replaceData(configuration: Configuration): Promise<void>;
  /** Has all workers take up a configuration. Rejects, with the one before in force everywhere, when one cannot. */
  configure(configuration: Configuration): Promise<Configuration>;
  setLooping(looping: boolean): void;
  probeLoop(round: number): void;
  /** Workers that have not answered for a while, by number. */
  stalled(): readonly number[];
  readonly samples: SampleSource;
  /** Counts what the main thread does for the resolver. */
  readonly meter: Meter;
  drain(): Promise<void>;
};

type State = {
  readonly input: FleetInput;
  readonly workers: SupervisedWorker[];
  readonly meters: CountedMeter[];
  readonly collector: ReturnType<typeof createCollector>;
  /**
   * Two random labels, as CoreDNS's loop plugin asks for: many resolvers answer reserved domains themselves, and a
   * question that they do not send on cannot come back.
   */
  readonly loopProbe: string;
  /** `errors { consolidate }` of all workers. */
  readonly consolidation: Consolidation;
  readonly underWay: SharedArrayBuffer;
  readonly clientRates: SharedArrayBuffer;
  configuration: Configuration;
  /** Which server blocks each worker serves, by their generation; undefined while it does not listen. */
  readonly serving: (number | undefined)[];
  /** Those that each worker was started with. */
  readonly startedWith: number[];
  configuring: boolean;
  looping: boolean;
  troubleLoggedAt: number;
};

/** Longer than an exchange with an upstream may take; what is not answered by then never will be. */
const DRAIN_GRACE_MILLISECONDS = 1_000;
/** A fault that every question meets is logged once in that time; `coredns_panics_total` counts them all. */
const TROUBLE_PAUSE_MILLISECONDS = 1_000;

/** Starts all workers. Rejects with a SluiceError when one cannot serve. */
export async function startFleet(input: FleetInput): Promise<Fleet> {
  const state: State = {
    input,
    workers: [],
    meters: [],
    collector: createCollector(),
    loopProbe: hostnameKey(`${randomBytes(8).toString("hex")}.${randomBytes(8).toString("hex")}`),
    configuration: input.configuration,
    underWay: new SharedArrayBuffer(underWayOctets(input.options.workers)),
    serving: [],
    startedWith: [],
    configuring: false,
    clientRates: clientRateMemory(),
    consolidation: createConsolidation(input.options.printLine),
    looping: false,
    troubleLoggedAt: 0,
  };
  try {
    for (let index = 0; index < input.options.workers; index++) await startWorker(state, index);
  } catch (error) {
    await drain(state);
    throw error;
  }
  return {
    configuration: () => state.configuration,
    async replaceData(configuration) {
      state.configuration = configuration;
      const { data } = configuration;
      const applied = state.workers.map((worker) => worker.applied(data.version));
      for (const worker of state.workers) worker.post({ kind: "data", data });
      await Promise.all(applied);
    },
    configure: (configuration) => configure(state, configuration),
    setLooping(looping) {
      state.looping = looping;
      for (const worker of state.workers) worker.post({ kind: "looping", looping });
    },
    probeLoop: (round) => state.workers[0]?.post({ kind: "probe-loop", round }),
    stalled: () => state.workers.flatMap((worker, index) => (worker.stalled() ? [index] : [])),
    samples: state.collector.samples,
    meter: mainMeter(state.collector),
    drain: () => drain(state),
  };
}

function mainMeter(collector: ReturnType<typeof createCollector>): Meter {
  const buffer = new SharedArrayBuffer(METER_OCTETS);
  const counted = collector.add(buffer);
  return createSharedMeter({ buffer, announce: counted.announced });
}

async function startWorker(state: State, index: number): Promise<void> {
  const { options } = state.input;
  const { first, worker } = await startSupervisedWorker({
    index,
    workerUrl: options.workerUrl,
    settings: () => workerSettings(state, index),
    log: options.log,
    onMessage: (message) => takeMessage(state, index, message),
    onGone() {
      state.serving[index] = undefined;
      state.meters[index]?.retire();
    },
  });
  if (first.kind === "failed") throw serveError(state.configuration, first);
  state.workers.push(worker);
  state.configuration = withPorts(state.configuration, first.ports);
}

/** The next workers, and restarted ones, listen where the first does. */
const withPorts = (configuration: Configuration, ports: readonly number[]): Configuration => ({
  ...configuration,
  plan: {
    ...configuration.plan,
    listeners: configuration.plan.listeners.map((listener, index) => ({ ...listener, port: ports[index] ?? 0 })),
  },
});

/** What to tell somebody whose configuration cannot be served. */
function serveError(
  { plan }: Configuration,
  failure: { code: string; message: string; listener: number },
): SluiceError {
  const listener = plan.listeners[failure.listener];
  if (listener !== undefined) return listenError(listener.host, listener.port, failure.code, failure.message);
  return new SluiceError(
    "SLUICE_CONFIG_INVALID",
    failure.message,
    "mend the Corefile; 'sluice dns check' reads it alone",
  );
}

function workerSettings(state: State, index: number): WorkerSettings {
  const { options } = state.input;
  const counts = new SharedArrayBuffer(METER_OCTETS);
  state.meters[index] = state.collector.add(counts);
  state.startedWith[index] = state.configuration.data.blocks;
  return {
    role: RESOLVER_ROLE,
    configuration: state.configuration,
    worker: index,
    underWay: state.underWay,
    clientRates: state.clientRates,
    workers: options.workers,
    allowedNetworks: options.allowedNetworks ?? DEFAULT_ALLOWED_NETWORKS,
    clientRate: options.clientRate ?? DEFAULT_CLIENT_RATE,
    schedule: options.schedule ?? DEFAULT_SCHEDULE,
    tcpLimits: { ...DEFAULT_TCP_LIMITS, ...options.tcpLimits },
    loopProbe: state.loopProbe,
    looping: state.looping,
    counts,
  };
}

function takeMessage(state: State, index: number, message: FromWorker): void {
  const { options, onLoopSeen, onLoopProbed } = state.input;
  if (message.kind === "listening") {
    state.serving[index] = state.startedWith[index];
    replaceOutdated(state);
  } else if (message.kind === "series") state.meters[index]?.announced(message.series);
  else if (message.kind === "lines") printLines(state, message);
  else if (message.kind === "loop-seen") onLoopSeen();
  else if (message.kind === "loop-probed") onLoopProbed(message.round);
  else if (message.kind === "trouble" && Date.now() - state.troubleLoggedAt > TROUBLE_PAUSE_MILLISECONDS) {
    state.troubleLoggedAt = Date.now();
    options.log.error({ error: message.error }, "dns question not answered: internal fault");
  }
}

function printLines({ input, consolidation }: State, { lines, alike }: Extract<FromWorker, { kind: "lines" }>): void {
  for (const line of lines) input.options.printLine(line);
  for (const { group, times, first } of alike) consolidation.count(group, times, first);
}

async function configure(state: State, configuration: Configuration): Promise<Configuration> {
  state.configuring = true;
  try {
    const refusal = await configureAll(state, configuration);
    if (refusal !== undefined) throw serveError(configuration, refusal);
    return configuration;
  } finally {
    state.configuring = false;
    replaceOutdated(state);
  }
}

/** Gives why one worker cannot take the configuration up: all have the one before again then. */
async function configureAll(state: State, configuration: Configuration): Promise<Refusal | undefined> {
  const before = state.configuration;
  for (const index of state.workers.keys()) {
    // One after the other: the first finds the ports, and what the first cannot do the others need not try.
    const outcome = await configureWorker(state, index, configuration);
    if (typeof outcome === "string") continue;
    const back = { ...before, generation: configuration.generation + 1 };
    await Promise.all([...state.workers.keys()].slice(0, index).map((one) => configureWorker(state, one, back)));
    return outcome;
  }
  state.configuration = configuration;
  return undefined;
}

async function configureWorker(state: State, index: number, configuration: Configuration): Promise<ConfigureOutcome> {
  const outcome = (await state.workers[index]?.configure(configuration)) ?? "gone";
  if (outcome === "configured") state.serving[index] = configuration.data.blocks;
  return outcome;
}

/**
 * A worker that was started again while the others took up a configuration has the one before, to whose blocks newer data
 * does not fit. It ends, and is started with the newest.
 */
function replaceOutdated({ configuring, serving, configuration, workers }: State): void {
  if (configuring) return;
  for (const [index, blocks] of serving.entries()) {
    if (blocks !== undefined && blocks !== configuration.data.blocks) workers[index]?.post({ kind: "drain" });
  }
}

async function drain(state: State): Promise<void> {
  const { giveUpAtMilliseconds } = state.input.options.schedule ?? DEFAULT_SCHEDULE;
  await Promise.all(state.workers.map((worker) => worker.drain(giveUpAtMilliseconds + DRAIN_GRACE_MILLISECONDS)));
  state.consolidation.flush();
}
