import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { builtOnce } from "../peers/built-once.ts";
import { CLIENT_CPU } from "../setup/servers.ts";

/** Sluice lets each client have 500 questions a second forwarded; so many clients meet no limit. */
const CLIENTS = 256;
const LEAST_ANSWERED_SHARE = 0.99;
const SOURCE = join(import.meta.dirname, "many-clients.c");

export type NameLoad = {
  readonly port: number;
  readonly seconds: number;
  /** How many names at most, each asked once: n0.ZONE, n1.ZONE, … */
  readonly count: number;
  readonly zone: string;
};

const program = (): Promise<string> =>
  builtOnce({
    name: "many-clients",
    sources: [SOURCE],
    make: (output) => promisify(execFile)("gcc", ["-O2", "-Wall", "-o", output, SOURCE]),
  });

/** Asks for names that are asked once, from many clients; gives answers with NOERROR a second. */
export async function askUnique({ port, seconds, count, zone }: NameLoad): Promise<number> {
  const args = [await program(), port, CLIENTS, seconds, count, zone].map(String);
  const { stdout } = await promisify(execFile)("taskset", ["-c", CLIENT_CPU, ...args]);
  const [sent = 0, answered = 0, noerror = 0, took = 0] = stdout.trim().split(" ").map(Number);
  if (noerror < (sent - CLIENTS) * LEAST_ANSWERED_SHARE)
    throw new Error(`of ${sent} names ${answered} were answered, ${noerror} of them with a record`);
  return noerror / took;
}
