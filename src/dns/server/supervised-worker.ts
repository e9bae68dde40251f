import { Worker } from "node:worker_threads";
import type { Log } from "../../observe/log.ts";
import type { Configuration, FromWorker, ToWorker, WorkerSettings } from "./worker-messages.ts";

/** What became of a configuration: why it was refused, or that the worker is gone and starts again with the newest. */
export type ConfigureOutcome = "configured" | "gone" | Extract<FromWorker, { kind: "refused" }>;

/** A worker that is started again when it dies, or stops answering. */
export type SupervisedWorker = {
  /** Sends a message; a worker that is being started again has the newest state when it listens. */
  post(message: ToWorker): void;
  /** Settles when the worker answers from data of at least `version`, or is gone for good. */
  applied(version: number): Promise<void>;
  configure(configuration: Configuration): Promise<ConfigureOutcome>;
  /** Whether the worker is being started, or has not answered for a while. */
  stalled(): boolean;
  /** Answers what is owed, then ends; cut short after `timeoutMilliseconds`. */
  drain(timeoutMilliseconds: number): Promise<void>;
};

export type SupervisedWorkerInput = {
  readonly index: number;
  readonly workerUrl: URL;
  /** Read for each start, so that a restarted worker has the newest state. */
  readonly settings: () => WorkerSettings;
  readonly log: Log;
  readonly onMessage: (message: FromWorker) => void;
  /** Called when a thread has ended, whatever the reason. */
  readonly onGone: () => void;
};

type FirstWord = Extract<FromWorker, { kind: "listening" | "failed" }>;

/** Restarts come after 0.1 s, 0.2 s, ... 5 s, so that a fault at start does not burn the machine. */
const FIRST_PAUSE_MILLISECONDS = 100;
const MAX_PAUSE_MILLISECONDS = 5_000;
/** A worker that lived that long is taken for healthy: its next restart is quick again. */
const HEALTHY_MILLISECONDS = 60_000;
/** How often a worker is asked whether it is alive. */
const PING_EVERY_MILLISECONDS = 1_000;
/** Turns without an answer after which a worker counts as stalled: its share of the clients gets nothing. */
const STALLED_TURNS = 3;
/** Turns after which it is ended and started again. */
const HOPELESS_TURNS = 15;

type Waiting = { readonly version: number; readonly done: () => void };

type Supervision = {
  readonly input: SupervisedWorkerInput;
  readonly waiting: Set<Waiting>;
  readonly configuring: Map<number, (outcome: ConfigureOutcome) => void>;
  readonly heart: NodeJS.Timeout;
  thread: Worker | undefined;
  listening: boolean;
  pauseMilliseconds: number;
  /** The newest ping, and the newest that was answered. */
  turn: number;
  answeredTurn: number;
  /** Set while draining: called when the thread is gone. */
  onGone: (() => void) | undefined;
};

/** Starts the worker and keeps it running. Gives its first word, which says whether it listens. */
export async function startSupervisedWorker(
  input: SupervisedWorkerInput,
): Promise<{ readonly first: FirstWord; readonly worker: SupervisedWorker }> {
  const supervision: Supervision = {
    input,
    waiting: new Set(),
    configuring: new Map(),
    heart: setInterval(() => beat(supervision), PING_EVERY_MILLISECONDS),
    thread: undefined,
    listening: false,
    pauseMilliseconds: FIRST_PAUSE_MILLISECONDS,
    turn: 0,
    answeredTurn: 0,
    onGone: undefined,
  };
  supervision.heart.unref();
  const first = await new Promise<FirstWord>((resolve, reject) => startThread(supervision, resolve, reject));
  // A worker that cannot serve at the start is the caller's to report, not ours to try again.
  if (first.kind === "failed") retire(supervision, () => undefined);
  return { first, worker: workerOf(supervision) };
}

const workerOf = (supervision: Supervision): SupervisedWorker => ({
  post: (message) => supervision.thread?.postMessage(message),
  applied: (version) =>
    supervision.onGone === undefined
      ? new Promise((done) => supervision.waiting.add({ version, done }))
      : Promise.resolve(),
  configure: (configuration) =>
    new Promise((resolve) => {
      if (!supervision.listening) return resolve("gone");
      supervision.configuring.set(configuration.generation, resolve);
      supervision.thread?.postMessage({ kind: "configure", configuration } satisfies ToWorker);
    }),
  stalled: () => !supervision.listening || supervision.turn - supervision.answeredTurn >= STALLED_TURNS,
  drain: (timeoutMilliseconds) => drainThread(supervision, timeoutMilliseconds),
});

