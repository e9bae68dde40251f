import { Readable, Writable } from "node:stream";
import { runCommand } from "../../src/cli/program.ts";

export type Run = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

/** Runs one command line in this process and gives what a user would see. */
export async function runSluice(args: readonly string[], stdin = ""): Promise<Run> {
  const output = { stdout: "", stderr: "" };
  const collect = (name: keyof typeof output) =>
    new Writable({
      write(chunk, _encoding, done) {
        output[name] += String(chunk);
        done();
      },
    });
  const terminal = { stdout: collect("stdout"), stderr: collect("stderr"), stdin: Readable.from([stdin]) };
  const exitCode = await runCommand(args, { terminal, workerUrl: new URL("../../src/main.ts", import.meta.url) });
  return { exitCode, ...output };
}
