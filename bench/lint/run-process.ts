import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

export type ProcessCost = { readonly seconds: number; readonly cpuSeconds: number; readonly peakMebibytes: number };

const LONGEST_SECONDS = 300;
const POLL_MILLISECONDS = 10;
const KIBIBYTES_PER_MEBIBYTE = 1024;
const TICKS_PER_SECOND = 100;

/** What Linux says of a process that still runs; undefined when it does not. Source: proc(5), VmHWM, fields 14 and 15. */
async function seen(pid: number): Promise<{ readonly peak: number; readonly cpu: number } | undefined> {
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "latin1"))?.[1];
    const stat = await readFile(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return peak === undefined
      ? undefined
      : {
          peak: Number(peak) / KIBIBYTES_PER_MEBIBYTE,
          cpu: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
        };
  } catch {
    return undefined;
  }
}

/**
 * Runs a program to its end, its output thrown away: seconds from start to end, processor time and the most memory that
 * it held, both looked at every 10 ms. Throws when it ends with a code that is not among `codes`.
 */
export async function runProcess(command: readonly string[], codes: readonly number[]): Promise<ProcessCost> {
  const [program = "", ...args] = command;
  const started = performance.now();
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, NODE_ENV: "production" },
    timeout: LONGEST_SECONDS * 1_000,
    killSignal: "SIGKILL",
  });
  let stderr = "";
  child.stderr.on("data", (part) => {
    stderr = `${stderr}${part}`.slice(-2_000);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  let last = { peak: 0, cpu: 0 };
  let running = true;
  const finished = ended.finally(() => {
    running = false;
  });
  while (running) {
    last = (child.pid === undefined ? undefined : await seen(child.pid)) ?? last;
    await Promise.race([finished.catch(() => undefined), delay(POLL_MILLISECONDS)]);
  }
  const code = await finished;
  const seconds = (performance.now() - started) / 1_000;
  if (code === null || !codes.includes(code)) throw new Error(`${program} ended with code ${code}:\n${stderr}`);
  return { seconds, cpuSeconds: last.cpu, peakMebibytes: last.peak };
}
