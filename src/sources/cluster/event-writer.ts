import { createHash } from "node:crypto";
import { identityOf, type ObjectRef } from "../../model/object-ref.ts";
import type { SourceLog } from "../source-log.ts";
import type { Transport } from "./transport.ts";

/** What `kubectl describe` and `kubectl get events` show of an object: a sentence for people who do not read our log. */
export type ClusterEvent = {
  /** With its uid `kubectl describe` finds the event. An object that is gone may be named, too. */
  readonly regarding: ObjectRef & { readonly uid?: string | undefined };
  readonly type: "Normal" | "Warning";
  /** Why, in one CamelCase word. */
  readonly reason: string;
  /** What we do about it, in one CamelCase word. */
  readonly action: string;
  /** At most 1024 octets are kept. */
  readonly note: string;
};

export type EventWriter = {
  /** Writes it soon, or not at all: events are a courtesy, and nothing waits for them. */
  write(event: ClusterEvent): void;
  /** Gives up what has not been written. */
  close(): void;
};

export type EventWriterInput = {
  readonly transport: Pick<Transport, "request">;
  /** Who reports: the pod's name. */
  readonly identity: string;
  readonly log: SourceLog;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
};

const CONTROLLER = "sluice.dev/dns";
/** SOURCE: k8s.io/kubernetes pkg/apis/core/validation, events.go: NoteLengthLimit, ReportingInstanceLengthLimit. */
const NOTE_OCTETS = 1024;
const INSTANCE_OCTETS = 128;
/** As many at once as client-go's recorders write, and then one in ten seconds, so that no loop fills etcd. */
const BURST = 25;
const REFILL_MILLISECONDS = 10_000;
/** Names whose number of repetitions is remembered. */
const MAX_REMEMBERED = 1_000;
const REQUEST_SECONDS = 10;

type State = EventWriterInput & {
  readonly waiting: ClusterEvent[];
  /** How often each event was seen here, by its name. */
  readonly seen: Map<string, number>;
  tokens: number;
  filledAt: number;
  writing: boolean;
  failing: boolean;
};

/**
 * Writes events.k8s.io/v1 Events, one after the other. An event's name is made of what it says, so that one that is seen
 * again, here or by another replica, is a repetition of the same Event. A refusal is logged once, until a write succeeds.
 */
export function createEventWriter(input: EventWriterInput): EventWriter {
  const state: State = {
    ...input,
    waiting: [],
    seen: new Map(),
    tokens: BURST,
    filledAt: input.now(),
    writing: false,
    failing: false,
  };
  return {
    write(event) {
      if (!takeToken(state)) return input.log.debug({ reason: event.reason }, "event left out, there are too many");
      state.waiting.push(event);
      if (!state.writing) void writeAll(state);
    },
    close() {
      state.waiting.length = 0;
    },
  };
}

function takeToken(state: State): boolean {
  const at = state.now();
  state.tokens = Math.min(BURST, state.tokens + (at - state.filledAt) / REFILL_MILLISECONDS);
  state.filledAt = at;
  if (state.tokens < 1) return false;
  state.tokens--;
  return true;
}

async function writeAll(state: State): Promise<void> {
  state.writing = true;
  for (let event = state.waiting.shift(); event !== undefined; event = state.waiting.shift()) {
    const problem = await writeOne(state, event).catch((error: Error) => error.message);
    if (problem === undefined) state.failing = false;
    else if (state.failing) state.log.debug({ reason: problem }, "events cannot be written");
    else {
      state.failing = true;
      state.log.warn({ reason: problem }, "events cannot be written");
    }
  }
  state.writing = false;
}

/** MicroTime: RFC 3339 with six digits. */
const microTime = (now: number): string => new Date(now).toISOString().replace("Z", "000Z");

/** At most so many octets of a text, cut at a character. */
function cut(text: string, octets: number): string {
  const bytes = Buffer.from(text);
  let end = Math.min(octets, bytes.length);
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}

function nameOf({ regarding, type, reason, note }: ClusterEvent): string {
  const said = JSON.stringify([identityOf(regarding), regarding.uid, type, reason, note]);
  return `sluice-${createHash("sha256").update(said).digest("hex").slice(0, 32)}`;
}

/** Gives what went wrong. */
async function writeOne(state: State, event: ClusterEvent): Promise<string | undefined> {
  const { transport, now } = state;
  const name = nameOf(event);
  const path = `/apis/events.k8s.io/v1/namespaces/${event.regarding.namespace}/events`;
  const times = (state.seen.get(name) ?? 0) + 1;
  if (state.seen.size >= MAX_REMEMBERED) state.seen.clear();
  state.seen.set(name, times);
  const timeoutSeconds = REQUEST_SECONDS;
  const made = await transport.request("POST", path, { body: bodyOf(state, event, name), timeoutSeconds });
  if (made.status !== 409) return problemOf(made.status, made.body);
  const again = await transport.request("PATCH", `${path}/${name}`, {
    contentType: "application/merge-patch+json",
    body: { series: { count: Math.max(2, times), lastObservedTime: microTime(now()) } },
    timeoutSeconds,
  });
  return problemOf(again.status, again.body);
}

function bodyOf({ identity, now }: State, event: ClusterEvent, name: string): object {
  const { regarding, type, reason, action, note } = event;
  return {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name, namespace: regarding.namespace },
    eventTime: microTime(now()),
    reportingController: CONTROLLER,
    reportingInstance: cut(identity, INSTANCE_OCTETS),
    regarding,
    type,
    reason,
    action,
    note: cut(note, NOTE_OCTETS),
  };
}

function problemOf(status: number, body: unknown): string | undefined {
  if (status < 300) return undefined;
  const { message } = (typeof body === "object" && body !== null ? body : {}) as { readonly message?: unknown };
  return `HTTP ${status}: ${String(message ?? "no explanation given").slice(0, 300)}`;
}
