import type { Decoded } from "../../model/decode.ts";
import { KINDS, type Kind } from "../../model/kinds.ts";
import { coalesce } from "../coalesce.ts";
import type { SourceLog } from "../source-log.ts";
import { definitionNameOf, resourceOf } from "./api-resource.ts";
import { type ClusterLog, clusterLog } from "./cluster-log.ts";
import { createObjectStore, type ReflectorSink } from "./object-store.ts";
import type { RawObject } from "./raw-object.ts";
import { DEFINITIONS } from "./read-definitions.ts";
import { createReflector, type Reflector, type ReflectorPhase, type ReflectorReport } from "./reflector.ts";
import { REFLECTOR_TIMING, type ReflectorTiming } from "./reflector-timing.ts";
import type { Transport } from "./transport.ts";

export type ClusterSourceOptions = {
  readonly transport: Transport;
  readonly kinds: readonly Kind[];
  readonly log: SourceLog;
  /** Called after objects have changed and once when all kinds are known; never more often than every `coalesceMs`. */
  readonly onChange: () => void;
  /** Default 50 ms: a `kubectl apply` of several objects becomes few changes, and nobody notices the wait. */
  readonly coalesceMs?: number;
  /** Milliseconds that only go forward; default performance.now. */
  readonly now?: () => number;
  readonly random?: () => number;
  readonly timing?: ReflectorTiming;
};

/** How one kind is doing, for status pages and messages. */
export type KindStatus = { readonly kind: Kind; readonly phase: ReflectorPhase; readonly objects: number };

export type ClusterSource = {
  /** Everything as it was last seen; kept for as long as the API server is away. */
  objects(): readonly Decoded[];
  /** Whether every kind that is installed has been listed once. Stays true from then on. */
  synced(): boolean;
  /** Kinds that `synced` waits for. */
  waitingFor(): readonly Kind[];
  kinds(): readonly KindStatus[];
  /** Seconds since the API server last proved the oldest kind's objects to be right; up to a minute is normal. */
  ageSeconds(): number;
  close(): Promise<void>;
};

/** Pods are many and change all the time; Secrets and ConfigMaps are none of our business. Only where someone asks for them. */
const UNWATCHED: readonly Kind[] = ["Pod", "Secret", "ConfigMap"];

export const WATCHED_KINDS: readonly Kind[] = (Object.keys(KINDS) as Kind[]).filter(
  (kind) => !UNWATCHED.includes(kind),
);

/** When CustomResourceDefinitions may not be watched, absent kinds are asked for at least this often. */
const ABSENT_POLL_MS = 10_000;

type Watched = { readonly kind: Kind; readonly reflector: Reflector; readonly objects: () => readonly Decoded[] };

/** Wakes the reflector of a kind when its definition appears or changes; its objects are not kept. */
function definitionSink(watched: readonly Watched[]): ReflectorSink {
  const byName = new Map(watched.map(({ reflector }) => [definitionNameOf(reflector.resource), reflector]));
  const wake = ({ metadata }: RawObject) => {
    const reflector = byName.get(metadata.name);
    if (reflector?.phase() === "absent") reflector.expectSoon();
  };
  return { replace: (objects) => objects.forEach(wake), upsert: wake, remove: () => undefined };
}

/** Asks for absent kinds again and again while nobody tells of new definitions. */
function startAbsentPoll(watched: readonly Watched[], definitions: Reflector): NodeJS.Timeout {
  return setInterval(() => {
    if (definitions.phase() !== "forbidden") return;
    for (const { reflector } of watched) if (reflector.phase() === "absent") reflector.retryNow();
  }, ABSENT_POLL_MS);
}

function watchedKinds(
  options: Required<ClusterSourceOptions>,
  report: ClusterLog["report"],
  changed: () => void,
): Watched[] {
  const { transport, now, random, timing } = options;
  return options.kinds.map((kind) => {
    const sink = createObjectStore(changed);
    const resource = resourceOf(kind);
    let settled = false;
    const reflector: Reflector = createReflector({
      transport,
      resource,
      metadataOnly: false,
      sink,
      report(event) {
        report(resource, event);
        // Later lists change something or nothing, which the store knows.
        if (!settled && (event.event === "listed" || event.event === "absent")) changed();
        settled ||= event.event === "listed" || event.event === "absent";
      },
      now,
      random,
      timing,
    });
    return { kind, reflector, objects: sink.objects };
  });
}

/**
 * Follows an API server. Returns at once: nothing has been listed yet, see `synced`. An API server that cannot be
 * reached is asked again for ever; the log says so.
 */
export async function startClusterSource(given: ClusterSourceOptions): Promise<ClusterSource> {
  const options: Required<ClusterSourceOptions> = {
    coalesceMs: 50,
    now: () => performance.now(),
    random: Math.random,
    timing: REFLECTOR_TIMING,
    ...given,
  };
  const { transport, now, random, timing, log } = options;
  const stop = new AbortController();
  let reported = false;
  const changes = coalesce({
    delayMs: options.coalesceMs,
    log,
    run() {
      if (!reported && source.synced()) log.info(summaryOf(source.kinds()), "cluster objects are loaded");
      reported ||= source.synced();
      options.onChange();
    },
  });
  const { report } = clusterLog({ log, now, server: transport.server });
  const watched = watchedKinds(options, report, changes.notify);
  const sink = definitionSink(watched);
  const reportOf = (event: ReflectorReport) => report(DEFINITIONS, event);
  const own = { resource: DEFINITIONS, metadataOnly: true, sink, report: reportOf };
  const definitions = createReflector({ ...own, transport, now, random, timing });
  const runs = [...watched.map((each) => each.reflector), definitions].map((each) => each.run(stop.signal));
  const poll = startAbsentPoll(watched, definitions);
  const source = sourceOf(watched, now, async () => {
    clearInterval(poll);
    changes.close();
    stop.abort();
    await Promise.all(runs);
  });
  return source;
}

/** What was found when everything had been listed once. */
const summaryOf = (kinds: readonly KindStatus[]) => ({
  objects: kinds.reduce((sum, { objects }) => sum + objects, 0),
  notInstalled: kinds.filter(({ phase }) => phase === "absent").map(({ kind }) => kind),
});

function sourceOf(watched: readonly Watched[], now: () => number, close: () => Promise<void>): ClusterSource {
  const waitingFor = () => watched.filter(({ reflector }) => !reflector.settled()).map(({ kind }) => kind);
  return {
    objects: () => watched.flatMap((each) => each.objects()),
    synced: () => watched.every(({ reflector }) => reflector.settled()),
    waitingFor,
    kinds: () =>
      watched.map(({ kind, reflector, objects }) => ({ kind, phase: reflector.phase(), objects: objects().length })),
    ageSeconds: () => Math.max(0, ...watched.map(({ reflector }) => (now() - reflector.freshAtMs()) / 1000)),
    close,
  };
}
