import { Worker } from "node:worker_threads";
import type { Log } from "../../observe/log.ts";
import type { FromWorker, ToWorker, WorkerSettings } from "./worker-messages.ts";

/** A worker that is started again when it dies. */
export type SupervisedWorker = {
  /** Sends a message; a worker that is being started again has the newest state when it listens. */
  post(message: ToWorker): void;
  /** Settles when the worker answers from a table of at least `version`, or is gone for good. */
  applied(version: number): Promise<void>;
  /** Answers what is owed, then ends; cut short after `timeoutMilliseconds`. */
  drain(timeoutMilliseconds: number): Promise<void>;
};

export type SupervisedWorkerInput = {
  readonly index: number;
  /** 0 lets the worker find one, which its restarts keep. */
  readonly port: number;
  readonly workerUrl: URL;
  /** Read for each start, so that a restarted worker has the newest table. */
  readonly settings: (port: number) => WorkerSettings;
  readonly log: Log;
  readonly onMessage: (message: FromWorker) => void;
};

type FirstWord = Extract<FromWorker, { kind: "listening" | "failed" }>;

/** Restarts come after 0.1 s, 0.2 s, ... 5 s, so that a fault at start does not burn the machine. */
const FIRST_PAUSE_MILLISECONDS = 100;
const MAX_PAUSE_MILLISECONDS = 5_000;
/** A worker that lived that long is taken for healthy: its next restart is quick again. */
const HEALTHY_MILLISECONDS = 60_000;

type Supervision = {
  readonly input: SupervisedWorkerInput;
  readonly waiting: Set<{ readonly version: number; readonly done: () => void }>;
  thread: Worker | undefined;
  port: number;
  pauseMilliseconds: number;
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
    thread: undefined,
    port: input.port,
    pauseMilliseconds: FIRST_PAUSE_MILLISECONDS,
    onGone: undefined,
  };
  const first = await new Promise<FirstWord>((resolve, reject) => startThread(supervision, resolve, reject));
  // A worker that cannot have its address at the start is the caller's to report, not ours to try again.
  if (first.kind === "failed") supervision.onGone = () => undefined;
  const worker: SupervisedWorker = {
    post: (message) => supervision.thread?.postMessage(message),
    applied: (version) =>
      supervision.onGone === undefined
        ? new Promise((done) => supervision.waiting.add({ version, done }))
        : Promise.resolve(),
    drain: (timeoutMilliseconds) => drainThread(supervision, timeoutMilliseconds),
  };
  return { first, worker };
}

/** `onFirst` gets the first word of the first thread; `onStillborn` is called when it dies before that. */
function startThread(
  supervision: Supervision,
  onFirst?: (first: FirstWord) => void,
  onStillborn?: (error: Error) => void,
): void {
  const { input } = supervision;
  const settings = input.settings(supervision.port);
  const thread = new Worker(input.workerUrl, { name: `sluice-dns-${input.index}`, workerData: settings });
  const startedAt = Date.now();
  let fault: Error | undefined;
  let spoke = false;
  supervision.thread = thread;
  thread.on("message", (message: FromWorker) => {
    if (message.kind === "applied") settleApplied(supervision, message.version);
    if (message.kind === "listening" || message.kind === "failed") {
      spoke = true;
      if (message.kind === "listening") supervision.port = message.port;
      else fault = new Error(message.message);
      settleApplied(supervision, settings.table.version);
      onFirst?.(message);
    }
    input.onMessage(message);
  });
  thread.on("error", (error) => {
    fault = error instanceof Error ? error : new Error(String(error));
  });
  thread.on("exit", (code) => {
    supervision.thread = undefined;
    if (supervision.onGone !== undefined) supervision.onGone();
    else if (!spoke && onStillborn !== undefined) {
      onStillborn(fault ?? new Error(`a DNS worker ended with code ${code} before it listened`));
    } else restartLater(supervision, Date.now() - startedAt, fault);
  });
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
    supervision.onGone = resolve;
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
