import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type Health, type HealthInput, startHealth } from "../../src/observe/health.ts";
import { createLog } from "../../src/observe/log.ts";
import { createMetrics } from "../../src/observe/metrics.ts";

const running: Health[] = [];
const start = async (changes: Partial<HealthInput> = {}): Promise<Health> => {
  const health = await startHealth({
    host: "127.0.0.1",
    ports: { health: 0, ready: 0, metrics: 0 },
    notReady: () => [],
    metrics: createMetrics(),
    log: createLog("silent"),
    ...changes,
  });
  running.push(health);
  return health;
};
afterEach(async () => {
  for (const health of running.splice(0)) await health.close();
});

const get = async (port: number | undefined, path: string, init: RequestInit = {}) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers: { connection: "close" } });
  return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
};

describe("the health pages", () => {
  test("/health is 200 OK", async () => {
    const { ports } = await start({ notReady: () => ["dns"] });
    expect(await get(ports.health, "/health")).toMatchObject({
      status: 200,
      text: "OK",
      type: expect.stringContaining("text/plain"),
    });
  });

  test("/ready is 200 OK when everything is", async () => {
    expect(await get((await start()).ports.ready, "/ready")).toMatchObject({ status: 200, text: "OK" });
  });

  test("/ready is 503 with what is not ready", async () => {
    const waiting = ["certificate", "objects"];
    const { ports } = await start({ notReady: () => waiting });
    expect(await get(ports.ready, "/ready")).toMatchObject({ status: 503, text: "certificate,objects" });
    waiting.length = 0;
    expect(await get(ports.ready, "/ready")).toMatchObject({ status: 200 });
  });

  test("/ready is 503 while draining, /health still 200", async () => {
    const health = await start();
    health.drain();
    expect(await get(health.ports.ready, "/ready")).toMatchObject({ status: 503, text: "shutting-down" });
    expect(await get(health.ports.health, "/health")).toMatchObject({ status: 200 });
  });

  test("/metrics is the text format", async () => {
    const { ports } = await start();
    const { status, type, text } = await get(ports.metrics, "/metrics");
    expect([status, type]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    expect(text).toMatch(/^process_cpu_seconds_total \d/m);
  });

  test("/metrics is 500 when it cannot be made", async () => {
    const print = () => Promise.reject(new Error("bug"));
    const { ports } = await start({ metrics: { contentType: "text/plain", print } });
    expect(await get(ports.metrics, "/metrics")).toMatchObject({ status: 500 });
  });

  test("are on their own ports only", async () => {
    const { ports } = await start();
    expect((await get(ports.health, "/ready")).status).toBe(404);
    expect((await get(ports.ready, "/")).status).toBe(404);
    expect((await get(ports.metrics, "/__proto__")).status).toBe(404);
  });

  test("take a query, and no POST", async () => {
    const { ports } = await start();
    expect((await get(ports.health, "/health?verbose")).status).toBe(200);
    expect((await get(ports.health, "/health", { method: "POST", body: "x" })).status).toBe(405);
    expect((await get(ports.health, "/health", { method: "HEAD" })).text).toBe("");
  });

  test("may be left out one by one", async () => {
    const { ports } = await start({ ports: { health: 0 } });
    expect(Object.keys(ports)).toEqual(["health"]);
  });

  test("say which port is in use, and leave none open", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const first = await start();
    const taken = first.ports.health ?? 0;
    await first.close();
    const refused = startHealth({
      host: "127.0.0.1",
      ports: { health: taken, ready: port },
      notReady: () => [],
      metrics: createMetrics(),
      log: createLog("silent"),
    });
    await expect(refused).rejects.toMatchObject({
      code: "SLUICE_LISTEN_FAILED",
      message: expect.stringContaining(`/ready on 127.0.0.1:${port}`),
    });
    await expect(get(taken, "/health")).rejects.toThrow();
    await new Promise((resolve) => other.close(resolve));
  });
});
