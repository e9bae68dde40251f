import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Child, Children } from "../../test/cluster/control-plane/children.ts";
import { freePorts } from "../../test/cluster/control-plane/ports.ts";
import { ask } from "../../test/cluster/dns-client.ts";
import { cpuSeconds, residentMebibytes } from "../load/process-cost.ts";
import { egressName } from "./data.ts";
import type { Peer } from "./peers.ts";

/** The server has one core for itself, the load and the upstream have the other. */
export const SERVER_CPU = "0";
export const CLIENT_CPU = "1";
export const BOTH_CPUS = "0,1";

const CONFIGURATIONS = join(import.meta.dirname, "..", "configurations");
const START_SECONDS = 60;
const POLL_MILLISECONDS = 2;

export type Running = {
  readonly peer: Peer;
  readonly port: number;
  /** From the start of the process to the first answer. */
  readonly startedInSeconds: number;
  cpuSeconds(): Promise<number>;
  residentMebibytes(): Promise<number>;
  stop(): Promise<void>;
};

export type StartOptions = { readonly data: string; readonly upstream: number; readonly cpus?: string };

async function writeConfiguration(
  peer: Peer,
  scratch: string,
  values: Readonly<Record<string, string | number>>,
): Promise<string> {
  if (peer.configuration === undefined) return "";
  const template = await readFile(join(CONFIGURATIONS, peer.configuration), "utf8");
  const file = join(scratch, peer.configuration);
  await writeFile(
    file,
    template.replace(/@([A-Z]+)@/g, (whole, key: string) => String(values[key] ?? whole)),
  );
  return file;
}

async function untilAnswers(child: Child, port: number, name: string): Promise<number> {
  const started = performance.now();
  while (performance.now() - started < START_SECONDS * 1_000) {
    if (!child.alive()) throw new Error(`it ended at once:\n${await child.logTail()}`);
    const answer = await ask(port, name).catch(() => undefined);
    if (answer !== undefined && answer.rcode === "NOERROR") return (performance.now() - started) / 1_000;
    await delay(POLL_MILLISECONDS);
  }
  throw new Error(`it does not answer for ${name}:\n${await child.logTail()}`);
}

/** Starts a server on its core and waits for its first answer for an egress name. */
export async function startServer(children: Children, peer: Peer, options: StartOptions): Promise<Running> {
  const { data, upstream, cpus = SERVER_CPU } = options;
  const [port = 0, metrics = 0] = await freePorts(2);
  const scratch = join(children.folder, `server-${port}`);
  await mkdir(scratch, { recursive: true });
  const values = { PORT: port, METRICS: metrics, UPSTREAM: upstream, DATA: data, SCRATCH: scratch };
  const configuration = await writeConfiguration(peer, scratch, values);
  const command = await peer.command({ port, configuration, data });
  const child = children.start(`server-${port}`, "taskset", ["-c", cpus, ...command], { cwd: scratch });
  try {
    return {
      peer,
      port,
      startedInSeconds: await untilAnswers(child, port, egressName(0)),
      cpuSeconds: () => cpuSeconds(child.pid),
      residentMebibytes: () => residentMebibytes(child.pid),
      stop: async () => void (await child.stop("SIGTERM")),
    };
  } catch (cause) {
    await child.stop("SIGKILL");
    throw new Error(`${peer.name} cannot run: ${(cause as Error).message}`, { cause });
  }
}
