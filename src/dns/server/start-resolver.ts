import type { SampleSource } from "../../observe/sample.ts";
import type { LoadedServer } from "../directives/load-corefile.ts";
import { LEGACY_METRICS } from "../metrics/catalogue.ts";
import type { Meter } from "../metrics/meter.ts";
import { makePlan, type Plan, type PlannedListener, settingsOf } from "../pipeline/plan.ts";
import { type CompiledBlockData, compileBlockData, type ResolverData } from "./block-data.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { type LoopWatch, startLoopWatch } from "./loop-watch.ts";
import { probePort } from "./port-probe.ts";
import { checkOptions, checkUpstreams, ownUpstreams, type ResolverOptions } from "./resolver-options.ts";
import { tableSamples } from "./table-samples.ts";
import type { Configuration } from "./worker-messages.ts";

/** A running resolver. */
export type Resolver = {
  /** What is listened on, as found: the first is the one of the first server block. */
  readonly addresses: () => readonly { readonly host: string; readonly port: number }[];
  /** Replaces what is answered from. Settles when all workers answer from it. */
  update(data: ResolverData): Promise<void>;
  /**
   * Goes over to other server blocks without losing a question. Rejects with a SluiceError when they cannot be served;
   * everything stays as it was then. With `data` the new blocks answer from that, from their first question on.
   */
  reload(servers: readonly LoadedServer[], data?: ResolverData): Promise<void>;
  /** The parts that are not ready, by directive where it is one; empty when all are. Egress answers are given all the same. */
  notReady(): readonly string[];
  readonly samples: SampleSource;
  /** Counts what the rest of the process does for the resolver: reloads, checks of its own health. */
  readonly meter: Meter;
  /**
   * Ends: goes on answering for `lameDuckMilliseconds` (default 0) while `notReady` says so, then answers what has
   * arrived and what is under way, then closes. Settles when every thread is gone.
   */
  close(options?: { readonly lameDuckMilliseconds?: number }): Promise<void>;
};

/** The main thread's side of the resolver. */
type State = {
  readonly options: ResolverOptions;
  readonly fleet: Fleet;
  readonly loopWatch: LoopWatch;
  configuration: Configuration;
  /** Of the newest configuration that was tried. */
  generation: number;
  data: ResolverData;
  /** Upstreams that are this resolver itself by now; told when they are new. */
  ownUpstreams: readonly string[];
  /** What of the objects is not served; a problem is logged when it is new. */
  problems: readonly string[];
  replacedAt: number;
  looping: boolean;
  closing: boolean;
  /** Settles when the reload that is under way is over, however it ends. */
  reloading?: Promise<unknown>;
};

/**
 * Starts the resolver: worker threads that share its ports, each with its own sockets, answering from immutable tables
 * that this thread compiles once and posts to all. Rejects with a SluiceError when the options cannot work or an address
 * cannot be had.
 */
export async function startResolver(options: ResolverOptions): Promise<Resolver> {
  checkOptions(options);
  const plan = makePlan(options.servers, options.listen);
  checkUpstreams(plan, options.data.ownAddresses);
  for (const { host, port } of plan.listeners) if (port !== 0) await probePort(host, port);
  const compiled = compileBlockData(plan, options.data, { version: 1, blocks: 1 });
  logProblems(options, compiled.problems, []);
  const configuration: Configuration = { generation: 1, plan, data: compiled.data };
  const fleet = await startFleet({
    options,
    configuration,
    onLoopSeen: () => state.loopWatch.seen(),
    onLoopProbed: (round) => state.loopWatch.probed(round),
  });
  const state: State = {
    options,
    fleet,
    loopWatch: startLoopWatch({
      probe: (round) => hasLoop(state.configuration.plan) && fleet.probeLoop(round),
      report: (looping) => setLooping(state, looping),
    }),
    configuration: fleet.configuration(),
    generation: 1,
    data: options.data,
    ownUpstreams: [],
    problems: compiled.problems,
    replacedAt: Date.now(),
    looping: false,
    closing: false,
  };
  try {
    checkUpstreams(state.configuration.plan, options.data.ownAddresses);
  } catch (error) {
    await fleet.drain();
    throw error;
  }
  state.loopWatch.start();
  return resolverOf(state);
}

const hasLoop = (plan: Plan): boolean => plan.servers.some((server) => settingsOf(server, "loop").length > 0);

/** Unless some `prometheus` line says otherwise: what is counted is the process's. */
const showsLegacy = (plan: Plan): boolean =>
  plan.servers.flatMap((server) => settingsOf(server, "prometheus")).every(({ legacyMetrics }) => legacyMetrics);

