import type { ApiResource } from "./api-resource.ts";
import { type ApiFailure, type Listed, listObjects } from "./list-objects.ts";
import type { ReflectorSink } from "./object-store.ts";
import { type BackOff, createBackOff, createPause } from "./pause.ts";
import type { ReflectorTiming } from "./reflector-timing.ts";
import type { Transport } from "./transport.ts";
import { type WatchEnd, type WatchHandlers, watchObjects } from "./watch-objects.ts";

export type ReflectorPhase = "starting" | "current" | "absent" | "forbidden" | "failing";

/** What a reflector tells of itself, for logs. */
export type ReflectorReport =
  | { readonly event: "listed"; readonly version: string; readonly objects: number }
  | { readonly event: "recovered" | "absent" }
  | { readonly event: "relisting" | "forbidden" | "failing"; readonly reason: string };

export type ReflectorOptions = {
  readonly transport: Transport;
  readonly resource: ApiResource;
  /** Ask for names, labels and versions only. */
  readonly metadataOnly: boolean;
  readonly sink: ReflectorSink;
  readonly report: (report: ReflectorReport) => void;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly timing: ReflectorTiming;
};

/** Keeps one resource of one API server in sync with a sink, through whatever happens in between. */
export type Reflector = {
  readonly resource: ApiResource;
  phase(): ReflectorPhase;
  /** Whether the objects have been listed once, or the kind was found not to be installed. */
  settled(): boolean;
  /** When the server last proved that the objects are right, in the milliseconds of `now`. */
  freshAtMs(): number;
  /** Tries again at once if it is waiting. */
  retryNow(): void;
  /** The same, and soon again if that was too early: a definition is known a moment before it is served. */
  expectSoon(): void;
  /** Works until the signal is aborted; never rejects. */
  run(signal: AbortSignal): Promise<void>;
};

/** So many refusals of a watch in a row, and its resourceVersion is in doubt (etcd restored from a backup). */
const REFUSALS_BEFORE_LIST = 5;
/** A watch that lasted this long was a good one, even if nothing happened in it. */
const GOOD_WATCH_MS = 5_000;
const EXPECTED_WAIT_MS = 500;

type State = {
  phase: ReflectorPhase;
  settled: boolean;
  freshAtMs: number;
  listedAtMs: number;
  /** The API version that is read; "" when the kind is not known to be served. */
  version: string;
  /** Where the next watch starts; "" when a list is needed first. */
  resourceVersion: string;
  /** Whether the present watch has brought anything. */
  progressed: boolean;
  refusals: number;
  absentSinceMs: number | undefined;
  absentWaitMs: number;
};

type Running = { readonly options: ReflectorOptions; readonly state: State; readonly backOff: BackOff };

function takeList({ options, state }: Running, listed: Listed): void {
  options.sink.replace(listed.items);
  const nowMs = options.now();
  state.version = listed.version;
  state.resourceVersion = listed.resourceVersion;
  state.listedAtMs = nowMs;
  state.freshAtMs = nowMs;
  state.settled = true;
  state.phase = "current";
  state.refusals = 0;
  state.absentSinceMs = undefined;
  state.absentWaitMs = options.timing.absentMinMs;
  options.report({ event: "listed", version: listed.version, objects: listed.items.length });
}

function handlersOf({ options, state }: Running): WatchHandlers {
  return {
    upsert: (object) => options.sink.upsert(object),
    remove: (object) => options.sink.remove(object),
    progress(resourceVersion) {
      state.resourceVersion = resourceVersion;
      state.progressed = true;
    },
    alive() {
      state.freshAtMs = options.now();
      if (state.phase === "current") return;
      state.phase = "current";
      options.report({ event: "recovered" });
    },
  };
}

async function watch(running: Running, signal: AbortSignal): Promise<WatchEnd> {
  const { options, state } = running;
  const { transport, resource, metadataOnly, timing, random, now } = options;
  const startedAtMs = now();
  state.progressed = false;
  const end = await watchObjects({
    transport,
    resource,
    version: state.version,
    resourceVersion: state.resourceVersion,
    metadataOnly,
    timeoutSeconds: Math.max(1, Math.round(timing.watchSeconds * (1 - random() / 5))),
    idleSeconds: timing.idleSeconds,
    handlers: handlersOf(running),
    signal,
  });
  if (state.progressed || now() - startedAtMs > GOOD_WATCH_MS) {
    running.backOff.reset();
    state.refusals = 0;
  }
  return end;
}

