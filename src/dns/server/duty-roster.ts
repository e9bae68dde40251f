import type { Meter } from "../metrics/meter.ts";
import { createDroppedCounts, createQuestionCounts } from "../metrics/question-counts.ts";
import { type Block, buildBlock, zoneKey } from "../pipeline/build-block.ts";
import { type Plan, type PlannedListener, settingsOf } from "../pipeline/plan.ts";
import type { HandlerContext } from "../pipeline/serve.ts";
import { createRandomInteger } from "../upstream/random.ts";
import { parseNetworks } from "./access.ts";
import { createAnswerer, type Route, type Routes } from "./answerer.ts";
import { type Answering, recordZonesOf, tableOf, takeData } from "./answering.ts";
import { createClientRate } from "./client-rate.ts";
import { inheritKept, type Kept, NOTHING_KEPT } from "./kept.ts";
import type { LineBatch } from "./line-batch.ts";
import { listenFailure } from "./listen-failure.ts";
import { drainListeners, type Listeners, startListeners } from "./listeners.ts";
import { createReentry } from "./reentry.ts";
import type { TcpLimits } from "./tcp.ts";
import { createRunningLimits } from "./under-way.ts";
import type { BlockData, Configuration, WorkerSettings } from "./worker-messages.ts";

export type DutyRosterInput = {
  readonly settings: WorkerSettings;
  readonly meter: Meter;
  readonly lines: Pick<LineBatch, "add" | "addAlike">;
  readonly onLoopProbe: () => void;
  readonly onFault: (error: unknown) => void;
};

/** What one worker serves: its sockets, and the server blocks behind them. */
export type DutyRoster = {
  /**
   * Takes up a configuration and leaves the one before, without losing a question: new sockets are opened first, and
   * sockets of both stay. Gives the ports, as found. Rejects, and nothing has changed, when it cannot.
   */
  configure(configuration: Configuration): Promise<readonly number[]>;
  /** False for data of other server blocks than those that are served here: nothing has changed then. */
  replaceData(data: BlockData): boolean;
  setLooping(looping: boolean): void;
  /** Settles when the upstreams have had their time to answer. */
  probeLoop(): Promise<void>;
  /** Answers what has arrived and what is under way, then closes. */
  drain(): Promise<void>;
};

/** The sockets of one listener. `routes` outlive the duty: what arrives while it is drained is still answered. */
type Duty = { readonly listeners: Listeners; readonly serving: { routes: Routes } };

type State = {
  readonly input: DutyRosterInput;
  readonly access: (address: string) => boolean;
  readonly shared: Omit<
    HandlerContext,
    "index" | "zones" | "server" | "table" | "recordZones" | "reenter" | "runningLimit" | "kept"
  >;
  /** By the listener's id. */
  readonly duties: Map<string, Duty>;
  /** What handlers keep over a reload. */
  kept: Kept;
  answering: Answering;
  readonly limits: ReturnType<typeof createRunningLimits>;
  /** Of a configuration that is being taken up. */
  coming: Answering | undefined;
  blocks: readonly Block[];
  looping: boolean;
};

export function createDutyRoster(input: DutyRosterInput): DutyRoster {
  const { settings } = input;
  const networks = parseNetworks(settings.allowedNetworks);
  if (!networks.ok) throw new Error(networks.problems.join("; "));
  const state: State = {
    input,
    access: networks.value,
    shared: sharedContext(input, () => state.looping),
    limits: createRunningLimits(settings.underWay, settings.worker, settings.workers),
    duties: new Map(),
    kept: NOTHING_KEPT,
    answering: answeringOf(settings.configuration),
    coming: undefined,
    blocks: [],
    looping: settings.looping,
  };
  return {
    configure: (configuration) => configure(state, configuration),
    replaceData(data) {
      // Data comes during a start, never during a reload: the main thread sees to that.
      const coming = state.coming !== undefined && takeData(state.coming, data);
      return takeData(state.answering, data) || coming;
    },
    setLooping(looping) {
      state.looping = looping;
    },
    async probeLoop() {
      await Promise.all(state.blocks.map((block) => block.probeLoop?.()));
    },
    async drain() {
      await Promise.all([...state.duties.values()].map(({ listeners }) => drainListeners(listeners)));
      for (const block of state.blocks) block.close();
    },
  };
}

function sharedContext({ settings, meter, lines, onLoopProbe }: DutyRosterInput, looping: () => boolean) {
  const now = Date.now;
  return {
    meter,
    log: lines.add,
    consolidate: lines.addAlike,
    now,
    random: createRandomInteger(),
    share: (total: number) => Math.max(1, Math.floor(total / settings.workers)),
    looping,
    clientRate: createClientRate(settings.clientRate, now, settings.clientRates),
    loopProbe: settings.loopProbe,
    onLoopProbe,
    schedule: settings.schedule,
  };
}

const answeringOf = ({ plan, data }: Configuration): Answering => ({ plan, data, next: undefined });

/** Lines of one server block that limit what is under way. */
const LINES_OF_BLOCK = 16;

/** The same line has the same number in all workers, and behind a reload that leaves it where it was. */
function limitsOfBlock({ limits }: State, index: number): HandlerContext["runningLimit"] {
  let line = 0;
  return (most) => limits(index * LINES_OF_BLOCK + line++, most);
}

