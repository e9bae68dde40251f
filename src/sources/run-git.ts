import { execFile } from "node:child_process";
import { SluiceError } from "../model/errors.ts";

/** What one git command came to. */
export type GitResult = { readonly exitCode: number; readonly stdout: Buffer; readonly stderr: string };

/** A `git` that does not answer waits for a network or a prompt. */
const TIMEOUT_MS = 120_000;

/** Neither the pager nor programs that a repository's settings name may run, nothing is written, and paths are no patterns. */
const QUIET = [
  "--no-pager",
  "--no-optional-locks",
  "--literal-pathspecs",
  "-c",
  "core.fsmonitor=false",
  "-c",
  "core.quotePath=false",
];

const broken = (message: string, hint: string, cause?: unknown): SluiceError =>
  new SluiceError("SLUICE_INPUT_UNREADABLE", message, hint, cause);

/**
 * Runs `git` in a folder, without a shell. Exit codes other than 0 are returned. Rejects with SLUICE_INPUT_UNREADABLE when
 * there is no git, when it takes more than two minutes, or when it says more than `maxBytes`.
 */
export function runGit(
  folder: string,
  args: readonly string[],
  { maxBytes, stdin = "" }: { readonly maxBytes: number; readonly stdin?: string },
): Promise<GitResult> {
  const what = `git ${args[0] ?? ""}`;
  return new Promise((resolve, reject) => {
    const options = { cwd: folder, maxBuffer: maxBytes, timeout: TIMEOUT_MS, encoding: "buffer" } as const;
    const child = execFile("git", [...QUIET, ...args], options, (error, stdout, stderr) => {
      const told = stderr.toString("utf8").trim().slice(0, 1_000);
      if (error === null) return resolve({ exitCode: 0, stdout, stderr: told });
      const { code } = error;
      if (typeof code === "number") return resolve({ exitCode: code, stdout, stderr: told });
      if (code === "ENOENT") {
        return reject(
          broken("git is not installed, or not on the PATH", "install git, or leave out --diff-base", error),
        );
      }
      if (code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") {
        const hint = "give the folders that matter";
        return reject(broken(`${what} says more than ${maxBytes / 1024 / 1024} MiB`, hint, error));
      }
      const reason = error.killed === true ? `took more than ${TIMEOUT_MS / 1000} s` : `failed: ${error.message}`;
      return reject(broken(`${what} ${reason}`, "run the command by hand to see why", error));
    });
    // A git that ends early closes the pipe; what it says is in its exit code.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(stdin);
  });
}
