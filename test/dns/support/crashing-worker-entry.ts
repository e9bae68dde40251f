import { isMainThread, parentPort } from "node:worker_threads";
import { runResolverWorker } from "../../../src/dns/server/worker.ts";

// A resolver worker that dies when its process says so, as one with a fault in native code would.
if (!isMainThread) {
  const crash = new BroadcastChannel("crash-resolver-worker");
  crash.onmessage = () => process.exit(3);
  parentPort?.on("close", () => crash.close());
  await runResolverWorker();
}
