import { expect, onTestFinished, test, vi } from "vitest";
import { type ConfigMapOptions, followConfigMap } from "../../../src/sources/cluster/config-map.ts";
import { REFLECTOR_TIMING } from "../../../src/sources/cluster/reflector-timing.ts";
import { recordedLog } from "../recorded-log.ts";
import { apiStatus, type PeerRequest, sendJson, startPeer } from "./api-peer.ts";

const FAST = { ...REFLECTOR_TIMING, backOffInitialMs: 5, backOffMaxMs: 20, forbiddenMs: 10 };

const configMap = (name: string, data?: unknown, resourceVersion = "1") => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "sluice-system", uid: `uid-${name}`, resourceVersion },
  ...(data === undefined ? {} : { data }),
});

const list = (...items: readonly object[]) => ({
  kind: "ConfigMapList",
  apiVersion: "v1",
  metadata: { resourceVersion: "10" },
  items,
});

type Data = Parameters<ConfigMapOptions["onData"]>[0];

async function follow(answer: (request: PeerRequest) => void) {
  const peer = await startPeer(answer);
  const seen: Data[] = [];
  const log = recordedLog();
  const options = { transport: peer.transport, namespace: "sluice-system", name: "sluice-profile", timing: FAST };
  const followed = followConfigMap({ ...options, log, onData: (data) => seen.push(data) });
  onTestFinished(() => followed.close());
  const until = (check: () => void) => vi.waitFor(check, { timeout: 8_000, interval: 2 });
  return { seen, lines: log.lines, until, ...peer };
}

const isWatch = ({ query }: PeerRequest): boolean => query["watch"] === "true";

test("only the one ConfigMap is asked for, and its changes are told", async () => {
  const { seen, requests, until } = await follow((request) => {
    if (!isWatch(request))
      return void sendJson(request.response, 200, list(configMap("sluice-profile", { a: "1", b: 2 })));
    request.response.writeHead(200);
    for (const event of [
      { type: "MODIFIED", object: configMap("sluice-profile", { a: "2" }, "11") },
      { type: "MODIFIED", object: configMap("another", { a: "3" }, "12") },
      { type: "DELETED", object: configMap("sluice-profile", { a: "2" }, "13") },
      { type: "ADDED", object: configMap("sluice-profile", undefined, "14") },
    ])
      request.response.write(`${JSON.stringify(event)}\n`);
  });
  await until(() => expect(seen).toEqual([{ a: "1" }, { a: "2" }, undefined, {}]));
  for (const { path, query } of requests) {
    expect(path).toBe("/api/v1/namespaces/sluice-system/configmaps");
    expect(query["fieldSelector"]).toBe("metadata.name=sluice-profile");
  }
});

test("that there is none is told as well", async () => {
  const { seen, until } = await follow((request) =>
    isWatch(request) ? request.response.writeHead(200).flushHeaders() : sendJson(request.response, 200, list()),
  );
  await until(() => expect(seen).toEqual([undefined]));
});

test("an account that may not read it is told what to grant, and nothing else happens", async () => {
  const { seen, lines, until } = await follow((request) => sendJson(request.response, 403, apiStatus(403, "no")));
  await until(() => expect(lines.length).toBeGreaterThan(0));
  expect(JSON.stringify(lines)).toContain('resourceNames: [\\"sluice-profile\\"]');
  expect(seen).toEqual([]);
});
