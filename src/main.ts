import { isResolverWorker, runResolverWorker } from "./dns/server/worker.ts";

/**
 * Composition root of `sluice <command>`, and of every worker thread of the resolver: a worker runs this same file, so
 * that one bundle is enough. The command line is loaded by the main thread alone; a worker needs none of it.
 */
if (isResolverWorker()) {
  await runResolverWorker();
} else {
  const { runCommand } = await import("./cli/program.ts");
  process.exitCode = await runCommand(process.argv.slice(2), {
    terminal: { stdout: process.stdout, stderr: process.stderr, stdin: process.stdin },
    workerUrl: new URL(import.meta.url),
  });
}
