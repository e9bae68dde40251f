import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { getPage } from "../dns/support/dns-process.ts";
import { titleOf } from "../dns/support/dynamic-cases.ts";
import { type ControlPlane, startControlPlane } from "./control-plane/start.ts";
import { ask } from "./dns-client.ts";
import { GATEWAY_SERVICE_ADDRESS, programGateway } from "./gateway-controller.ts";
import { type Installation, install } from "./installation.ts";
import { runInShell } from "./shell.ts";
import type { Sluice } from "./sluice.ts";
import { until } from "./wait.ts";

let plane: ControlPlane;
let installation: Installation;
let folder: string;
let snapshot: string;
let resolver: Sluice;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-outage-"));
  snapshot = join(folder, "egress.json");
  plane = await startControlPlane(inject("binaries"));
  await plane.installCrds(["gateway-api", "istio", "kuadrant"]);
  installation = await install(plane);
  const applied = await runInShell("kubectl apply -f 000-egress-gateway/infrastructure.yaml", plane);
  expect(applied.exitCode, applied.output).toBe(0);
  await programGateway(plane, "kuadrant-egressgateway");
  resolver = await installation.startSecond({ snapshot, roles: ["dns"], name: "resolver" });
  await resolver.untilReady();
  await untilSteered(resolver);
  await until("the names are kept", () => existsSync(snapshot));
});
afterAll(async () => {
  await installation?.close();
  await plane?.close();
  await rm(folder, { recursive: true, force: true });
});

const untilSteered = ({ ports }: Sluice) =>
  until("the egress hostname is answered", async () => {
    const { addresses } = await ask(ports.dns, "httpbin.org");
    return addresses.join() === GATEWAY_SERVICE_ADDRESS;
  });

/** A series of /metrics; NaN when it is not there. */
async function metric({ ports }: Sluice, series: string): Promise<number> {
  const lines = (await getPage(ports.metrics, "/metrics"))?.body.split("\n") ?? [];
  return Number(lines.find((line) => line.startsWith(`${series} `))?.slice(series.length) ?? Number.NaN);
}

/** What a client and the kubelet see. */
async function seenOf(one: Sluice): Promise<string> {
  const { rcode, addresses } = await ask(one.ports.dns, "httpbin.org");
  return `${rcode} ${addresses.join()}, /ready ${(await getPage(one.ports.ready, "/ready"))?.status}`;
}

const STEERING = `NOERROR ${GATEWAY_SERVICE_ADDRESS}, /ready 200`;
/** Reflectors wait for longer and longer before they try again. */
const RECOVERY_SECONDS = 60;

/** Waits, and sees that the resolver steers and is ready all the while. */
async function steersUntil(one: Sluice, what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const others: string[] = [];
  const look = async () => {
    const seen = await seenOf(one);
    if (seen !== STEERING) others.push(seen);
    return holds();
  };
  await until(what, look, RECOVERY_SECONDS);
  expect(others).toEqual([]);
}

test(titleOf("DY-004"), async () => {
  await plane.apiServer.kill();
  const before = await metric(resolver, "sluice_dns_table_age_seconds");
  await steersUntil(resolver, "the table is some seconds older", async () => {
    return (await metric(resolver, "sluice_dns_table_age_seconds")) > before + 5;
  });
  expect(await metric(resolver, "sluice_source_age_seconds")).toBeGreaterThan(4);
  await plane.apiServer.restart();
});

test(titleOf("DY-005"), async () => {
  await plane.apiServer.kill();
  const restarted = await installation.startSecond({ snapshot, roles: ["dns"], name: "restarted" });
  await restarted.untilReady();
  expect(await seenOf(restarted)).toBe(STEERING);
  expect(await metric(restarted, 'sluice_dns_table_source{source="snapshot"}')).toBe(1);
  await plane.apiServer.restart();
  await steersUntil(restarted, "the table comes from the cluster", async () => {
    return (await metric(restarted, 'sluice_dns_table_source{source="watch"}')) === 1;
  });
  await restarted.process.stop("SIGTERM");
});

test(titleOf("DY-006"), async () => {
  await plane.apiServer.kill();
  await plane.etcd.compact();
  await plane.apiServer.restart();
  // Everything is listed anew, and the lists hang.
  plane.apiServer.pause();
  const resumeAt = Date.now() + 5_000;
  await steersUntil(resolver, "the lists have hung for a while", () => Date.now() > resumeAt);
  plane.apiServer.resume();
  const patch = JSON.stringify({ spec: { hostnames: ["httpbin.org", "after-relist.example"] } });
  const route = ["httproute", "httpbin-external", "-n", "gateway-system"];
  await until("the API server takes a change", async () => {
    return (await plane.kubectl(["patch", ...route, "--type=merge", "-p", patch])).exitCode === 0;
  });
  await steersUntil(resolver, "the change is seen", async () => {
    return (await ask(resolver.ports.dns, "after-relist.example")).addresses.join() === GATEWAY_SERVICE_ADDRESS;
  });
});
