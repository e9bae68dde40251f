import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { CLIENT_CPU } from "../setup/servers.ts";

/** Enough that the server never waits for questions, few enough that none is lost in a socket buffer. */
const OUTSTANDING = 200;
const CLIENTS = 4;
const PATIENCE_SECONDS = 2;
/** A run with more unanswered or failed questions than this has measured something else. */
const LEAST_ANSWERED_SHARE = 0.99;

export type Load = {
  readonly port: number;
  readonly queries: string;
  readonly seconds: number;
  /** Questions a second; without it as many as the server answers. */
  readonly rate?: number;
  /** Sockets; several workers share a port by client. */
  readonly clients?: number;
};

export type Measured = {
  readonly completed: number;
  readonly perSecond: number;
  /** Ascending; empty unless asked for. */
  readonly latencySeconds: Float64Array;
};

const numberAfter = (report: readonly string[], label: string): number => {
  const line = report.find((text) => text.trimStart().startsWith(label)) ?? "";
  return Number(/:\s+(?:NOERROR\s+)?([\d.]+)/.exec(line)?.[1] ?? Number.NaN);
};

function argumentsFor({ port, queries, seconds, rate, clients = CLIENTS }: Load, verbose: boolean): string[] {
  return [
    ...["-c", CLIENT_CPU, "dnsperf", "-s", "127.0.0.1", "-p", String(port), "-d", queries, "-T", "1"],
    ...["-c", String(clients), "-q", String(OUTSTANDING), "-t", String(PATIENCE_SECONDS)],
    ...["-l", String(seconds)],
    ...(rate === undefined ? [] : ["-Q", String(Math.max(1, Math.round(rate)))]),
    ...(verbose ? ["-v"] : []),
  ];
}

/** Runs dnsperf on the client's core. `verbose` makes it tell the latency of every question. */
async function run(load: Load, verbose: boolean): Promise<Measured> {
  const child = spawn("taskset", argumentsFor(load, verbose), { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = `${complaint}${chunk}`.slice(-2_000);
  });
  const report: string[] = [];
  const latencies: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("> ")) latencies.push(Number(line.slice(line.lastIndexOf(" ") + 1)));
    else if (!line.startsWith("[Timeout]")) report.push(line);
  }
  if ((await ended) !== 0) throw new Error(`dnsperf failed: ${complaint || report.join("\n")}`);
  const sent = numberAfter(report, "Queries sent");
  const answered = numberAfter(report, "Response codes");
  if (!(answered >= sent * LEAST_ANSWERED_SHARE))
    throw new Error(`only ${answered} of ${sent} questions were answered with NOERROR:\n${report.join("\n")}`);
  return {
    completed: numberAfter(report, "Queries completed"),
    perSecond: numberAfter(report, "Queries per second"),
    latencySeconds: Float64Array.from(latencies.filter(Number.isFinite)).sort(),
  };
}

/** As many questions as the server answers, or `rate` of them a second. */
export const measureThroughput = (load: Load): Promise<Measured> => run(load, false);

/** The same with the latency of every question. */
export const measureLatency = (load: Load): Promise<Measured> => run(load, true);
