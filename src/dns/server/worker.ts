import { isMainThread, parentPort, workerData } from "node:worker_threads";
import type { Meter } from "../metrics/meter.ts";
import { createSharedMeter } from "../metrics/shared-meter.ts";
import { createDutyRoster, type DutyRoster } from "./duty-roster.ts";
import { createLineBatch } from "./line-batch.ts";
import { isListenFailure } from "./listen-failure.ts";
import { type FromWorker, RESOLVER_ROLE, type ToWorker, type WorkerSettings } from "./worker-messages.ts";

/** Whether this thread was started by `startResolver`, for a file that is both the program and its worker's entry. */
export const isResolverWorker = (): boolean =>
  !isMainThread && (workerData as { role?: unknown } | null)?.role === RESOLVER_ROLE;

type Report = (message: FromWorker) => void;

/**
 * The body of a resolver worker: listens, answers, follows what the main thread sends. To be called once, by the file
 * whose URL was given to `startResolver` as `workerUrl`.
 */
export async function runResolverWorker(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error("a resolver worker must run in a worker thread");
  const settings = workerData as WorkerSettings;
  const report: Report = (message) => port.postMessage(message);
  const meter: Meter = createSharedMeter({
    buffer: settings.counts,
    announce: (series) => report({ kind: "series", series }),
  });
  const lines = createLineBatch((batch, alike) => report({ kind: "lines", lines: batch, alike }));
  const roster = createDutyRoster({
    settings,
    meter,
    lines,
    onLoopProbe: () => report({ kind: "loop-seen" }),
    onFault: faultReporter(meter, report),
  });
  port.on("message", (message: ToWorker) => {
    if (message.kind !== "drain") return takeMessage(roster, message, report);
    void roster.drain().then(() => {
      lines.flush();
      report({ kind: "drained" });
      port.close();
    });
  });
  try {
    report({ kind: "listening", ports: await roster.configure(settings.configuration) });
  } catch (error) {
    report({ kind: "failed", ...describeFailure(error) });
    await roster.drain();
    port.close();
  }
}

/** The answer that a fault of ours costs is counted and told. */
function faultReporter(meter: Meter, report: Report): (error: unknown) => void {
  const panics = meter.counter("coredns_panics_total");
  return (error) => {
    panics.add();
    report({ kind: "trouble", error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  };
}

const describeFailure = (error: unknown) => {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return { code, message, listener: isListenFailure(error) ? error.listener : -1 };
};

function takeMessage(roster: DutyRoster, message: Exclude<ToWorker, { kind: "drain" }>, report: Report): void {
  if (message.kind === "data") {
    // Whoever serves other blocks is on the way to the newest ones, and says so then.
    if (roster.replaceData(message.data)) report({ kind: "applied", version: message.data.version });
  } else if (message.kind === "looping") roster.setLooping(message.looping);
  else if (message.kind === "ping") report({ kind: "alive", turn: message.turn });
  else if (message.kind === "probe-loop") {
    const { round } = message;
    void roster.probeLoop().then(() => report({ kind: "loop-probed", round }));
  } else {
    const { configuration } = message;
    roster.configure(configuration).then(
      () => report({ kind: "configured", generation: configuration.generation }),
      (error: unknown) => report({ kind: "refused", generation: configuration.generation, ...describeFailure(error) }),
    );
  }
}
