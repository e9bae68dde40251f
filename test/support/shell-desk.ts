import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..");

export type ShellRun = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

/** A folder where commands are typed, with `sluice` and `kubectl sluice` on the PATH as a user installs them. */
export type ShellDesk = {
  readonly folder: string;
  /** The only folder of the PATH besides the machine's own. */
  readonly programs: string;
  /** Puts a shell script on the PATH. */
  program(name: string, script: string): void;
  /** Runs lines as a user or a CI server does, ended by the first failure. */
  run(lines: string, options?: { stdin?: string; env?: Readonly<Record<string, string>> }): Promise<ShellRun>;
  close(): void;
};

export function openShellDesk(): ShellDesk {
  const top = mkdtempSync(join(tmpdir(), "sluice-desk-"));
  const folder = join(top, "desk");
  const programs = join(top, "programs");
  for (const made of [folder, programs]) mkdirSync(made);
  symlinkSync(join(ROOT, "bin", "sluice.js"), join(programs, "sluice"));
  symlinkSync(join(ROOT, "bin", "kubectl-sluice"), join(programs, "kubectl-sluice"));
  const path = [programs, dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter);
  return {
    folder,
    programs,
    program(name, script) {
      writeFileSync(join(programs, name), `#!/bin/sh\nset -eu\n${script}\n`);
      chmodSync(join(programs, name), 0o755);
    },
    run: (lines, { stdin = "", env = {} } = {}) =>
      new Promise((resolve, reject) => {
        const shell = spawn("sh", ["-eu", "-c", lines], { cwd: folder, env: { PATH: path, HOME: top, ...env } });
        const output = { stdout: "", stderr: "" };
        shell.stdout.on("data", (chunk: Buffer) => {
          output.stdout += chunk.toString();
        });
        shell.stderr.on("data", (chunk: Buffer) => {
          output.stderr += chunk.toString();
        });
        shell.stdin.on("error", () => {}); // a program may end before it has read everything; its exit code says why
        shell.on("error", reject);
        shell.on("close", (code) => resolve({ exitCode: code ?? -1, ...output }));
        shell.stdin.end(stdin);
      }),
    close: () => rmSync(top, { recursive: true }),
  };
}
