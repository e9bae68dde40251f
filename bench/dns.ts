/**
 * The resolver's speed beside its peers'. `npm run bench:dns`; `-- --quick` for one short round, `-- --only NAME` for one
 * workload. The server has one core, the load the other. Exits with 1 when a figure is not what it should be or is
 * missing.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startChildren } from "../test/cluster/control-plane/children.ts";
import { markdown, type Report, verdict, writeReport } from "./report.ts";
import { writeData } from "./setup/data.ts";
import { describeMachine } from "./setup/machine.ts";
import { KNOT } from "./setup/peers.ts";
import { CLIENT_CPU, startServer } from "./setup/servers.ts";
import { memory, start } from "./workloads/footprint.ts";
import { latency } from "./workloads/latency.ts";
import { cachedAnswers, egressAnswers, forwardedAnswers, workers } from "./workloads/throughput.ts";
import type { Bench, Row } from "./workloads/workload.ts";

const WORKLOADS = [egressAnswers, cachedAnswers, forwardedAnswers, latency, memory, start, workers];
const FULL = { rounds: 3, seconds: 5 };
const QUICK = { rounds: 1, seconds: 1 };

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, only: { type: "string" } } });
const chosen = WORKLOADS.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0) {
  console.error(`no workload '${values.only}': choose from ${WORKLOADS.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

const settings = values.quick ? QUICK : FULL;
const say = (line: string): void => console.error(line);

/** Runs the workloads one after the other; one that fails is told and does not stop the others. */
async function runAll(bench: Bench): Promise<Pick<Report, "rows" | "troubles">> {
  const rows: Row[] = [];
  const troubles: string[] = [];
  for (const workload of chosen) {
    say(`${workload.name} …`);
    try {
      rows.push(...(await workload.run(bench)));
    } catch (error) {
      troubles.push(`${workload.name}: ${(error as Error).message}`);
      say(`CANNOT RUN: ${troubles.at(-1)}`);
    }
  }
  return { rows, troubles };
}

const machine = await describeMachine();
const children = await startChildren("bench");
try {
  const data = await writeData(join(children.folder, "data"), 1_000);
  const largeData = await writeData(join(children.folder, "large-data"), 10_000);
  const upstream = await startServer(children, KNOT, { data, upstream: 0, cpus: CLIENT_CPU });
  const troubles: string[] = [];
  const noticed = (line: string): void => {
    if (line.startsWith("CANNOT RUN") && !troubles.includes(line)) troubles.push(line);
    say(line);
  };
  const done = await runAll({ children, ...settings, data, largeData, upstream: upstream.port, say: noticed });
  const report: Report = {
    title: "The resolver beside its peers",
    date: new Date().toISOString().slice(0, 10),
    machine,
    settings: { ...settings, "server's cores": 1, "egress names": 1_000 },
    rows: done.rows,
    troubles: [...done.troubles, ...troubles],
  };
  if (!values.quick && values.only === undefined) await writeReport("dns", report);
  console.log(markdown(report));
  if (report.troubles.length > 0 || report.rows.some((row) => verdict(row) === false)) process.exitCode = 1;
} finally {
  await children.close();
}
