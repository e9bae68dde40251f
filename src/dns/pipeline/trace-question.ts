import { PRIVATE_NETWORKS } from "../../model/address.ts";
import { type Consolidation, createConsolidation } from "../directives/errors/consolidate.ts";
import { NO_RECORD_ZONES } from "../directives/kuadrant/record-zones.ts";
import { createDroppedCounts, createQuestionCounts } from "../metrics/question-counts.ts";
import { type Access, parseNetworks } from "../server/access.ts";
import { createAnswerer, findRoute, type Route, type Routes } from "../server/answerer.ts";
import { clientOf, type Protocol } from "../server/client.ts";
import { createReentry } from "../server/reentry.ts";
import type { BlockData } from "../server/worker-messages.ts";
import { compileTable, type EgressTable } from "../table.ts";
import { createRandomInteger } from "../upstream/random.ts";
import { DEFAULT_SCHEDULE } from "../upstream/schedule.ts";
import { EDE, FLAG } from "../wire/codes.ts";
import { foldKey } from "../wire/name.ts";
import { encodeQuery, encodeQuestion } from "../wire/question.ts";
import { failed } from "./answer.ts";
import { type Block, buildBlock, zoneKey } from "./build-block.ts";
import { localLimit } from "./local-limit.ts";
import { type Plan, type PlannedListener, type PlannedServer, settingsOf } from "./plan.ts";
import type { HandlerContext, LogLine, Serve } from "./serve.ts";
import { createTraceRecorder, type TraceRecorder, type TraceStep } from "./trace.ts";
import { createTraceMeter, type TraceMeter } from "./trace-meter.ts";

export type TracedQuestion = {
  readonly plan: Plan;
  readonly data: BlockData;
  /** As on the wire without the root's zero octet. */
  readonly raw: string;
  readonly type: number;
  /** Address of the client, in canonical form. */
  readonly client: string;
  readonly protocol: Protocol;
  readonly dnssecOk: boolean;
  /** Which listener is asked: by its port in the Corefile. Undefined: the first that has a server block for the name. */
  readonly port?: number;
  /** Asks no upstream: what would be forwarded is answered with SERVFAIL that says so. */
  readonly offline: boolean;
};

/** What became of one question, and how. */
export type TracedAnswer = {
  readonly listener: string;
  /** The zone of the server block; undefined when none has the name, or the message got no further than the gate. */
  readonly zone: string | undefined;
  /** The egress table of that block; undefined without `sluice`. */
  readonly table: EgressTable | undefined;
  /** What the client would read; undefined when nothing is sent. */
  readonly bytes: Buffer | undefined;
  readonly steps: readonly TraceStep[];
  /** What the directives wrote into the log meanwhile. */
  readonly lines: readonly LogLine[];
  /** What they counted, by series. */
  readonly counts: Readonly<Record<string, number>>;
  readonly milliseconds: number;
};

const NO_TABLE = compileTable({ egressHostnames: [], gatewayPodAddresses: [] });
const OFFLINE = failed("forward", EDE.OTHER, "not asked: the question was put offline");

/** Without the directives that talk to upstreams as soon as they are started. */
const disconnected = (server: PlannedServer): PlannedServer => ({
  ...server,
  directives: server.directives.filter(({ name }) => name !== "forward" && name !== "loop"),
});

/** The listener that is asked, and the zone of it that the name lies in. */
function findListener({ plan, raw, type, port }: TracedQuestion) {
  const listeners = plan.listeners.filter(({ label }) => port === undefined || label.endsWith(`:${port}`));
  for (const listener of listeners) {
    const places = new Map(listener.zones.map(([zone, server]) => [zoneKey(zone), { zone, server }]));
    const found = findRoute(places, foldKey(raw), type);
    if (found !== undefined) return { listener, ...found };
  }
  const [listener] = listeners;
  return listener && { listener, zone: undefined, server: undefined };
}

/** One question under way. */
type Probe = {
  readonly asked: TracedQuestion;
  readonly access: Access;
  readonly recorder: TraceRecorder;
  readonly counting: TraceMeter;
  readonly lines: LogLine[];
  readonly consolidation: Consolidation;
  readonly blocks: Map<number, Block>;
  /** Empty until all blocks are there. */
  routes: Routes;
};

