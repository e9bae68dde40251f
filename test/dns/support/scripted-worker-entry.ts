import { isMainThread, parentPort, workerData } from "node:worker_threads";
import type { ToWorker, WorkerSettings } from "../../../src/dns/server/worker-messages.ts";

/** What a test says to the scripted worker of that number. */
export type WorkerCue = { readonly worker: number; readonly cue: "listen" | "configured" | "die" };
/** What a scripted worker tells the test: the generation of the blocks that it was started with, or is to take up. */
export type WorkerNews = { readonly worker: number; readonly news: "started" | "configure"; readonly blocks: number };

export const SCRIPTED_WORKERS = "scripted-resolver-workers";

/** A resolver worker without sockets, which does what the test says when the test says it. */
function runScripted(): void {
  const { worker, configuration } = workerData as WorkerSettings;
  const channel = new BroadcastChannel(SCRIPTED_WORKERS);
  const tell = (news: WorkerNews["news"], blocks: number) => channel.postMessage({ worker, news, blocks });
  let generation = 0;
  channel.onmessage = (event) => {
    const { data } = event as { data: WorkerCue | WorkerNews };
    if (data.worker !== worker || !("cue" in data)) return;
    if (data.cue === "listen") parentPort?.postMessage({ kind: "listening", ports: [5_353] });
    else if (data.cue === "configured") parentPort?.postMessage({ kind: "configured", generation });
    else process.exit(3);
  };
  parentPort?.on("message", (message: ToWorker) => {
    if (message.kind === "drain") process.exit(0);
    if (message.kind !== "configure") return;
    generation = message.configuration.generation;
    tell("configure", message.configuration.data.blocks);
  });
  tell("started", configuration.data.blocks);
}

if (!isMainThread) runScripted();
