import { isMainThread } from "node:worker_threads";

/**
 * Composition root of `sluice <command>`, and of every worker thread of the resolver: a worker runs this same file,
 * whether it is the source or the bundle. Each thread loads its own part alone: the other's would cost it memory.
 */
if (isMainThread) {
  const { runCommand } = await import("./cli/program.ts");
  process.exitCode = await runCommand(process.argv.slice(2), {
    terminal: { stdout: process.stdout, stderr: process.stderr, stdin: process.stdin },
    workerUrl: new URL(import.meta.url),
  });
} else {
  const { runResolverWorker } = await import("./dns/server/worker.ts");
  await runResolverWorker();
}
