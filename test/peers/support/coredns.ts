import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { corednsBinary } from "../../../bench/peers/coredns-binary.ts";
import { type Child, type Children, startChildren } from "../../cluster/control-plane/children.ts";
import { freePorts } from "../../cluster/control-plane/ports.ts";
import { until } from "../../cluster/wait.ts";
import type { Expected } from "../../dns/support/conformance.ts";

/** Keys that only what CoreDNS does has use for. */
export type CorednsExpected = Expected & {
  readonly additionalContains?: readonly string[];
  readonly distinctOrdersMax?: number;
  readonly lenMin?: number;
  readonly elapsedMin?: number;
  readonly upstreamDistinctPortsMax?: number;
};

export type Relation = {
  readonly relation: "same" | "differs" | "n/a";
  readonly expected?: CorednsExpected;
  readonly difference?: string;
};

type CorednsFixture = { readonly corefile: string; readonly kuadrantZones: readonly string[] };

type CorednsCases = {
  readonly fixtures: Readonly<Record<string, CorednsFixture>>;
  readonly cases: Readonly<Record<string, Relation>>;
};

/** What was recorded of CoreDNS for each conformance case. */
export const readCorednsCases = (): CorednsCases =>
  JSON.parse(readFileSync(new URL("../../fixtures/coredns-cases.json", import.meta.url), "utf8")) as CorednsCases;

export type Coredns = { readonly port: number; close(): Promise<void> };

/** It listens on TCP and UDP before it serves either; a connection asks nothing that a cache or an upstream would count. */
const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

async function untilServes(child: Child, port: number): Promise<void> {
  const state = await until("CoreDNS serves", async () => {
    if (!child.alive()) return "ended";
    return (await accepts(port)) && "serves";
  });
  if (state === "ended") throw new Error(`CoreDNS has ended:\n${await child.logTail()}`);
}

async function start(children: Children, template: string, upstreamPort: number): Promise<number> {
  const [port = 0] = await freePorts(1);
  const corefile = join(children.folder, "Corefile");
  const filled = template.replaceAll("@PORT@", String(port)).replaceAll("@UPSTREAM@", `127.0.0.1:${upstreamPort}`);
  await writeFile(corefile, filled);
  await untilServes(children.start("coredns", await corednsBinary(), ["-conf", corefile]), port);
  return port;
}

/** A real CoreDNS on a port of its own. */
export async function startCoredns(template: string, upstreamPort: number): Promise<Coredns> {
  const children = await startChildren("coredns");
  try {
    return { port: await start(children, template, upstreamPort), close: children.close };
  } catch (error) {
    await children.close();
    throw error;
  }
}
