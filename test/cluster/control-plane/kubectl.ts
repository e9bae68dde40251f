import { execFile } from "node:child_process";
import { dirname } from "node:path";

const OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024;
/** Above every `--timeout` that a suite passes to kubectl, below vitest's own limit. */
const PATIENCE_MS = 100_000;

export type KubectlResult = { readonly stdout: string; readonly stderr: string; readonly exitCode: number };

export type Kubectl = {
  /** Runs kubectl; a failure is a result, not an exception. */
  (args: readonly string[], options?: { stdin?: string }): Promise<KubectlResult>;
  /** Runs kubectl where anything but success breaks the test; gives stdout. */
  must(args: readonly string[], options?: { stdin?: string }): Promise<string>;
  /** One object or a list of them, parsed; the caller says what it expects to find. */
  get<T>(args: readonly string[]): Promise<T>;
};

/**
 * The environment that kubectl runs in: nothing of the user's own configuration, and a home of its own, because kubectl
 * caches what the server serves below it.
 */
export const kubectlEnvironment = (kubeconfig: string): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  HOME: dirname(kubeconfig),
  KUBECONFIG: kubeconfig,
});

/** The real kubectl against one control plane. */
export function createKubectl(binary: string, kubeconfig: string): Kubectl {
  const env = kubectlEnvironment(kubeconfig);
  const run = (args: readonly string[], options: { stdin?: string } = {}) =>
    new Promise<KubectlResult>((resolve) => {
      const limits = { env, maxBuffer: OUTPUT_LIMIT_BYTES, timeout: PATIENCE_MS };
      const child = execFile(binary, args, limits, (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
        resolve({ stdout, stderr: error?.killed === true ? `${stderr}(killed: too slow)\n` : stderr, exitCode });
      });
      child.stdin?.on("error", () => {}); // kubectl may exit before it has read everything; its exit code says why
      child.stdin?.end(options.stdin ?? "");
    });
  const must = async (args: readonly string[], options?: { stdin?: string }) => {
    const { exitCode, stdout, stderr } = await run(args, options);
    if (exitCode !== 0) throw new Error(`kubectl ${args.join(" ")} failed (exit ${exitCode}):\n${stderr}${stdout}`);
    return stdout;
  };
  const get = async <T>(args: readonly string[]) => JSON.parse(await must(["get", ...args, "-o", "json"])) as T;
  return Object.assign(run, { must, get });
}
