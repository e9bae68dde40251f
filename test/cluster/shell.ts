import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Cluster } from "./cluster.ts";
import { kubectlEnvironment } from "./control-plane/kubectl.ts";

/** Commands run here, so that the file names in a transcript are those of the guides' manifests. */
export const MANIFESTS = join(import.meta.dirname, "..", "fixtures", "manifests");

/** What a command wrote, both streams in the order in which they came. */
export type CommandResult = { readonly output: string; readonly exitCode: number };

/** Runs a line as a user types it: real shell, real kubectl, the test's control plane. */
export function runInShell(commandLine: string, cluster: Cluster): Promise<CommandResult> {
  const own = kubectlEnvironment(cluster.kubeconfig);
  const env = { ...own, PATH: `${cluster.binaryFolder}:${own["PATH"]}` };
  return new Promise((resolve, reject) => {
    // One stream, so that warnings and results keep their order.
    const shell = spawn("sh", ["-c", `exec 2>&1\n${commandLine}`], {
      cwd: MANIFESTS,
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const chunks: Buffer[] = [];
    shell.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    shell.on("error", reject);
    shell.on("close", (code) => resolve({ output: Buffer.concat(chunks).toString(), exitCode: code ?? 1 }));
  });
}
