import { afterEach, describe, expect, test } from "vitest";
import type { NetworkFailure } from "../../../src/dns/upstream/network-failure.ts";
import { createTimerWheel } from "../../../src/dns/upstream/timer-wheel.ts";
import { createUdpSockets } from "../../../src/dns/upstream/udp-sockets.ts";
import { type Carrier, type Carriers, forget, type Waiter } from "../../../src/dns/upstream/waiter.ts";
import { startTestUpstream } from "../support/test-upstream.ts";

/** Sockets that one upstream has. */
const SOCKETS = 256;
const QUESTION = Buffer.from("0000010000010000000000000178076578616d706c650000010001", "hex");

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Chooses the first socket always, and IDs one after the other. */
function predictable(): (bound: number) => number {
  let id = 0;
  return (bound) => (bound === 0x10000 ? id++ % bound : 0);
}

function socketsTo(port: number): Carriers {
  const carriers = createUdpSockets({
    upstream: { host: "127.0.0.1", port, family: 4 },
    limits: { expireMs: 60_000, maxAgeMs: 0, maxIdle: 0 },
    sourceAddress: undefined,
    random: predictable(),
    wheel: createTimerWheel(),
    onUse: () => undefined,
  });
  cleanups.push(() => carriers.close());
  return carriers;
}

type Sent = { readonly carrier: Carrier | undefined; readonly failure?: NetworkFailure };

/** Resolves with the socket that brought the reply, or with why there is none. */
const send = (carriers: Carriers, message: Buffer): Promise<Sent> =>
  new Promise((resolve) => {
    const onMessage = (waiter: Waiter): void => {
      const { carrier } = waiter;
      forget(waiter);
      resolve({ carrier });
    };
    const onFailure = (_: Waiter, failure: NetworkFailure): void => resolve({ carrier: undefined, failure });
    carriers.send(message, { id: 0, carrier: undefined, older: undefined, onMessage, onFailure });
  });

const unanswered = (): Waiter => ({
  ...{ id: 0, carrier: undefined, older: undefined },
  ...{ onMessage: () => undefined, onFailure: () => undefined },
});

const TOO_LONG = { reason: "message too long", cause: expect.stringContaining("send: message too long") };

describe("when sending fails", () => {
  test("all who wait on a socket whose upstream is gone are told at once, whichever message the kernel refuses", async () => {
    const server = await startTestUpstream({ zone: ["x.example. 60 A 192.0.2.1"] });
    const carriers = socketsTo(server.port);
    const used = new Set<Carrier | undefined>();
    for (let index = 0; index < SOCKETS; index++) used.add((await send(carriers, Buffer.from(QUESTION))).carrier);
    expect(used.size).toBe(SOCKETS);
    await server.close();
    const both = [send(carriers, Buffer.from(QUESTION)), send(carriers, Buffer.from(QUESTION))];
    const failures = (await Promise.all(both)).map(({ failure }) => failure?.reason);
    expect(failures).toEqual(["connection refused", "connection refused"]);
  });

  test("a message that the kernel does not take fails at once while its socket is being opened", async () => {
    const { failure } = await send(socketsTo(9), Buffer.alloc(70_000));
    expect(failure).toMatchObject(TOO_LONG);
  });

  test("a message that the kernel does not take fails at once on a socket that has heard nothing lately", async () => {
    const server = await startTestUpstream({ zone: [], behaviours: { "x.example.": { drop: true } } });
    cleanups.push(() => server.close());
    const carriers = socketsTo(server.port);
    const waiters = Array.from({ length: SOCKETS }, () => unanswered());
    for (const waiter of waiters) carriers.send(Buffer.from(QUESTION), waiter);
    await expect.poll(() => server.seen.length, { timeout: 5_000 }).toBe(SOCKETS);
    for (const waiter of waiters) forget(waiter);
    const { failure } = await send(carriers, Buffer.alloc(70_000));
    expect(failure).toMatchObject(TOO_LONG);
  });
});
