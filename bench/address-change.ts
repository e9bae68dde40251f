/**
 * How long after a change of its Gateway's address an egress name is answered with the new one: a real API server, a
 * thousand egress names, and the time from sending the change. `node bench/address-change.ts`, `--quick` for a few
 * changes. Exits with 1 when the 99th percentile is too high.
 */
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { ApiServer } from "../test/cluster/control-plane/api-server.ts";
import { findBinaries, toStderr } from "../test/cluster/control-plane/binaries.ts";
import { startChildren } from "../test/cluster/control-plane/children.ts";
import { type ControlPlane, startControlPlane } from "../test/cluster/control-plane/start.ts";
import { ask } from "../test/cluster/dns-client.ts";
import { percentile } from "./load/statistics.ts";
import { markdown, type Report, verdict, writeReport } from "./report.ts";
import { egressName, egressNames, egressObjects } from "./setup/data.ts";
import { describeMachine } from "./setup/machine.ts";
import { sluiceInCluster } from "./setup/peers.ts";
import { startServer } from "./setup/servers.ts";

const NAMES = 1_000;
/** Nothing listens there: no question of this benchmark is forwarded. */
const NOWHERE_PORT = 9;
const PATIENCE_MILLISECONDS = 10_000;
/** Changes do not follow each other in step with anything that Sluice does at intervals. */
const MOST_PAUSE_MILLISECONDS = 200;
const POLL_MILLISECONDS = 1;
const WANTED_MILLISECONDS = 250;
const GATEWAY_STATUS = "/apis/gateway.networking.k8s.io/v1/namespaces/gateway-system/gateways/egress/status";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const changes = values.quick ? 20 : 300;

/** Objects and, apart from them, their status, as their controllers would write it. */
async function install(plane: ControlPlane): Promise<void> {
  await plane.installCrds(["gateway-api"]);
  await plane.kubectl.must(["create", "namespace", "gateway-system"]);
  const stdin = JSON.stringify({ apiVersion: "v1", kind: "List", items: egressObjects(egressNames(NAMES)) });
  const apply = ["apply", "--server-side", "-f", "-"];
  await plane.kubectl.must(apply, { stdin });
  await plane.kubectl.must([...apply, "--subresource=status", "--force-conflicts"], { stdin });
}

/** Writes the Gateway's address; resolves with the API server's status code. */
async function writeAddress({ url, token, caFile }: ApiServer, address: string): Promise<number | undefined> {
  const ca = await readFile(caFile);
  const body = JSON.stringify({ status: { addresses: [{ type: "IPAddress", value: address }] } });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/merge-patch+json" };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${GATEWAY_STATUS}`, { method: "PATCH", ca, headers }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode));
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

async function untilAnswered(port: number, address: string): Promise<void> {
  const giveUp = performance.now() + PATIENCE_MILLISECONDS;
  while (performance.now() < giveUp) {
    const { addresses } = await ask(port, egressName(Math.floor(Math.random() * NAMES)));
    if (addresses.join() === address) return;
    await delay(POLL_MILLISECONDS);
  }
  throw new Error(`the change to ${address} does not show within ${PATIENCE_MILLISECONDS} ms`);
}

async function measureChanges(apiServer: ApiServer, port: number): Promise<Float64Array> {
  const milliseconds = new Float64Array(changes);
  for (let change = 0; change < changes; change += 1) {
    const address = `10.97.${change >> 8}.${change & 0xff}`;
    const started = performance.now();
    const written = writeAddress(apiServer, address);
    await untilAnswered(port, address);
    milliseconds[change] = performance.now() - started;
    const status = await written;
    if (status !== 200) throw new Error(`the API server answered ${status}`);
    await delay(Math.random() * MOST_PAUSE_MILLISECONDS);
  }
  return milliseconds.sort();
}

const plane = await startControlPlane(await findBinaries(toStderr));
const children = await startChildren("bench");
try {
  await install(plane);
  const sluice = await startServer(children, sluiceInCluster(plane.kubeconfig), {
    data: children.folder,
    upstream: NOWHERE_PORT,
  });
  const sorted = await measureChanges(plane.apiServer, sluice.port);
  const row = (workload: string, share: number) => ({ workload, unit: "ms", sluice: percentile(sorted, share) });
  const report: Report = {
    title: "From a change of a Gateway's address to the answer",
    date: new Date().toISOString().slice(0, 10),
    machine: await describeMachine(),
    settings: { changes, "egress names": NAMES },
    rows: [
      row("address change to answer, median", 0.5),
      { ...row("address change to answer, 99th percentile", 0.99), wanted: { most: WANTED_MILLISECONDS } },
      row("address change to answer, slowest", 1),
    ],
    troubles: [],
  };
  if (!values.quick) await writeReport("address-change", report);
  console.log(markdown(report));
  if (report.rows.some((one) => verdict(one) === false)) process.exitCode = 1;
} finally {
  await children.close();
  await plane.close();
}