function retire(supervision: Supervision, onGone: () => void): void {
  clearInterval(supervision.heart);
  supervision.onGone = onGone;
}

/** Asks for a sign of life; a worker that has given none for long is ended, which starts it again. */
function beat(supervision: Supervision): void {
  const { thread, input } = supervision;
  if (thread === undefined || !supervision.listening) return;
  const missed = supervision.turn - supervision.answeredTurn;
  if (missed === STALLED_TURNS) input.log.error({ worker: input.index }, "dns worker does not answer");
  if (missed >= HOPELESS_TURNS) {
    void thread.terminate();
    return;
  }
  supervision.turn++;
  thread.postMessage({ kind: "ping", turn: supervision.turn } satisfies ToWorker);
}

/** `onFirst` gets the first word of the first thread; `onStillborn` is called when it dies before that. */
function startThread(
  supervision: Supervision,
  onFirst?: (first: FirstWord) => void,
  onStillborn?: (error: Error) => void,
): void {
  const { input } = supervision;
  const settings = input.settings();
  const thread = new Worker(input.workerUrl, { name: `sluice-dns-${input.index}`, workerData: settings });
  const startedAt = Date.now();
  let fault: Error | undefined;
  let spoke = false;
  supervision.thread = thread;
  thread.on("message", (message: FromWorker) => {
    if (message.kind === "listening" || message.kind === "failed") {
      spoke = true;
      if (message.kind === "failed") fault = new Error(message.message);
      supervision.listening = message.kind === "listening";
      supervision.answeredTurn = supervision.turn;
      settleApplied(supervision, settings.configuration.data.version);
      onFirst?.(message);
    }
    takeMessage(supervision, message);
  });
  thread.on("error", (error) => {
    fault = error instanceof Error ? error : new Error(String(error));
  });
  thread.on("exit", (code) => {
    endThread(supervision);
    if (supervision.onGone !== undefined) supervision.onGone();
    else if (!spoke && onStillborn !== undefined) {
      retire(supervision, () => undefined);
      onStillborn(fault ?? new Error(`a DNS worker ended with code ${code} before it listened`));
    } else restartLater(supervision, Date.now() - startedAt, fault);
  });
}

function takeMessage(supervision: Supervision, message: FromWorker): void {
  const { configuring, input } = supervision;
  if (message.kind === "applied") settleApplied(supervision, message.version);
  if (message.kind === "alive") supervision.answeredTurn = message.turn;
  if (message.kind === "configured" || message.kind === "refused") {
    const settle = configuring.get(message.generation);
    configuring.delete(message.generation);
    settle?.(message.kind === "configured" ? "configured" : message);
  }
  input.onMessage(message);
}

function endThread(supervision: Supervision): void {
  supervision.thread = undefined;
  supervision.listening = false;
  for (const settle of supervision.configuring.values()) settle("gone");
  supervision.configuring.clear();
  supervision.input.onGone();
}

function restartLater(supervision: Supervision, livedMilliseconds: number, fault: Error | undefined): void {
  const { index, log } = supervision.input;
  if (livedMilliseconds > HEALTHY_MILLISECONDS) supervision.pauseMilliseconds = FIRST_PAUSE_MILLISECONDS;
  const pause = supervision.pauseMilliseconds;
  supervision.pauseMilliseconds = Math.min(pause * 2, MAX_PAUSE_MILLISECONDS);
  log.error({ worker: index, err: fault, pauseMilliseconds: pause }, "dns worker died, starting it again");
  setTimeout(() => {
    if (supervision.onGone === undefined) startThread(supervision);
  }, pause);
}

function settleApplied(supervision: Supervision, version: number): void {
  for (const one of [...supervision.waiting]) {
    if (one.version > version) continue;
    supervision.waiting.delete(one);
    one.done();
  }
}

async function drainThread(supervision: Supervision, timeoutMilliseconds: number): Promise<void> {
  const { thread } = supervision;
  await new Promise<void>((resolve) => {
    retire(supervision, resolve);
    if (thread === undefined) {
      resolve();
      return;
    }
    const timer = setTimeout(() => void thread.terminate(), timeoutMilliseconds);
    thread.once("exit", () => clearTimeout(timer));
    thread.postMessage({ kind: "drain" } satisfies ToWorker);
  });
  settleApplied(supervision, Number.POSITIVE_INFINITY);
}
