import { type ApiResource, pathOf, selectionOf } from "./api-resource.ts";
import { type ApiFailure, failureOf } from "./list-objects.ts";
import { type RawObject, rawObject, statusMessage } from "./raw-object.ts";
import type { ApiStream, Transport } from "./transport.ts";
import { watchLines } from "./watch-lines.ts";

/** How a watch ended. `ended`: the server closed it in good order. */
export type WatchEnd = ApiFailure | { readonly outcome: "ended" };

/** Takes in what a watch brings, in order. */
export type WatchHandlers = {
  upsert(object: RawObject): void;
  remove(object: RawObject): void;
  /** Every object, and every bookmark between them: from here a later watch can go on. */
  progress(resourceVersion: string): void;
  /** The connection stands, or has brought something. */
  alive(): void;
};

export type WatchOptions = {
  readonly transport: Transport;
  readonly resource: ApiResource;
  readonly version: string;
  readonly resourceVersion: string;
  readonly metadataOnly: boolean;
  /** The server ends the watch after this time. */
  readonly timeoutSeconds: number;
  /** A watch that brings nothing for this time is dead; longer than `timeoutSeconds`, so that a quiet one is not. */
  readonly idleSeconds: number;
  readonly handlers: WatchHandlers;
  readonly signal: AbortSignal;
};

/** etcd takes objects of 1.5 MiB, an API server of 3 MiB; several times that, as JSON with escapes. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024;

const METADATA_WATCH = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

type Event = { readonly type: string; readonly object: unknown };

function parseEvent(line: string): Event | undefined {
  try {
    const value = JSON.parse(line) as Partial<Event> | null;
    return typeof value?.type === "string" ? { type: value.type, object: value.object } : undefined;
  } catch {
    return undefined;
  }
}

const broken = (reason: string): ApiFailure => ({
  outcome: "failed",
  reason,
  retryAfterSeconds: undefined,
  answered: false,
});

/** An ERROR event carries a Status. SOURCE: Kubernetes API concepts, "410 Gone responses". */
function errorEvent(object: unknown): ApiFailure {
  const { code, reason, details } = (object ?? {}) as {
    code?: number;
    reason?: string;
    details?: { retryAfterSeconds?: number };
  };
  const message = statusMessage(object, code ?? 0);
  if (code === 410 || reason === "Expired" || reason === "Gone") return { outcome: "expired", reason: message };
  return { outcome: "failed", reason: message, retryAfterSeconds: details?.retryAfterSeconds, answered: true };
}

/**
 * Takes in one event. Anything that cannot be understood may have been a change, so it ends the watch as
 * expired: the objects are listed anew.
 */
function takeEvent(line: string, handlers: WatchHandlers): ApiFailure | undefined {
  const event = parseEvent(line);
  if (event === undefined) return { outcome: "expired", reason: "the watch brought a line that is no event" };
  if (event.type === "ERROR") return errorEvent(event.object);
  const resourceVersion = (event.object as { metadata?: { resourceVersion?: unknown } } | null)?.metadata
    ?.resourceVersion;
  if (event.type === "BOOKMARK") {
    if (typeof resourceVersion === "string") handlers.progress(resourceVersion);
    return undefined;
  }
  const object = rawObject(event.object);
  if (object === undefined) return { outcome: "expired", reason: "the watch brought an object without a name" };
  if (event.type === "DELETED") handlers.remove(object);
  else if (event.type === "ADDED" || event.type === "MODIFIED") handlers.upsert(object);
  else
    return { outcome: "expired", reason: `the watch brought an event of the unknown type ${event.type.slice(0, 40)}` };
  if (typeof resourceVersion === "string") handlers.progress(resourceVersion);
  return undefined;
}

async function readEvents(stream: ApiStream, handlers: WatchHandlers): Promise<WatchEnd> {
  for await (const line of watchLines(stream.chunks, MAX_EVENT_BYTES)) {
    handlers.alive();
    const failure = takeEvent(line, handlers);
    if (failure !== undefined) return failure;
  }
  return { outcome: "ended" };
}

/** The body of an answer that is no watch, as far as it matters. */
async function failedStream(stream: ApiStream): Promise<WatchEnd> {
  let body = "";
  for await (const line of watchLines(stream.chunks, MAX_EVENT_BYTES)) body = line;
  const parsed = (() => {
    try {
      return JSON.parse(body) as unknown;
    } catch {
      return body;
    }
  })();
  const { status, retryAfterSeconds } = stream;
  // 400: the resourceVersion is none of this server's, as after a restore of etcd.
  if (status === 400) return { outcome: "expired", reason: statusMessage(parsed, status) };
  return failureOf({ status, body: parsed, retryAfterSeconds });
}

/** Ends the watch when nothing has come for too long. */
function idleTimer(seconds: number, onIdle: () => void) {
  let timer = setTimeout(onIdle, seconds * 1000);
  return {
    restart() {
      clearTimeout(timer);
      timer = setTimeout(onIdle, seconds * 1000);
    },
    stop: () => clearTimeout(timer),
  };
}

/** Watches a resource until the watch ends, whatever ends it. Never rejects; leaves no connection and no timer. */
export async function watchObjects(options: WatchOptions): Promise<WatchEnd> {
  const { transport, resource, signal, idleSeconds } = options;
  const own = new AbortController();
  const abort = () => own.abort();
  signal.addEventListener("abort", abort, { once: true });
  let idle = false;
  const timer = idleTimer(idleSeconds, () => {
    idle = true;
    own.abort();
  });
  const alive = () => {
    timer.restart();
    options.handlers.alive();
  };
  try {
    const stream = await transport.stream(pathOf(resource, options.version), {
      query: {
        ...selectionOf(resource),
        watch: "true",
        allowWatchBookmarks: "true",
        resourceVersion: options.resourceVersion,
        timeoutSeconds: String(options.timeoutSeconds),
      },
      accept: options.metadataOnly ? METADATA_WATCH : "application/json",
      signal: own.signal,
    });
    if (stream.status !== 200) return await failedStream(stream);
    alive();
    return await readEvents(stream, { ...options.handlers, alive });
  } catch (error) {
    if (idle) return broken(`nothing came for ${idleSeconds} s, not even a bookmark`);
    return broken(error instanceof Error ? error.message : String(error));
  } finally {
    timer.stop();
    signal.removeEventListener("abort", abort);
    own.abort();
  }
}
