import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { currentCluster } from "./cluster.ts";
import { ask } from "./dns-client.ts";
import { GATEWAY_SERVICE_ADDRESS, programGateway } from "./gateway-controller.ts";
import { type Installation, install } from "./installation.ts";
import { until } from "./wait.ts";

const cluster = currentCluster();
const { kubectl } = cluster;
let sluice: Installation;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-permissions-"));
  sluice = await install(cluster);
  await sluice.emptyGateways();
  await kubectl.must(["apply", "-f", sluice.manifest("000-egress-gateway/infrastructure.yaml")]);
  await programGateway(cluster, "kuadrant-egressgateway");
});
afterAll(async () => {
  await sluice.emptyGateways();
  await sluice?.close();
  await rm(folder, { recursive: true });
});

/** The cluster's kubeconfig with the token of one of the base's ServiceAccounts in place of the administrator's. */
async function kubeconfigOf(serviceAccount: string): Promise<string> {
  const token = (await kubectl.must(["create", "token", serviceAccount, "-n", "sluice-system"])).trim();
  const config = JSON.parse(await readFile(cluster.kubeconfig, "utf8")) as Record<string, unknown>;
  const file = join(folder, serviceAccount);
  await writeFile(file, JSON.stringify({ ...config, users: [{ name: "admin", user: { token } }] }), { mode: 0o600 });
  return file;
}

/** What the API server refused, by the lines that Sluice logged about it. */
async function refusedRequests(logFile: string): Promise<readonly string[]> {
  const lines = (await readFile(logFile, "utf8")).trimEnd().split("\n");
  return lines.filter((line) => /forbidden|HTTP 403/i.test(line));
}

test("the resolver's ServiceAccount may do what the resolver does", async () => {
  const second = await sluice.startSecond({
    kubeconfig: await kubeconfigOf("sluice-dns"),
    roles: ["dns"],
    name: "as-sluice-dns",
  });
  await second.untilReady();
  await until("the egress hostname is answered", async () => {
    const { addresses } = await ask(second.ports.dns, "httpbin.org");
    return addresses.join() === GATEWAY_SERVICE_ADDRESS;
  });
  expect(await refusedRequests(second.process.logFile)).toEqual([]);
  await second.process.stop("SIGTERM");
});

test("the webhooks' ServiceAccount may do what the webhooks do", async () => {
  const second = await sluice.startSecond({
    kubeconfig: await kubeconfigOf("sluice-webhook"),
    roles: ["admission"],
    name: "as-sluice-webhook",
  });
  await second.untilReady();
  await until("the profile has been read", async () =>
    (await readFile(second.process.logFile, "utf8")).includes('"profile is in force"'),
  );
  expect(await refusedRequests(second.process.logFile)).toEqual([]);
  await second.process.stop("SIGTERM");
});
