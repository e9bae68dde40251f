import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, inject } from "vitest";
import type { Cluster } from "./cluster.ts";
import { normalise } from "./normalise.ts";
import { type CommandResult, runInShell } from "./shell.ts";

const GOLDEN = join(import.meta.dirname, "..", "golden", "kubectl");

/**
 * What Sluice says of an object while those that the same command made before it are on their way through its watches.
 * How many they are depends on the machine, so a transcript of one command with several objects goes without.
 */
const MISSED_BY_MILLISECONDS =
  /^Warning: (?:hostname-backend-no-serviceentry|serviceentry-waypoint-unbound|policy-target-missing): .*\n/gm;

export type Transcript = {
  /** Runs a line in a real shell, as a user types it, and keeps it with what it printed (both streams, as they come). */
  run(commandLine: string, kept?: (output: string) => string): Promise<CommandResult>;
  /** As `run`; anything but exit code 0 breaks the test. */
  succeed(commandLine: string): Promise<string>;
  /** As `succeed`, for one command that makes objects that refer to each other. */
  succeedTogether(commandLine: string): Promise<string>;
  /** As `run`; exit code 0 breaks the test. */
  refused(commandLine: string): Promise<string>;
  /** A line of prose between commands. */
  note(text: string): void;
  /** Compares with `test/golden/kubectl/<name>.txt`, which only a run with `--update` writes. */
  matchesGolden(options?: { readonly recording: boolean }): Promise<void>;
};

export function startTranscript(name: string, cluster: Cluster): Transcript {
  const lines: string[] = [];
  const run: Transcript["run"] = async (commandLine, kept = (output) => output) => {
    const result = await runInShell(commandLine, cluster);
    lines.push(`$ ${commandLine}`, kept(result.output).trimEnd());
    if (result.exitCode !== 0) lines.push(`(exit code ${result.exitCode})`);
    lines.push("");
    return result;
  };
  const succeed = async (commandLine: string, kept?: (output: string) => string) => {
    const { output, exitCode } = await run(commandLine, kept);
    expect(exitCode, `${commandLine}\n${output}`).toBe(0);
    return output;
  };
  return {
    run,
    succeed: (commandLine) => succeed(commandLine),
    succeedTogether: (commandLine) => succeed(commandLine, (output) => output.replace(MISSED_BY_MILLISECONDS, "")),
    refused: async (commandLine) => {
      const { output, exitCode } = await run(commandLine);
      expect(exitCode, `${commandLine}\n${output}`).not.toBe(0);
      return output;
    },
    note: (text) => void lines.push(`# ${text}`, ""),
    matchesGolden: async ({ recording } = { recording: inject("recording") }) => {
      const file = join(GOLDEN, `${name}.txt`);
      if (!recording && !existsSync(file))
        throw new Error(`${file} does not exist: record it with 'npm run golden -- --project cluster'`);
      const text = normalise(lines.filter((line, at) => line !== "" || lines[at - 1] !== "").join("\n"));
      await expect(text).toMatchFileSnapshot(file);
    },
  };
}
