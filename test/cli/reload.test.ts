import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type DnsService, startDnsRole } from "../../src/cli/serve-dns.ts";
import { readerOf, topologySettings } from "../../src/cli/serve-objects.ts";
import { loadConfig } from "../../src/config/load.ts";
import { DNS_SERVICE_LABEL } from "../../src/inject/facts.ts";
import { decodeObject } from "../../src/model/decode.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { createLog } from "../../src/observe/log.ts";
import { createLiveSnapshot } from "../../src/sources/live-snapshot.ts";
import { askDns, startDnsProcess } from "../dns/support/dns-process.ts";
import { serversOf } from "../dns/support/resolver.ts";
import { startTestUpstream } from "../dns/support/test-upstream.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A Gateway of a team that claims names, at the address that its status says. */
const gateway = (name: string, team: string, address: string, hostnames: readonly string[], created = "2026-01-01") => [
  {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name, namespace: "egress", labels: { team }, creationTimestamp: `${created}T00:00:00Z` },
    spec: {
      gatewayClassName: "istio",
      listeners: hostnames.map((hostname, index) => ({ name: `l${index}`, hostname, port: 80, protocol: "HTTP" })),
    },
    status: {
      addresses: [{ type: "IPAddress", value: address }],
      listeners: hostnames.map((_hostname, index) => ({ name: `l${index}`, attachedRoutes: 1, supportedKinds: [] })),
    },
  },
  {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name, namespace: "egress" },
    spec: { parentRefs: [{ name }], hostnames },
  },
];

const service = (name: string, clusterIP: string, labels: object = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "egress", labels },
  spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ port: 80 }] },
});

const OBJECTS = [
  ...gateway("west", "a", "10.96.0.1", ["a.test", "both.test"]),
  ...gateway("east", "b", "10.96.0.2", ["b.test", "both.test"], "2026-02-02"),
  service("west", "10.96.7.1", { "gateway.networking.k8s.io/gateway-name": "west" }),
];

const decoded = (objects: readonly object[]) =>
  objects.map(decodeObject).flatMap((one) => (one.status === "decoded" ? [one.decoded] : []));

type Started = DnsService & {
  readonly text: (options: string, before?: string) => string;
  readonly update: (objects: readonly object[]) => void;
  readonly answer: (name: string) => Promise<readonly string[]>;
};

/** A resolver in front of one that knows the real addresses, on objects that a test may change. */
async function start(options: string): Promise<Started> {
  const zone = ["a.test. 60 A 6.6.6.1", "b.test. 60 A 6.6.6.2", "both.test. 60 A 6.6.6.3"];
  const upstream = await startTestUpstream({ zone });
  cleanups.push(() => upstream.close());
  const folder = await mkdtemp(join(tmpdir(), "sluice-reload-"));
  cleanups.push(() => rm(folder, { recursive: true }));
  const file = join(folder, "Corefile");
  const text = (wanted: string, before = "") =>
    `${before}\n. {\nsluice {\n${wanted}\n}\ncache 30\nforward . 127.0.0.1:${upstream.port}\n}`;
  await writeFile(file, text(options));
  const listen = { dnsListen: "127.0.0.1:0", dnsWorkers: "2", namespace: "egress" };
  const config = loadConfig({ manifests: ["objects"], upstream: ["127.0.0.1:9"], corefile: file, ...listen }, {});
  const log = createLog("silent");
  const settings = topologySettings(config, serversOf(text(options)));
  const live = createLiveSnapshot({ sources: ["files"], build: (objects) => buildTopology(objects, settings), log });
  live.update("files", decoded(OBJECTS), true);
  const workerUrl = new URL("../dns/support/worker-entry.ts", import.meta.url);
  const dns = await startDnsRole({ config, snapshot: live, readFor: readerOf(config, live), workerUrl, log });
  cleanups.push(() => dns.resolver.close());
  const port = dns.resolver.addresses()[0]?.port ?? 0;
  return {
    ...dns,
    text,
    update: (objects) => live.update("files", decoded(objects), true),
    answer: async (name) => (await askDns({ name }, { port })).answer.map((line) => line.split(" ").slice(2).join(" ")),
  };
}

