import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type Endpoints, type EndpointsInput, startEndpoints } from "../../src/observe/endpoints.ts";
import { createLog } from "../../src/observe/log.ts";
import { createMetrics } from "../../src/observe/metrics.ts";

const running: Endpoints[] = [];
const others: Server[] = [];

/** Port 0 takes any that is free; each of these loopback addresses is one of its own. */
const at = (host: number, port = 0) => ({ host: `127.0.0.${host}`, port });
const HEALTH = at(1);
const READY = at(2);
const METRICS = at(3);
const ALL = { health: [HEALTH], ready: [READY], metrics: [METRICS] };

const start = async (changes: Partial<EndpointsInput> = {}): Promise<Endpoints> => {
  const endpoints = await startEndpoints({
    settings: ALL,
    notReady: () => [],
    metrics: createMetrics(),
    log: createLog("silent"),
    ...changes,
  });
  running.push(endpoints);
  return endpoints;
};

/** A port of an address that nobody else uses, held open by another program or given back. */
async function otherPort(host: string, held: boolean): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as { port: number };
  if (held) others.push(server);
  else await new Promise((resolve) => server.close(resolve));
  return port;
}

afterEach(async () => {
  for (const endpoints of running.splice(0)) await endpoints.close();
  for (const server of others.splice(0)) await new Promise((resolve) => server.close(resolve));
});

const get = async (endpoints: Endpoints, address: ReturnType<typeof at>, path: string, init: RequestInit = {}) => {
  const host = address.host === "" ? "127.0.0.1" : address.host;
  const url = `http://${host}:${endpoints.portOf(address) ?? address.port}${path}`;
  const response = await fetch(url, { ...init, headers: { connection: "close" } });
  return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
};

