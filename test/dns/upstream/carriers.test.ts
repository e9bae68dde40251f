import { afterEach, describe, expect, test } from "vitest";
import { questionFor, variantOf } from "../../../src/dns/upstream/question.ts";
import { createRandomInteger } from "../../../src/dns/upstream/random.ts";
import { createStreamConnections } from "../../../src/dns/upstream/stream-connections.ts";
import { createTimerWheel, type Timed } from "../../../src/dns/upstream/timer-wheel.ts";
import { createUdpSockets } from "../../../src/dns/upstream/udp-sockets.ts";
import {
  type Carrier,
  type CarrierLimits,
  type Carriers,
  forget,
  type Waiter,
} from "../../../src/dns/upstream/waiter.ts";
import { FLAG, TYPE } from "../../../src/dns/wire/codes.ts";
import { startTestUpstream } from "../support/test-upstream.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const KEPT: CarrierLimits = { expireMs: 60_000, maxAgeMs: 0, maxIdle: 0 };

type Asking = {
  /** Asks and waits for the reply; gives the socket or connection that carried both. */
  readonly ask: (older?: Waiter) => Promise<Carrier | undefined>;
  /** For each question whether it left by something that had been open. */
  readonly uses: boolean[];
  readonly armed: Set<Timed>;
};

async function askingBy(kind: "udp" | "tcp", limits: CarrierLimits): Promise<Asking> {
  const server = await startTestUpstream({ zone: ["x.example. 60 A 192.0.2.1"] });
  cleanups.push(() => server.close());
  const uses: boolean[] = [];
  const armed = new Set<Timed>();
  const wheel = createTimerWheel();
  const shared = {
    upstream: { host: "127.0.0.1", port: server.port, family: 4 } as const,
    limits,
    sourceAddress: undefined,
    random: createRandomInteger(),
    wheel: {
      arm(timed: Timed, at: number) {
        armed.add(timed);
        wheel.arm(timed, at);
      },
      remove(timed: Timed) {
        armed.delete(timed);
        wheel.remove(timed);
      },
    },
    onUse: (open: boolean) => void uses.push(open),
  };
  const carriers: Carriers =
    kind === "udp" ? createUdpSockets(shared) : createStreamConnections({ ...shared, tls: undefined });
  cleanups.push(() => carriers.close());
  const ask = (older?: Waiter) =>
    new Promise<Carrier | undefined>((resolve, reject) => {
      const done = (waiter: Waiter): void => {
        const { carrier } = waiter;
        forget(waiter);
        resolve(carrier);
      };
      const waiter = { id: 0, carrier: undefined, older, onMessage: done, onFailure: reject };
      const raw = "\x01x\x07example";
      carriers.send(questionFor(raw, raw, variantOf(TYPE.A, FLAG.RD, false)).message, waiter);
    });
  return { ask, uses, armed };
}

describe("UDP sockets", () => {
  test("each of the first 256 questions opens one, then they are used again", async () => {
    const { ask, uses } = await askingBy("udp", KEPT);
    for (let index = 0; index < 300; index++) await ask();
    expect(uses.indexOf(true)).toBe(256);
    expect(uses.slice(256).every((open) => open)).toBe(true);
  });

  test("retire between half of max_age and max_age, not all together", async () => {
    const { ask, uses, armed } = await askingBy("udp", { ...KEPT, maxAgeMs: 600 });
    const startedAt = performance.now();
    for (let index = 0; index < 40; index++) await ask();
    expect(armed.size).toBe(40);
    const sizes = new Set<number>();
    await expect.poll(() => sizes.add(armed.size) && armed.size, { interval: 10, timeout: 5_000 }).toBe(0);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(300);
    expect(sizes.size).toBeGreaterThan(2);
    await ask();
    expect(uses.at(-1)).toBe(false);
  });

  test("retire when unused for expire", async () => {
    const { ask, armed } = await askingBy("udp", { ...KEPT, expireMs: 50 });
    await ask();
    expect(armed.size).toBe(1);
    await expect.poll(() => armed.size, { timeout: 5_000 }).toBe(0);
  });

  test("only max_idle_conns of those that nobody uses are kept", async () => {
    const { ask, armed } = await askingBy("udp", { ...KEPT, maxIdle: 3 });
    for (let index = 0; index < 8; index++) await ask();
    expect(armed.size).toBe(8);
    await expect.poll(() => armed.size, { timeout: 5_000 }).toBe(3);
  });
});

describe("TCP connections", () => {
  test("one is enough for questions one after the other", async () => {
    const { ask, uses } = await askingBy("tcp", KEPT);
    for (let index = 0; index < 5; index++) await ask();
    expect(uses).toEqual([false, true, true, true, true]);
  });

  test("more than a hundred questions at once take another", async () => {
    const { ask, uses } = await askingBy("tcp", KEPT);
    await Promise.all(Array.from({ length: 250 }, () => ask()));
    expect(uses.filter((open) => !open)).toHaveLength(3);
  });

  test("only max_idle_conns of those that nobody uses are kept", async () => {
    const { ask, armed } = await askingBy("tcp", { ...KEPT, maxIdle: 1 });
    await Promise.all(Array.from({ length: 250 }, () => ask()));
    expect(armed.size).toBe(1);
  });

  test.each([
    ["expire", { ...KEPT, expireMs: 50 }],
    ["max_age", { ...KEPT, maxAgeMs: 50 }],
  ])("are closed after %s", async (_what, limits) => {
    const { ask, armed } = await askingBy("tcp", limits);
    await ask();
    await expect.poll(() => armed.size, { timeout: 5_000 }).toBe(0);
  });
});

test.each(["udp", "tcp"] as const)("a question that waits already has no second %s carrier in common", async (kind) => {
  const { ask } = await askingBy(kind, KEPT);
  const used = await ask();
  const older: Waiter = {
    id: 0,
    carrier: used,
    older: undefined,
    onMessage: () => undefined,
    onFailure: () => undefined,
  };
  expect(await ask(older)).not.toBe(used);
});
