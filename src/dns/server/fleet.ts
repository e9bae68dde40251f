import { randomBytes } from "node:crypto";
import { SluiceError } from "../../model/errors.ts";
import type { SampleSource } from "../../observe/sample.ts";
import { type CountedMeter, createCollector } from "../metrics/collect.ts";
import type { Meter } from "../metrics/meter.ts";
import { METER_OCTETS } from "../metrics/series.ts";
import { createSharedMeter } from "../metrics/shared-meter.ts";
import { hostnameKey } from "../table.ts";
import { DEFAULT_SCHEDULE } from "../upstream/schedule.ts";
import { DEFAULT_ALLOWED_NETWORKS } from "./access.ts";
import { DEFAULT_CLIENT_RATE } from "./client-rate.ts";
import { listenError } from "./port-probe.ts";
import type { ResolverOptions } from "./resolver-options.ts";
import { type SupervisedWorker, startSupervisedWorker } from "./supervised-worker.ts";
import { DEFAULT_TCP_LIMITS } from "./tcp.ts";
import { underWayOctets } from "./under-way.ts";
import { type Configuration, type FromWorker, RESOLVER_ROLE, type WorkerSettings } from "./worker-messages.ts";

export type FleetInput = {
  readonly options: ResolverOptions;
  readonly configuration: Configuration;
  readonly onLoopSeen: () => void;
  readonly onLoopProbed: (round: number) => void;
};

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
  readonly underWay: SharedArrayBuffer;
  configuration: Configuration;
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
    onGone: () => state.meters[index]?.retire(),
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
  return {
    role: RESOLVER_ROLE,
    configuration: state.configuration,
    worker: index,
    underWay: state.underWay,
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
  if (message.kind === "series") state.meters[index]?.announced(message.series);
  else if (message.kind === "lines") for (const line of message.lines) options.printLine(line);
  else if (message.kind === "loop-seen") onLoopSeen();
  else if (message.kind === "loop-probed") onLoopProbed(message.round);
  else if (message.kind === "trouble" && Date.now() - state.troubleLoggedAt > TROUBLE_PAUSE_MILLISECONDS) {
    state.troubleLoggedAt = Date.now();
    options.log.error({ error: message.error }, "dns question not answered: internal fault");
  }
}

async function configure(state: State, configuration: Configuration): Promise<Configuration> {
  const before = state.configuration;
  const outcomes: Awaited<ReturnType<SupervisedWorker["configure"]>>[] = [];
  for (const worker of state.workers) {
    // One after the other: the first finds the ports, and what the first cannot do the others need not try.
    const outcome = await worker.configure(configuration);
    outcomes.push(outcome);
    if (outcome !== "configured" && outcome !== "gone") break;
  }
  const refusal = outcomes.find((outcome) => typeof outcome === "object");
  if (refusal === undefined) {
    state.configuration = configuration;
    return configuration;
  }
  const back = { ...before, generation: configuration.generation + 1 };
  await Promise.all(state.workers.slice(0, outcomes.length - 1).map((worker) => worker.configure(back)));
  throw serveError(configuration, refusal);
}

async function drain(state: State): Promise<void> {
  const { giveUpAtMilliseconds } = state.input.options.schedule ?? DEFAULT_SCHEDULE;
  await Promise.all(state.workers.map((worker) => worker.drain(giveUpAtMilliseconds + DRAIN_GRACE_MILLISECONDS)));
}