/** A list when one is needed or overdue, then a watch. */
async function step(running: Running, signal: AbortSignal): Promise<WatchEnd> {
  const { options, state } = running;
  const { transport, resource, metadataOnly, timing } = options;
  const needed = state.resourceVersion === "";
  if (needed || options.now() - state.listedAtMs >= timing.relistSeconds * 1000) {
    const result = await listObjects({ transport, resource, metadataOnly, signal });
    if (result.outcome === "listed") takeList(running, result);
    else if (needed || result.outcome !== "failed") return result;
    // The watch can go on; the list that was only due is tried again when it is due next.
    else state.listedAtMs = options.now();
  }
  return await watch(running, signal);
}

/**
 * The kind is not served. If it was before, this may be an API server that is starting, so its objects stay until
 * that has been so for a while.
 */
function waitAbsent({ options, state }: Running): number {
  const { timing, now, random } = options;
  state.resourceVersion = "";
  state.absentSinceMs ??= now();
  const served = state.version !== "";
  if (served && now() - state.absentSinceMs < timing.absentConfirmMs) return timing.absentMinMs * (0.5 + random() / 2);
  if (served) options.sink.replace([]);
  const known = state.phase === "absent";
  state.phase = "absent";
  state.version = "";
  state.settled = true;
  state.freshAtMs = now();
  if (!known) options.report({ event: "absent" });
  const wait = state.absentWaitMs;
  state.absentWaitMs = Math.min(wait * 2, timing.absentMaxMs);
  return wait * (0.5 + random() / 2);
}

function waitFailed({ options, state, backOff }: Running, failure: Extract<ApiFailure, { outcome: "failed" }>): number {
  state.phase = "failing";
  if (failure.answered && ++state.refusals >= REFUSALS_BEFORE_LIST) state.resourceVersion = "";
  options.report({ event: "failing", reason: failure.reason });
  return Math.max(backOff.nextMs(), (failure.retryAfterSeconds ?? 0) * 1000);
}

/** What a step's end means for the next one, and how long to wait before it. */
function waitAfter(running: Running, end: WatchEnd): number {
  const { options, state, backOff } = running;
  switch (end.outcome) {
    case "ended":
      return state.progressed ? 0 : backOff.nextMs();
    case "absent":
      return waitAbsent(running);
    case "failed":
      return waitFailed(running, end);
    case "expired":
      state.resourceVersion = "";
      options.report({ event: "relisting", reason: end.reason });
      return backOff.nextMs();
    case "forbidden":
      state.phase = "forbidden";
      state.resourceVersion = "";
      options.report({ event: "forbidden", reason: end.reason });
      return options.timing.forbiddenMs * (0.5 + options.random() / 2);
  }
}

const thrown = (error: unknown): ApiFailure => ({
  outcome: "failed",
  reason: error instanceof Error ? error.message : String(error),
  retryAfterSeconds: undefined,
  answered: false,
});

function initialState({ now, timing }: ReflectorOptions): State {
  return {
    phase: "starting",
    settled: false,
    freshAtMs: now(),
    listedAtMs: now(),
    version: "",
    resourceVersion: "",
    progressed: false,
    refusals: 0,
    absentSinceMs: undefined,
    absentWaitMs: timing.absentMinMs,
  };
}

/**
 * List, then watch, then watch again from where the last one ended. Lists anew when the server has forgotten that
 * point, when something came that cannot be understood, and every `relistSeconds`. While the server is away the sink
 * keeps what it has.
 */
export function createReflector(options: ReflectorOptions): Reflector {
  const { timing, random } = options;
  const pause = createPause();
  const backOff = createBackOff({ initialMs: timing.backOffInitialMs, maxMs: timing.backOffMaxMs, random });
  const state = initialState(options);
  const running: Running = { options, state, backOff };
  return {
    resource: options.resource,
    phase: () => state.phase,
    settled: () => state.settled,
    freshAtMs: () => state.freshAtMs,
    retryNow: () => pause.wake(),
    expectSoon() {
      state.absentWaitMs = Math.min(timing.absentMinMs, EXPECTED_WAIT_MS);
      pause.wake();
    },
    async run(signal) {
      while (!signal.aborted) {
        const end = await step(running, signal).catch(thrown);
        if (signal.aborted) return;
        const wait = waitAfter(running, end);
        if (wait > 0) await pause.wait(wait, signal);
      }
    },
  };
}
