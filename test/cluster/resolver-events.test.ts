import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { currentCluster } from "./cluster.ts";
import { programGateway, writeStatus } from "./gateway-controller.ts";
import { type Installation, install } from "./installation.ts";
import type { Sluice } from "./sluice.ts";
import { until } from "./wait.ts";

const cluster = currentCluster();
const { kubectl } = cluster;
const GATEWAY = "kuadrant-egressgateway";
/** Its pods have addresses that are nobody's private ones. */
const PUBLIC_NETWORK = "198.51.100.0/24";
const PUBLIC_NODE = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "public-pods" },
  spec: { podCIDR: PUBLIC_NETWORK, podCIDRs: [PUBLIC_NETWORK] },
};
let installation: Installation;
let folder: string;
let resolver: Sluice;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-events-"));
  installation = await install(cluster);
  await installation.emptyGateways();
  await kubectl(["delete", "events", "--all", "-n", "gateway-system"]);
  await kubectl.must(["apply", "-f", installation.manifest("000-egress-gateway/infrastructure.yaml")]);
  await programGateway(cluster, GATEWAY);
  const node = join(folder, "node.json");
  await writeFile(node, JSON.stringify(PUBLIC_NODE));
  await kubectl.must(["apply", "-f", node]);
  resolver = await installation.startSecond({ kubeconfig: await ownKubeconfig(), roles: ["dns"], name: "events" });
  await resolver.untilReady();
});
afterAll(async () => {
  await resolver?.process.stop("SIGTERM");
  await kubectl(["delete", "node", PUBLIC_NODE.metadata.name]);
  await installation?.emptyGateways();
  await installation?.close();
  await rm(folder, { recursive: true });
});

/** The cluster's kubeconfig as the resolver's ServiceAccount. */
async function ownKubeconfig(): Promise<string> {
  const token = (await kubectl.must(["create", "token", "sluice-dns", "-n", "sluice-system"])).trim();
  const config = JSON.parse(await readFile(cluster.kubeconfig, "utf8")) as Record<string, unknown>;
  const file = join(folder, "kubeconfig");
  await writeFile(file, JSON.stringify({ ...config, users: [{ name: "admin", user: { token } }] }), { mode: 0o600 });
  return file;
}

type Event = { readonly reason: string; readonly note: string; readonly regarding: { readonly name: string } };

async function eventNotes(reason: string, gateway = GATEWAY): Promise<readonly string[]> {
  const all = await kubectl.must(["get", "events.v1.events.k8s.io", "-n", "gateway-system", "-o", "json"]);
  const { items } = JSON.parse(all) as { readonly items: readonly Event[] };
  return items.filter((one) => one.reason === reason && one.regarding.name === gateway).map(({ note }) => note);
}

const untilTold = (reason: string, gateway?: string) =>
  until(`an Event says ${reason}`, async () => {
    const notes = await eventNotes(reason, gateway);
    return notes.length > 0 && notes;
  });

test("pods that the resolver would turn away are told in its log, by their network", async () => {
  await until("the log says so", async () =>
    (await readFile(resolver.process.logFile, "utf8"))
      .split("\n")
      .some((line) => line.includes("pods of these networks are refused") && line.includes(PUBLIC_NETWORK)),
  );
});

test("an address that no pod can reach is told to who describes the Gateway", async () => {
  await writeStatus(cluster, GATEWAY, { addresses: [{ type: "IPAddress", value: "0.0.0.0" }] });
  const [note] = await untilTold("UnusableAddress");
  expect(note).toContain('"0.0.0.0"');
  const described = await kubectl.must(["describe", "gateway", GATEWAY, "-n", "gateway-system"]);
  expect(described).toMatch(/Warning +UnusableAddress .*No pod can reach the address "0\.0\.0\.0"/);
  await programGateway(cluster, GATEWAY);
});

test("a younger Gateway that claims the same hostname is told who answers", async () => {
  const gateway = JSON.parse(await kubectl.must(["get", "gateway", GATEWAY, "-n", "gateway-system", "-o", "json"]));
  const route = JSON.parse(
    await kubectl.must(["get", "httproute", "httpbin-external", "-n", "gateway-system", "-o", "json"]),
  );
  // Ages are whole seconds.
  await until("the first one is older", () => Date.now() - Date.parse(gateway.metadata.creationTimestamp) > 1_500);
  const { labels, annotations } = gateway.metadata;
  const items = [
    { ...gateway, metadata: { name: "younger", namespace: "gateway-system", labels, annotations }, status: undefined },
    {
      ...route,
      metadata: { name: "younger", namespace: "gateway-system", labels: route.metadata.labels },
      spec: { ...route.spec, parentRefs: [{ ...route.spec.parentRefs[0], name: "younger" }] },
      status: undefined,
    },
  ];
  await kubectl.must(["create", "-f", "-"], { stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items }) });
  const [note] = await untilTold("HostnameConflict", "younger");
  expect(note).toBe(`Another Gateway, gateway-system/${GATEWAY}, is older and answers for httpbin.org`);
  await kubectl.must(["delete", "gateway,httproute", "younger", "-n", "gateway-system"]);
});

test("the hostnames of a Gateway that is deleted are told to be forwarded", async () => {
  await kubectl.must(["delete", "gateway", GATEWAY, "-n", "gateway-system"]);
  const [note] = await untilTold("HostnamesForwarded");
  expect(note).toContain("httpbin.org");
  expect(await readFile(resolver.process.logFile, "utf8")).not.toContain("events cannot be written");
});