const resolverOf = (state: State): Resolver => ({
  addresses: () => state.configuration.plan.listeners.map(({ host, port }) => ({ host, port })),
  update: (data) => replaceData(state, data),
  reload: (servers, data) => reload(state, servers, data),
  notReady: () => [
    ...(state.closing ? ["shutting down"] : []),
    ...(state.data.synced ? [] : ["sluice"]),
    ...(state.looping ? ["loop"] : []),
    ...state.fleet.stalled().map((worker) => `dns worker ${worker}`),
  ],
  samples: () => [
    ...state.fleet.samples().filter(({ name }) => !LEGACY_METRICS.has(name) || showsLegacy(state.configuration.plan)),
    ...tableSamples({
      configuration: state.configuration,
      source: state.data.source,
      ageSeconds: (Date.now() - state.replacedAt) / 1_000,
      looping: state.looping,
    }),
  ],
  meter: state.fleet.meter,
  async close({ lameDuckMilliseconds = 0 } = {}) {
    state.closing = true;
    if (lameDuckMilliseconds > 0) await new Promise((resolve) => setTimeout(resolve, lameDuckMilliseconds));
    state.loopWatch.stop();
    await state.fleet.drain();
  },
});

function setLooping(state: State, looping: boolean): void {
  if (looping === state.looping) return;
  state.looping = looping;
  state.fleet.setLooping(looping);
  const { log } = state.options;
  if (looping) log.error({}, "dns forwarding loop: the upstream sends our questions back, nothing is forwarded");
  else log.info({}, "dns forwarding loop has ended");
}

function logProblems({ log }: ResolverOptions, problems: readonly string[], before: readonly string[]): void {
  for (const problem of problems) if (!before.includes(problem)) log.warn({ problem }, "object is not served whole");
}

async function replaceData(state: State, data: ResolverData): Promise<void> {
  // Workers take up a Corefile one after the other: until all have, no data fits the blocks of all.
  while (state.reloading !== undefined) await state.reloading;
  const { configuration } = state;
  const version = configuration.data.version + 1;
  const { blocks } = configuration.data;
  const compiled = compileBlockData(configuration.plan, data, { version, blocks });
  state.configuration = { ...configuration, data: compiled.data };
  noteData(state, data, compiled);
  await state.fleet.replaceData(state.configuration);
}

function noteData(state: State, data: ResolverData, { problems }: CompiledBlockData): void {
  logProblems(state.options, problems, state.problems);
  tellOwnUpstreams(state, ownUpstreams(state.configuration.plan, data.ownAddresses));
  state.problems = problems;
  state.data = data;
  state.replacedAt = Date.now();
}

/** A Service of ours that comes later cannot be refused any more: whatever is forwarded there comes back. */
function tellOwnUpstreams(state: State, upstreams: readonly string[]): void {
  for (const upstream of upstreams) {
    if (state.ownUpstreams.includes(upstream)) continue;
    state.options.log.error({ upstream }, "dns upstream is this resolver itself by now: name another one in 'forward'");
  }
  state.ownUpstreams = upstreams;
}

/** Ports that the kernel chose stay with their listeners. */
const withKnownPorts = (plan: Plan, before: Plan): Plan => ({
  ...plan,
  listeners: plan.listeners.map((listener) => {
    const known = before.listeners.find(({ id }) => id === listener.id);
    return listener.port === 0 && known !== undefined ? { ...listener, port: known.port } : listener;
  }),
});

const ANY_HOSTS: readonly string[] = ["::", "0.0.0.0"];

/** Whether a listener of ours has the port there, which can then only be shared, not probed. */
const sharesPort = (own: PlannedListener, host: string, port: number): boolean =>
  own.port === port && (own.host === host || ANY_HOSTS.includes(own.host) || ANY_HOSTS.includes(host));

async function reload(state: State, servers: readonly LoadedServer[], data?: ResolverData): Promise<void> {
  while (state.reloading !== undefined) await state.reloading;
  const reloaded = configure(state, servers, data ?? state.data);
  state.reloading = reloaded.then(
    () => delete state.reloading,
    () => delete state.reloading,
  );
  await reloaded;
}

async function configure(state: State, servers: readonly LoadedServer[], data: ResolverData): Promise<void> {
  const { options, configuration } = state;
  const plan = withKnownPorts(makePlan(servers, options.listen), configuration.plan);
  checkUpstreams(plan, data.ownAddresses);
  for (const { host, port } of plan.listeners) {
    if (port !== 0 && !configuration.plan.listeners.some((own) => sharesPort(own, host, port))) {
      await probePort(host, port);
    }
  }
  // The one behind it is for the way back.
  state.generation += 2;
  const { generation } = state;
  const version = configuration.data.version + 1;
  const compiled = compileBlockData(plan, data, { version, blocks: generation });
  state.configuration = await state.fleet.configure({ generation, plan, data: compiled.data });
  noteData(state, data, compiled);
}