describe("a reload", () => {
  test("goes over to other gateways at once, and the answers of before are judged anew", async () => {
    const { reload, text, answer } = await start("gateways team=a");
    expect([await answer("a.test"), await answer("b.test")]).toEqual([["A 10.96.0.1"], ["A 6.6.6.2"]]);
    await reload(serversOf(text("gateways team in (a, b)")));
    expect([await answer("a.test"), await answer("b.test")]).toEqual([["A 10.96.0.1"], ["A 10.96.0.2"]]);
    await reload(serversOf(text("gateways team=b")));
    expect([await answer("a.test"), await answer("b.test")]).toEqual([["A 6.6.6.1"], ["A 10.96.0.2"]]);
  });

  test("goes over to another way to settle conflicts, and to other addresses of gateways", async () => {
    const { reload, text, answer } = await start("gateways team");
    expect(await answer("both.test")).toEqual(["A 10.96.0.1"]);
    await reload(serversOf(text("gateways team\nconflict merge")));
    expect((await answer("both.test")).toSorted()).toEqual(["A 10.96.0.1", "A 10.96.0.2"]);
    await reload(serversOf(text("gateways team\ngateway_address service")));
    expect(await answer("a.test")).toEqual(["A 10.96.7.1"]);
  });

  test("that fails leaves the objects read as before, also those that change later", async () => {
    const { reload, text, update, answer } = await start("gateways team");
    const elsewhere = text("gateways team=b").replace(/forward .*/, "forward . tls://127.0.0.1 {\ntls /nowhere.pem\n}");
    await expect(reload(serversOf(elsewhere))).rejects.toThrow();
    expect(await answer("a.test")).toEqual(["A 10.96.0.1"]);
    update([...gateway("west", "a", "10.96.0.9", ["a.test"])]);
    await expect.poll(() => answer("a.test")).toEqual(["A 10.96.0.9"]);
  });

  test("shows no real address of a name that is egress before and after it, whatever changes meanwhile", async () => {
    const { reload, text, update, answer } = await start("gateways team=a");
    const seen = new Set<string>();
    let reloading = true;
    // Another block comes first, and the names that count for the old blocks are none of the new ones'.
    const hosts = Array.from({ length: 20_000 }, (_, line) => `10.0.0.1 h${line}.x.test`).join("\n");
    const before = `x.test {\nhosts {\n${hosts}\n}\nwhoami\n}`;
    const objects = [...gateway("west", "b", "10.96.0.2", ["a.test"])];
    const moved = [...gateway("other", "a", "10.96.0.1", ["a.test"]), ...objects];
    update(moved);
    await expect.poll(() => answer("a.test")).toEqual(["A 10.96.0.1"]);
    const reloaded = reload(serversOf(text("gateways team=b", before))).finally(() => {
      reloading = false;
    });
    for (let turn = 0; reloading; turn++) {
      update(turn % 2 === 0 ? [...moved, ...OBJECTS.slice(2, 4)] : moved);
      for (const record of await answer("a.test")) seen.add(record);
    }
    await reloaded;
    for (const record of await answer("a.test")) seen.add(record);
    expect([...seen].toSorted()).toEqual(["A 10.96.0.1", "A 10.96.0.2"]);
  });

  test("refuses an upstream that has become a Service of this resolver since the start", async () => {
    const { reload, text, update, answer } = await start("gateways team");
    update([...OBJECTS, service("sluice-dns", "10.96.0.53", { [DNS_SERVICE_LABEL]: "true" })]);
    const own = text("gateways team").replace(/forward .*/, "forward . 10.96.0.53");
    await expect(reload(serversOf(own))).rejects.toThrow("10.96.0.53:53 is this resolver itself");
    expect(await answer("b.test")).toEqual(["A 10.96.0.2"]);
  });
});

test("a Corefile with another snapshot is refused with its line, counted, and the one before stays in force", async () => {
  const text = (options: string) => `.:5300 {\nreload 2s 0s\nsluice {\n${options}\n}\nwhoami\n}`;
  const process = await startDnsProcess({
    corefile: text("ttl 5"),
    objects: OBJECTS,
    args: ["--listen", "127.0.0.1:0"],
  });
  cleanups.push(() => process.close());
  await process.writeCorefile(text("gateways team=b\nsnapshot /nowhere"));
  await process.wrote(/corefile cannot be served/);
  expect(process.stderr()).toMatch(/Corefile:5 - [^"]*'snapshot'/);
  await process.writeCorefile(text("gateways team=b"));
  await process.wrote(/egress hostname is steered/);
});