async function buildBlocks(state: State, plan: Plan, kept: Kept, answering: Answering): Promise<readonly Block[]> {
  const blocks: Block[] = [];
  try {
    for (const [index, server] of plan.servers.entries()) {
      const context: HandlerContext = {
        ...state.shared,
        index,
        zones: server.zones,
        server: server.label,
        table: () => tableOf(answering, index),
        recordZones: () => recordZonesOf(answering, index),
        reenter: createReentry(routesBehind(state, plan, index), state.access),
        runningLimit: limitsOfBlock(state, index),
        kept: kept.blocks[index] ?? new Map(),
      };
      blocks.push(await buildBlock(server, context));
    }
  } catch (error) {
    for (const block of blocks) block.close();
    throw error;
  }
  return blocks;
}

/** What the first listener of a server block serves, also while that is drained. */
function routesBehind({ duties }: State, { listeners }: Plan, index: number): () => Routes | undefined {
  const id = listeners.find(({ zones }) => zones.some(([, server]) => server === index))?.id ?? "";
  let duty: Duty | undefined;
  return () => {
    duty = duties.get(id) ?? duty;
    return duty?.serving.routes;
  };
}

function routesOf(state: State, listener: PlannedListener, blocks: readonly Block[]): Routes {
  const { meter } = state.input;
  const zones = listener.zones.flatMap(([zone, index]): [string, Route][] => {
    const block = blocks[index];
    const facts = block?.facts.get(zoneKey(zone));
    if (block === undefined || facts === undefined) return [];
    const counts = createQuestionCounts(meter, { server: listener.label, zone });
    return [[zoneKey(zone), { block, facts, counts }]];
  });
  return { zones: new Map(zones), dropped: createDroppedCounts(meter, listener.label) };
}

/** What `maxtcpqueries 0` is in CoreDNS (miekg/dns, maxTCPQueries). */
const DEFAULT_TCP_QUERIES = 128;

/** Limits of TCP connections as the server blocks of a listener set them (`timeouts`); the first that does counts. */
function tcpLimitsOf({ input }: State, plan: Plan, listener: PlannedListener): TcpLimits {
  const { tcpLimits, workers } = input.settings;
  const maxConnections = Math.max(1, Math.floor(tcpLimits.maxConnections / workers));
  const servers = listener.zones.flatMap(([, index]) => plan.servers[index] ?? []);
  const [timeouts] = servers.flatMap((server) => settingsOf(server, "timeouts"));
  if (timeouts === undefined) return { ...tcpLimits, maxConnections };
  return {
    ...tcpLimits,
    maxConnections,
    readMilliseconds: timeouts.readMs,
    writeMilliseconds: timeouts.writeMs,
    idleMilliseconds: timeouts.idleMs,
    maxQuestions: timeouts.maxTcpQueries === 0 ? DEFAULT_TCP_QUERIES : timeouts.maxTcpQueries,
  };
}

async function configure(state: State, configuration: Configuration): Promise<readonly number[]> {
  const { plan } = configuration;
  const answering = answeringOf(configuration);
  state.coming = answering;
  const opened: string[] = [];
  const kept = inheritKept(plan, state.kept);
  let blocks: readonly Block[] | undefined;
  try {
    blocks = await buildBlocks(state, plan, kept, answering);
    for (const [index, listener] of plan.listeners.entries()) {
      if (state.duties.has(listener.id)) continue;
      state.duties.set(listener.id, await openListener(state, plan, listener, { index, blocks }));
      opened.push(listener.id);
    }
  } catch (error) {
    for (const block of blocks ?? []) block.close();
    await Promise.all(opened.map((id) => closeDuty(state, id)));
    throw error;
  } finally {
    state.coming = undefined;
  }
  state.kept = kept;
  state.answering.next = answering;
  state.answering = answering;
  return takeOver(state, plan, blocks);
}

/**
 * A socket for all addresses and one for a single address have a port together only where both share it. A reload may go
 * from one to the other, so that a lone worker's sockets share theirs as well, where the system has it.
 */
const CAN_SHARE = process.platform === "linux";

async function openListener(
  state: State,
  plan: Plan,
  listener: PlannedListener,
  { index, blocks }: { readonly index: number; readonly blocks: readonly Block[] },
): Promise<Duty> {
  const { settings, onFault } = state.input;
  const serving = { routes: routesOf(state, listener, blocks) };
  const answer = createAnswerer({ routes: () => serving.routes, access: state.access, onFault });
  const { host, port } = listener;
  const tcpLimits = tcpLimitsOf(state, plan, listener);
  try {
    const listeners = await startListeners(
      { host, port, shared: settings.workers > 1 || (CAN_SHARE && port !== 0), tcpLimits },
      answer,
    );
    return { listeners, serving };
  } catch (error) {
    throw listenFailure(index, error);
  }
}

/** All sockets of the new configuration are open: from here on nothing can fail. */
function takeOver(state: State, plan: Plan, blocks: readonly Block[]): readonly number[] {
  const leaving = new Set(state.duties.keys());
  for (const listener of plan.listeners) {
    const duty = state.duties.get(listener.id);
    leaving.delete(listener.id);
    if (duty === undefined) continue;
    duty.serving.routes = routesOf(state, listener, blocks);
    duty.listeners.tcp.setLimits(tcpLimitsOf(state, plan, listener));
  }
  const before = state.blocks;
  state.blocks = blocks;
  void Promise.all([...leaving].map((id) => closeDuty(state, id))).then(() => {
    for (const block of before) block.close();
  });
  return plan.listeners.map(({ id }) => state.duties.get(id)?.listeners.udp.port ?? 0);
}

async function closeDuty(state: State, id: string): Promise<void> {
  const duty = state.duties.get(id);
  state.duties.delete(id);
  if (duty !== undefined) await drainListeners(duty.listeners);
}