function contextOf(probe: Probe, index: number): HandlerContext {
  const { plan, data } = probe.asked;
  const server = plan.servers[index];
  return {
    index,
    zones: server?.zones ?? [],
    server: server?.label ?? "",
    table: () => data.tables[index] ?? NO_TABLE,
    recordZones: () => data.recordZones[index] ?? NO_RECORD_ZONES,
    meter: probe.counting.meter,
    log: (line) => void probe.lines.push(line),
    consolidate: (group, line) => probe.consolidation.count(group, 1, line),
    now: Date.now,
    random: createRandomInteger(),
    share: (total) => total,
    runningLimit: localLimit,
    looping: () => false,
    clientRate: () => "pass",
    loopProbe: "",
    onLoopProbe: () => undefined,
    reenter: createReentry(() => probe.routes, probe.access),
    schedule: DEFAULT_SCHEDULE,
    kept: new Map(),
  };
}

/** Stands in for the `forward` lines that were left out. */
function offlineEnd({ recorder }: Probe, server: PlannedServer): Serve | undefined {
  if (settingsOf(server, "forward").length === 0) return undefined;
  const place = server.directives.length;
  return (exchange) => recorder.trace({ name: "forward", place }, exchange, () => OFFLINE);
}

/** The server blocks of a listener, since a directive may ask the listener anew. */
async function startBlocks(probe: Probe, listener: PlannedListener): Promise<void> {
  const { plan, offline } = probe.asked;
  const routes = new Map<string, Route>();
  for (const [zone, index] of listener.zones) {
    const server = plan.servers[index];
    if (server === undefined) continue;
    const end = offline ? offlineEnd(probe, server) : undefined;
    const block =
      probe.blocks.get(index) ??
      (await buildBlock(offline ? disconnected(server) : server, contextOf(probe, index), {
        trace: probe.recorder.trace,
        ...(end && { end }),
      }));
    probe.blocks.set(index, block);
    const facts = block.facts.get(zoneKey(zone));
    const counts = createQuestionCounts(createTraceMeter().meter, { server: listener.label, zone });
    if (facts !== undefined) routes.set(zoneKey(zone), { block, facts, counts });
  }
  probe.routes = { ...probe.routes, zones: routes };
}

/**
 * Puts one question to the server block that it belongs to, as a listener would, and notes what each directive does.
 * Upstreams are really asked. Undefined when no listener has that port. Rejects with a SluiceError when a directive of
 * a block cannot be started.
 */
export async function traceQuestion(asked: TracedQuestion): Promise<TracedAnswer | undefined> {
  const found = findListener(asked);
  const networks = parseNetworks(PRIVATE_NETWORKS);
  if (found === undefined || !networks.ok) return undefined;
  const { label } = found.listener;
  const lines: LogLine[] = [];
  const probe: Probe = {
    asked,
    access: networks.value,
    recorder: createTraceRecorder(() => performance.now()),
    counting: createTraceMeter(),
    lines,
    consolidation: createConsolidation((line) => lines.push(line)),
    blocks: new Map(),
    routes: { zones: new Map(), dropped: createDroppedCounts(createTraceMeter().meter, label) },
  };
  try {
    await startBlocks(probe, found.listener);
    const answer = await putQuestion(probe);
    return {
      ...answer,
      listener: label,
      zone: found.zone,
      table: found.server === undefined ? undefined : asked.data.tables[found.server],
      steps: probe.recorder.steps,
      lines: probe.lines,
      counts: probe.counting.counts(),
    };
  } finally {
    for (const block of probe.blocks.values()) block.close();
    probe.consolidation.flush();
  }
}

async function putQuestion({ asked, access, routes }: Probe): Promise<Pick<TracedAnswer, "bytes" | "milliseconds">> {
  const { raw, type, client, protocol, dnssecOk } = asked;
  const fault = Promise.withResolvers<never>();
  const answer = createAnswerer({ routes: () => routes, access, onFault: fault.reject });
  const message = encodeQuery(encodeQuestion(raw, type), { id: 0, flags: FLAG.RD, edns: { dnssecOk } });
  const startedAt = performance.now();
  const sent = new Promise<Buffer | undefined>((resolve) => {
    answer(message, clientOf(client, 0, protocol, ""), (_client, bytes) => resolve(bytes && Buffer.from(bytes)));
  });
  const bytes = await Promise.race([fault.promise, sent]);
  return { bytes, milliseconds: performance.now() - startedAt };
}