describe("the pages", () => {
  test("HT-001: /health is 200 OK, whatever is not ready", async () => {
    expect(await get(await start({ notReady: () => ["dns"] }), HEALTH, "/health")).toEqual({
      status: 200,
      text: "OK",
      type: "text/plain; charset=utf-8",
    });
  });

  test("HT-003, HT-004: /ready is 200 OK, or 503 with what is not ready", async () => {
    const waiting = ["sluice", "hosts"];
    const endpoints = await start({ notReady: () => waiting });
    expect(await get(endpoints, READY, "/ready")).toMatchObject({ status: 503, text: "sluice,hosts" });
    waiting.length = 0;
    expect(await get(endpoints, READY, "/ready")).toMatchObject({ status: 200, text: "OK" });
  });

  test("/ready may be told that what was ready once stays ready", async () => {
    const waiting = ["sluice"];
    const settings = { ...ALL, ready: [{ ...READY, monitor: "until-ready" as const }] };
    const endpoints = await start({ settings, notReady: () => waiting });
    expect((await get(endpoints, READY, "/ready")).status).toBe(503);
    waiting.length = 0;
    expect((await get(endpoints, READY, "/ready")).status).toBe(200);
    waiting.push("sluice");
    expect((await get(endpoints, READY, "/ready")).status).toBe(200);
  });

  test("HT-005, HT-006: while draining /ready is 503 Shutting down, /health still 200", async () => {
    const endpoints = await start();
    endpoints.drain();
    expect(await get(endpoints, READY, "/ready")).toMatchObject({ status: 503, text: "Shutting down" });
    expect(await get(endpoints, HEALTH, "/health")).toMatchObject({ status: 200, text: "OK" });
  });

  test("HT-008: /metrics is the text format", async () => {
    const { status, type, text } = await get(await start(), METRICS, "/metrics");
    expect([status, type]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    expect(text).toMatch(/^process_cpu_seconds_total \d/m);
    expect(text).toMatch(/^process_resident_memory_bytes \d/m);
    expect(text).toMatch(/^go_memstats_alloc_bytes \d/m);
  });

  test("/metrics is 500 when it cannot be made", async () => {
    const print = () => Promise.reject(new Error("bug"));
    const endpoints = await start({ metrics: { contentType: "text/plain", print } });
    expect(await get(endpoints, METRICS, "/metrics")).toMatchObject({ status: 500 });
  });

  test("HT-002, HT-009: are on their own addresses only", async () => {
    const endpoints = await start();
    for (const [address, path] of [
      [HEALTH, "/"],
      [HEALTH, "/ready"],
      [READY, "/"],
      [METRICS, "/"],
      [METRICS, "/__proto__"],
    ] as const) {
      expect((await get(endpoints, address, path)).status).toBe(404);
    }
  });

  test("HT-014: take a query, and no POST", async () => {
    const endpoints = await start();
    expect((await get(endpoints, HEALTH, "/health?verbose")).status).toBe(200);
    expect((await get(endpoints, HEALTH, "/health", { method: "POST", body: "x" })).status).toBe(405);
    expect((await get(endpoints, HEALTH, "/health", { method: "HEAD" })).text).toBe("");
  });

  test("may be left out one by one", async () => {
    const endpoints = await start({ settings: { ...ALL, ready: [], metrics: [] } });
    expect((await get(endpoints, HEALTH, "/health")).status).toBe(200);
    expect([endpoints.portOf(READY), endpoints.portOf(METRICS)]).toEqual([undefined, undefined]);
  });
});

describe("an address", () => {
  test("that is named several times serves every page that is wanted there", async () => {
    const port = await otherPort("127.0.0.1", false);
    const shared = at(1, port);
    const endpoints = await start({ settings: { health: [shared, shared], ready: [shared], metrics: [shared] } });
    for (const path of ["/health", "/ready", "/metrics"]) expect((await get(endpoints, shared, path)).status).toBe(200);
  });

  test("for all addresses serves also what is wanted on one of them", async () => {
    const port = await otherPort("0.0.0.0", false);
    const any = { host: "0.0.0.0", port };
    const endpoints = await start({ settings: { health: [any, at(1, port)], ready: [], metrics: [] } });
    expect((await get(endpoints, at(1, port), "/health")).status).toBe(200);
    expect((await get(endpoints, at(5, port), "/health")).status).toBe(200);
  });

  test("without a host is all addresses", async () => {
    const port = await otherPort("0.0.0.0", false);
    const endpoints = await start({ settings: { health: [{ host: "", port }], ready: [], metrics: [] } });
    expect((await get(endpoints, at(5, port), "/health")).status).toBe(200);
  });

  test("that is in use is named, and nothing is left open", async () => {
    const taken = at(2, await otherPort("127.0.0.2", true));
    const health = at(1, await otherPort("127.0.0.1", false));
    await expect(start({ settings: { health: [health], ready: [taken], metrics: [] } })).rejects.toMatchObject({
      code: "SLUICE_LISTEN_FAILED",
      message: expect.stringContaining(`/ready on 127.0.0.2:${taken.port}`),
    });
    await expect(fetch(`http://127.0.0.1:${health.port}/health`)).rejects.toThrow();
  });
});

describe("a reload", () => {
  test("opens what is new, closes what is gone, and keeps what is in both", async () => {
    const endpoints = await start();
    const [kept, gone] = [endpoints.portOf(METRICS), endpoints.portOf(HEALTH)];
    await endpoints.update({ health: [at(4)], ready: [METRICS], metrics: [METRICS] });
    expect(endpoints.portOf(METRICS)).toBe(kept);
    for (const [address, path] of [
      [at(4), "/health"],
      [METRICS, "/metrics"],
      [METRICS, "/ready"],
    ] as const) {
      expect((await get(endpoints, address, path)).status).toBe(200);
    }
    await expect(fetch(`http://127.0.0.1:${gone}/health`)).rejects.toThrow();
  });

  test("HT-012: onto a port in use keeps the old listeners and their pages", async () => {
    const endpoints = await start();
    const taken = at(4, await otherPort("127.0.0.4", true));
    const next = at(5, await otherPort("127.0.0.5", false));
    await expect(endpoints.update({ health: [next, taken], ready: [], metrics: [HEALTH] })).rejects.toMatchObject({
      code: "SLUICE_LISTEN_FAILED",
    });
    for (const [address, path, status] of [
      [HEALTH, "/health", 200],
      [HEALTH, "/metrics", 404],
      [READY, "/ready", 200],
      [METRICS, "/metrics", 200],
    ] as const) {
      expect((await get(endpoints, address, path)).status).toBe(status);
    }
    await expect(fetch(`http://127.0.0.5:${next.port}/health`)).rejects.toThrow();
  });

  test("from one address to all of them and back keeps the port served", async () => {
    const port = await otherPort("0.0.0.0", false);
    const [one, any] = [at(1, port), { host: "", port }];
    const endpoints = await start({ settings: { health: [one], ready: [], metrics: [] } });
    await endpoints.update({ health: [one, any], ready: [], metrics: [one] });
    expect((await get(endpoints, at(5, port), "/health")).status).toBe(200);
    expect((await get(endpoints, one, "/metrics")).status).toBe(200);
    await endpoints.update({ health: [one], ready: [], metrics: [] });
    expect((await get(endpoints, one, "/health")).status).toBe(200);
    await expect(fetch(`http://127.0.0.5:${port}/health`)).rejects.toThrow();
  });

  test("that fails after an old listener had to go opens that one again", async () => {
    const port = await otherPort("0.0.0.0", false);
    const [one, any] = [at(1, port), { host: "", port }];
    const taken = at(4, await otherPort("127.0.0.4", true));
    const endpoints = await start({ settings: { health: [one], ready: [], metrics: [one] } });
    await expect(endpoints.update({ health: [any], ready: [taken], metrics: [] })).rejects.toMatchObject({
      code: "SLUICE_LISTEN_FAILED",
    });
    expect((await get(endpoints, one, "/health")).status).toBe(200);
    expect((await get(endpoints, one, "/metrics")).status).toBe(200);
    await expect(fetch(`http://127.0.0.5:${port}/health`)).rejects.toThrow();
    await endpoints.update({ health: [any], ready: [], metrics: [] });
    expect((await get(endpoints, at(5, port), "/health")).status).toBe(200);
  });

  test("goes on while draining", async () => {
    const endpoints = await start();
    endpoints.drain();
    await endpoints.update({ ...ALL, ready: [at(4)] });
    expect((await get(endpoints, at(4), "/ready")).text).toBe("Shutting down");
  });
});

describe("the check of /health by ourselves", () => {
  test("counts how long it took", async () => {
    const observed = Promise.withResolvers<number>();
    await start({ selfCheck: { observe: observed.resolve, failed: () => observed.reject(new Error("failed")) } });
    const seconds = await observed.promise;
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(3);
  });
});
