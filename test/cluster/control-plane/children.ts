import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Outlives us when we die, whatever kills us: reads lists of process ids, the newest of which counts, and at the end
 * of input, which is our end, kills those processes and removes the folder. A clean close sends an empty list first.
 */
const REAPER = `while read -r line; do pids="$line"; done
[ -n "$pids" ] && kill -9 $pids 2>/dev/null
rm -rf "$1"`;
const STOP_PATIENCE_MS = 10_000;
const LOG_TAIL_LINES = 15;

export type Child = {
  readonly pid: number;
  readonly logFile: string;
  /** True until the process has ended. */
  alive(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Sends the signal, and SIGKILL to a process that has not ended 10 seconds later; resolves when it has. */
  stop(signal: NodeJS.Signals): Promise<{ readonly exitCode: number | null }>;
  /** The last lines that it wrote, for an error message. */
  logTail(): Promise<string>;
};

export type Children = {
  /** A folder of its own below the system's temporary one; gone after `close`. */
  readonly folder: string;
  start(name: string, command: string, args: readonly string[], options?: { cwd?: string }): Child;
  /** Kills what still runs and removes the folder. Nothing is asked to end in order: all that they wrote is in the folder. */
  close(): Promise<void>;
};

/** Child processes and a temporary folder that never survive this process, also when it is killed. */
export async function startChildren(label: string): Promise<Children> {
  const folder = await mkdtemp(join(tmpdir(), `sluice-${label}-`));
  // In a process group of its own: Ctrl-C on the terminal must not end the reaper before its work.
  const reaper = spawn("sh", ["-c", REAPER, "reaper", folder], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  reaper.unref();
  (reaper.stdin as Socket).unref();
  reaper.stdin.on("error", () => {}); // a reaper that is gone has nothing more to be told
  const running: Child[] = [];
  const tellReaper = () => reaper.stdin.write(`${running.map(({ pid }) => pid).join(" ")}\n`);
  const start: Children["start"] = (name, command, args, options) => {
    const child = startOne(join(folder, `${name}.log`), command, args, options, () => {
      running.splice(running.indexOf(child), 1);
      tellReaper();
    });
    running.push(child);
    tellReaper();
    return child;
  };
  const close = async () => {
    await Promise.all(running.map((child) => child.stop("SIGKILL")));
    const gone = once(reaper, "exit");
    reaper.ref();
    reaper.stdin.end("\n");
    await gone;
  };
  return { folder, start, close };
}

function startOne(
  logFile: string,
  command: string,
  args: readonly string[],
  options: { cwd?: string } | undefined,
  onEnd: () => void,
): Child {
  const log = openSync(logFile, "a");
  const child = spawn(command, args, { ...options, stdio: ["ignore", log, log] });
  closeSync(log);
  child.once("error", () => {}); // told by the missing process id below
  if (child.pid === undefined) throw new Error(`${command} cannot be started`);
  const ended = new Promise<{ exitCode: number | null }>((resolve) =>
    child.once("exit", (exitCode) => {
      onEnd();
      resolve({ exitCode });
    }),
  );
  return {
    pid: child.pid,
    logFile,
    alive: () => isAlive(child),
    signal: (signal) => void child.kill(signal),
    stop: async (signal) => {
      if (isAlive(child)) {
        child.kill(signal);
        child.kill("SIGCONT"); // a stopped process would never see the signal
      }
      const kill = setTimeout(() => child.kill("SIGKILL"), STOP_PATIENCE_MS);
      const result = await ended;
      clearTimeout(kill);
      return result;
    },
    logTail: async () => (await readFile(logFile, "utf8")).trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n"),
  };
}

const isAlive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;
