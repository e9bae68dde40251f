import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Kind } from "../../../src/model/kinds.ts";
import { type ClusterSource, startClusterSource, WATCHED_KINDS } from "../../../src/sources/cluster/cluster-source.ts";
import { REFLECTOR_TIMING } from "../../../src/sources/cluster/reflector-timing.ts";
import { recordedLog } from "../recorded-log.ts";
import { apiStatus, eventLine, item, listOf, type PeerRequest, sendJson, startPeer } from "./api-peer.ts";

/** Times at which nothing happens again by itself within a test. */
const SLOW = {
  ...REFLECTOR_TIMING,
  absentMinMs: 600_000,
  absentMaxMs: 600_000,
  backOffInitialMs: 10,
  backOffMaxMs: 20,
};

const pluralOf = ({ path }: PeerRequest) => path.split("/").at(-1) ?? "";
const isWatch = ({ query }: PeerRequest) => query["watch"] === "true";
const until = (check: () => void) => vi.waitFor(check, { timeout: 8_000, interval: 2 });

async function follow(answer: (request: PeerRequest) => void, kinds: readonly Kind[] = ["Gateway", "HTTPRoute"]) {
  const network = { away: false };
  const peer = await startPeer((request) => {
    if (network.away) request.socket.destroy();
    else if (isWatch(request)) request.response.writeHead(200).flushHeaders();
    else answer(request);
  });
  const log = recordedLog();
  const seen: { names: string; synced: boolean }[] = [];
  const clock = { ms: 0 };
  const source: ClusterSource = await startClusterSource({
    transport: peer.transport,
    kinds,
    log,
    now: () => clock.ms,
    random: () => 0.5,
    timing: SLOW,
    coalesceMs: 10,
    onChange: () =>
      seen.push({
        names: source
          .objects()
          .map(({ ref }) => `${ref.kind} ${ref.name}`)
          .join(),
        synced: source.synced(),
      }),
  });
  onTestFinished(() => source.close());
  return { ...peer, network, log, seen, source, clock };
}

const names = (source: ClusterSource) =>
  source
    .objects()
    .map(({ ref }) => ref.name)
    .join();

describe("in sync", () => {
  test("only when every kind that is installed has been listed once", async () => {
    const held: PeerRequest[] = [];
    const { source, seen } = await follow((request) => {
      if (pluralOf(request) === "httproutes") held.push(request);
      else sendJson(request.response, 200, listOf("1", [item("a", "1")]));
    });
    await until(() => expect(names(source)).toBe("a"));
    expect([source.synced(), source.waitingFor()]).toEqual([false, ["HTTPRoute"]]);
    await until(() => expect(held).toHaveLength(1));
    sendJson((held[0] as PeerRequest).response, 200, { ...listOf("1", []), kind: "HTTPRouteList" });
    await until(() => expect(source.synced()).toBe(true));
    await until(() => expect(seen.at(-1)).toEqual({ names: "Gateway a", synced: true }));
    expect(source.kinds().map(({ phase, objects }) => [phase, objects])).toEqual([
      ["current", 1],
      ["current", 0],
    ]);
  });

  test("without the kinds that are not installed", async () => {
    const { source, log } = await follow(({ response }) => void sendJson(response, 404, ""));
    await until(() => expect(source.synced()).toBe(true));
    await until(() =>
      expect(log.lines.find(({ level }) => level === "info")).toMatchObject({
        message: "cluster objects are loaded",
        fields: { objects: 0, notInstalled: ["Gateway", "HTTPRoute"] },
      }),
    );
  });

  test("never while a kind may not be read, and the log says which rule is missing", async () => {
    const { source, log } = await follow(
      ({ response }) => void sendJson(response, 403, apiStatus(403, "User x cannot list")),
    );
    await until(() => expect(log.lines.filter(({ level }) => level === "error")).toHaveLength(2));
    expect(source.synced()).toBe(false);
    expect(log.lines.find(({ level }) => level === "error")?.fields).toEqual({
      kind: "Gateway",
      reason: "User x cannot list",
      hint: 'grant {apiGroups: ["gateway.networking.k8s.io"], resources: ["gateways"], verbs: ["list", "watch"]} in a ClusterRole',
    });
  });
});

describe("a CustomResourceDefinition", () => {
  const NAME = "gateways.gateway.networking.k8s.io";

  test("that appears makes its kind be read at once; only metadata is asked for", async () => {
    let installed = false;
    const definitions: PeerRequest[] = [];
    const peer = await startPeer((request) => {
      const definition = pluralOf(request) === "customresourcedefinitions";
      if (definition) definitions.push(request);
      if (isWatch(request)) request.response.writeHead(200).flushHeaders();
      else if (definition) sendJson(request.response, 200, listOf("1", []));
      else if (installed) sendJson(request.response, 200, listOf("1", [item("a", "1")]));
      else sendJson(request.response, 404, "");
    });
    const log = recordedLog();
    const onChange = () => undefined;
    const source = await startClusterSource({
      transport: peer.transport,
      kinds: ["Gateway"],
      log,
      onChange,
      timing: SLOW,
    });
    onTestFinished(() => source.close());
    await until(() => expect([source.kinds()[0]?.phase, definitions.length]).toEqual(["absent", 2]));
    expect(definitions[0]?.headers.accept).toContain("as=PartialObjectMetadataList");
    expect(definitions[1]?.headers.accept).toContain("as=PartialObjectMetadata;");
    installed = true;
    const event = eventLine("ADDED", { metadata: { name: NAME, uid: "u", resourceVersion: "2" } });
    (definitions[1] as PeerRequest).response.write(event);
    await until(() => expect(names(source)).toBe("a"));
    expect(log.lines.map(({ message }) => message)).toContain("kind is installed now");
  });
});

describe("while the API server is away", () => {
  test("objects stay, their age grows, and the log has one line a minute", async () => {
    const { source, log, clock, open, network } = await follow(
      ({ response }) => sendJson(response, 200, listOf("1", [item("a", "1")])),
      ["Gateway"],
    );
    await until(() => expect(source.synced()).toBe(true));
    network.away = true;
    for (const socket of open) socket.destroy();
    const failures = (level: string) =>
      log.lines.filter((line) => line.level === level && line.message.startsWith("reading from the API server fails"));
    await until(() => expect(failures("debug").length).toBeGreaterThan(3));
    expect(failures("warn").length).toBeLessThanOrEqual(2);
    expect(names(source)).toBe("a");
    // Only now: an answer that was still under way when the connections broke would count as fresh at the later time.
    clock.ms = 700_000;
    expect(source.ageSeconds()).toBeGreaterThan(600);
    network.away = false;
    await until(() => expect(source.ageSeconds()).toBe(0));
  });
});

describe("changes", () => {
  test("that come together are one call", async () => {
    const { seen, source } = await follow(({ response, path }) => {
      const many = Array.from({ length: 20 }, (_, at) => item(`g${at}`, `${at}`));
      sendJson(response, 200, path.endsWith("gateways") ? listOf("1", many) : listOf("1", []));
    });
    await until(() => expect(source.synced()).toBe(true));
    await until(() => expect(seen.at(-1)?.synced).toBe(true));
    expect(seen.length).toBeLessThanOrEqual(2);
  });
});

test("Pods and Secrets are not among the kinds that are watched by default", () => {
  expect(WATCHED_KINDS).toContain("Gateway");
  expect(WATCHED_KINDS.filter((kind) => ["Pod", "Secret", "ConfigMap"].includes(kind))).toEqual([]);
});
