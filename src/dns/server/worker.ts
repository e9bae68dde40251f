import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { createForwarder, type Forwarder } from "../upstream/forwarder.ts";
import { FLAG, TYPE } from "../wire/codes.ts";
import { encodeQuestion } from "../wire/question.ts";
import { parseNetworks } from "./access.ts";
import { type Answerer, createAnswerer } from "./answerer.ts";
import { createClientRate } from "./client-rate.ts";
import type { ClaimSlots } from "./counters.ts";
import { withFaultBarrier } from "./fault-barrier.ts";
import { createFlattener } from "./flatten.ts";
import type { ResolverState } from "./late-answer.ts";
import { drainListeners, startListeners } from "./listeners.ts";
import { createTally, type Tally } from "./tally.ts";
import { type FromWorker, RESOLVER_ROLE, type ToWorker, type WorkerSettings } from "./worker-messages.ts";

/** Whether this thread was started by `startResolver`, for a file that is both the program and its worker's entry. */
export const isResolverWorker = (): boolean =>
  !isMainThread && (workerData as { role?: unknown } | null)?.role === RESOLVER_ROLE;

/** Asks an upstream for the probe's name; whatever comes back does not matter, whether the question comes back does. */
async function probeLoop(forwarder: Forwarder, loopProbe: string): Promise<void> {
  const question = encodeQuestion(loopProbe, TYPE.HINFO);
  await forwarder.ask({ question, key: loopProbe, type: TYPE.HINFO, flags: FLAG.RD, dnssecOk: false });
}

type Worker = {
  readonly settings: WorkerSettings;
  readonly report: (message: FromWorker) => void;
  readonly forwarder: Forwarder;
  state: ResolverState;
  slots: ClaimSlots;
};

/**
 * The body of a resolver worker: listens, answers, follows the table that the main thread sends. To be called once, by
 * the file whose URL was given to `startResolver` as `workerUrl`.
 */
export async function runResolverWorker(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error("a resolver worker must run in a worker thread");
  const settings = workerData as WorkerSettings;
  const { upstreams, maxConcurrent, schedule, table, looping, slots } = settings;
  const tally = createTally(new Float64Array(settings.counters), () => worker.slots);
  const forwarder = createForwarder({ upstreams, maxConcurrent, schedule, onRetry: tally.retry });
  const report = (message: FromWorker): void => port.postMessage(message);
  const worker: Worker = { settings, report, forwarder, state: { table, looping }, slots };
  try {
    const answer = withFaultBarrier(createWorkerAnswerer(worker, tally), (error) => {
      tally.single("panic");
      report({ kind: "trouble", error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    });
    const listeners = await startListeners(settings, answer);
    port.on("message", (message: ToWorker) => {
      if (message.kind !== "drain") return takeMessage(worker, message);
      void drainListeners(listeners).then(() => {
        forwarder.close();
        report({ kind: "drained" });
        port.close();
      });
    });
    report({ kind: "listening", port: listeners.udp.port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    report({ kind: "failed", code: code ?? "", message });
    forwarder.close();
  }
}

function createWorkerAnswerer(worker: Worker, tally: Tally): Answerer {
  const { settings, forwarder, report } = worker;
  const networks = parseNetworks(settings.allowedNetworks);
  if (!networks.ok) throw new Error(networks.problems.join("; "));
  return createAnswerer({
    state: () => worker.state,
    forwarder,
    flattener: createFlattener(forwarder, Date.now),
    access: networks.value,
    clientRate: createClientRate(settings.clientRate, Date.now),
    tally,
    loopProbe: settings.loopProbe,
    onLoopProbe: () => report({ kind: "loop-seen" }),
  });
}

function takeMessage(worker: Worker, message: Exclude<ToWorker, { kind: "drain" }>): void {
  if (message.kind === "table") {
    worker.slots = message.slots;
    worker.state = { ...worker.state, table: message.table };
    worker.report({ kind: "applied", version: message.table.version });
  } else if (message.kind === "looping") worker.state = { ...worker.state, looping: message.looping };
  else {
    void probeLoop(worker.forwarder, worker.settings.loopProbe).then(() =>
      worker.report({ kind: "loop-probed", round: message.round }),
    );
  }
}
