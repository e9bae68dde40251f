import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type Client, clientOf } from "../../../src/dns/server/client.ts";
import type { Answerer } from "../../../src/dns/server/respond.ts";
import { DEFAULT_TCP_LIMITS, startTcp, type TcpLimits, type TcpListener } from "../../../src/dns/server/tcp.ts";
import { openConnection } from "../../../src/dns/server/tcp-connection.ts";
import { askTcp, encodeQuery, framed } from "../support/dns-client.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** An answerer that waits: each question is answered when the test says so. */
function createHeld() {
  const held: (() => void)[] = [];
  let most = 0;
  const answer: Answerer = (message, client, respond) => {
    held.push(() => respond(client, message));
    most = Math.max(most, held.length);
  };
  return { answer, held, most: () => most };
}

async function listen(answer: Answerer, limits: Partial<TcpLimits> = {}): Promise<TcpListener> {
  const listener = await startTcp(
    { host: "127.0.0.1", port: 0, shared: false, tcpLimits: { ...DEFAULT_TCP_LIMITS, ...limits } },
    answer,
  );
  cleanups.push(() => listener.close());
  return listener;
}

const echo: Answerer = (message, client, respond) => respond(client, message);

function open(port: number): Promise<{ socket: Socket; closed: Promise<void> }> {
  const socket = connect({ port, host: "127.0.0.1" });
  cleanups.push(() => socket.destroy());
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  socket.resume();
  return new Promise((resolve) => socket.on("connect", () => resolve({ socket, closed })));
}

const question = (id: number): Buffer => framed(encodeQuery({ name: "x.example", id }));

describe("TCP", () => {
  test("the client is known by its address and port, and by the address that it asked", async () => {
    const clients: Client[] = [];
    const { port } = await listen((message, client, respond) => {
      clients.push(client);
      respond(client, message);
    });
    const { socket } = await open(port);
    socket.write(question(1));
    await expect.poll(() => clients).toHaveLength(1);
    expect(clients[0]).toEqual(clientOf("127.0.0.1", socket.localPort ?? 0, "tcp", "127.0.0.1"));
  });

  test("questions on one connection are answered in the order in which answers come", async () => {
    const { answer, held } = createHeld();
    const { port } = await listen(answer);
    const answers = askTcp([Buffer.concat([question(1), question(2), question(3)])], 3, { port });
    await expect.poll(() => held.length).toBe(3);
    for (const release of held.toReversed()) release();
    expect((await answers).map((bytes) => bytes.readUInt16BE(0))).toEqual([3, 2, 1]);
  });

  test("no more than the allowed number is under way at once, and all are answered", async () => {
    const { answer, held, most } = createHeld();
    const { port } = await listen(answer, { maxOutstanding: 2 });
    const answers = askTcp([Buffer.concat([1, 2, 3, 4, 5].map(question))], 5, { port });
    for (let done = 0; done < 5; done++) {
      await expect.poll(() => held.length).toBeGreaterThan(0);
      held.shift()?.();
    }
    expect(await answers).toHaveLength(5);
    expect(most()).toBe(2);
  });

  test("a client that has said all still gets its answers", async () => {
    const { answer, held } = createHeld();
    const { port } = await listen(answer);
    const { socket, closed } = await open(port);
    const received: Buffer[] = [];
    socket.on("data", (chunk) => received.push(chunk));
    socket.end(question(7));
    await expect.poll(() => held.length).toBe(1);
    held[0]?.();
    await closed;
    expect(Buffer.concat(received).readUInt16BE(2)).toBe(7);
  });

  test.each([
    ["says nothing", undefined, { readMilliseconds: 50 }],
    ["stops within a message", Buffer.from([0, 40, 1]), { readMilliseconds: 50 }],
    ["asks and then says nothing", question(1), { readMilliseconds: 60_000, idleMilliseconds: 50 }],
    [
      "asks and then stops within a message",
      Buffer.concat([question(1), Buffer.of(0, 40, 1)]),
      { idleMilliseconds: 50 },
    ],
    ["sends less than a header", Buffer.from("0003123401", "hex"), {}],
  ] as const)("a client that %s is cut off", async (_what, bytes, limits) => {
    const { port } = await listen(echo, limits);
    const { socket, closed } = await open(port);
    if (bytes !== undefined) socket.write(bytes);
    await closed;
  });

  test("one octet now and then does not keep a connection", async () => {
    const { port } = await listen(echo, { readMilliseconds: 80 });
    const { socket, closed } = await open(port);
    const drip = setInterval(() => socket.write(Buffer.from([0])), 20);
    cleanups.push(() => clearInterval(drip));
    socket.write(Buffer.from([0xff]));
    await closed;
  });

  test("a client that asks and does not read is cut off", async () => {
    const large = Buffer.alloc(60_000);
    const { port } = await listen((_message, client, respond) => respond(client, large));
    const { socket, closed } = await open(port);
    socket.pause();
    for (let id = 0; id < 500; id++) socket.write(question(id));
    await expect.poll(() => socket.destroyed || socket.writableLength === 0).toBe(true);
    socket.resume();
    await closed;
  });

  test("a client that does not take an answer in time is cut off, however short it is", async () => {
    const answer: Answerer = (_message, client, respond) => respond(client, Buffer.alloc(10_000));
    const limits = { ...DEFAULT_TCP_LIMITS, writeMilliseconds: 50, idleMilliseconds: 60_000 };
    const accepted: Socket[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      openConnection(socket, { answer, limits });
      accepted.push(socket);
    });
    cleanups.push(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { socket, closed } = await open((server.address() as AddressInfo).port);
    socket.pause();
    // Only until the kernel takes no more: what is left over is far less than is cut off at once.
    const ask = setInterval(() => {
      if (accepted[0]?.writableLength === 0) socket.write(question(1));
    }, 1);
    cleanups.push(() => clearInterval(ask));
    await closed;
    expect(accepted[0]?.writableLength).toBeLessThan(100_000);
  });

  test("the last question that a connection may ask is answered, and the next is not", async () => {
    const { port } = await listen(echo, { maxQuestions: 2 });
    const answers = await askTcp([Buffer.concat([1, 2, 3].map(question))], 3, { port });
    expect(answers.map((bytes) => bytes.readUInt16BE(0))).toEqual([1, 2]);
  });

  test("new limits hold for open connections", async () => {
    const listener = await listen(echo, { readMilliseconds: 60_000 });
    const { closed } = await open(listener.port);
    listener.setLimits({ ...DEFAULT_TCP_LIMITS, readMilliseconds: 50 });
    await closed;
  });

  test("new limits hold for new connections", async () => {
    const listener = await listen(echo);
    listener.setLimits({ ...DEFAULT_TCP_LIMITS, maxConnections: 1 });
    const first = await open(listener.port);
    await (await open(listener.port)).closed;
    expect(first.socket.destroyed).toBe(false);
  });

  test("a question that gets nothing keeps neither the connection nor the count", async () => {
    const listener = await listen((_message, client, respond) => respond(client, undefined), { idleMilliseconds: 50 });
    const { socket, closed } = await open(listener.port);
    socket.write(question(1));
    await closed;
    expect(listener.pending()).toBe(0);
  });

  test("thousands of questions written at once are all answered", async () => {
    const { port } = await listen(echo);
    const ids = Array.from({ length: 3_000 }, (_, id) => id);
    const answers = await askTcp([Buffer.concat(ids.map(question))], ids.length, { port });
    expect(answers.map((bytes) => bytes.readUInt16BE(0))).toEqual(ids);
  });

  test("a question that comes octet by octet is answered", async () => {
    const { port } = await listen(echo);
    const octets = [...Buffer.concat([question(1), question(2)])].map((octet) => Buffer.of(octet));
    expect(await askTcp(octets, 2, { port })).toEqual([question(1).subarray(2), question(2).subarray(2)]);
  });

  test("connections above the limit are closed, and room is made by those that go", async () => {
    const { port } = await listen(echo, { maxConnections: 1 });
    const first = await open(port);
    await (await open(port)).closed;
    first.socket.destroy();
    await expect.poll(async () => (await askTcp([question(9)], 1, { port, timeoutMilliseconds: 500 })).length).toBe(1);
  });

  test("draining takes nobody new and ends open connections when their answers are out", async () => {
    const { answer, held } = createHeld();
    const listener = await listen(answer);
    const answers = askTcp([question(1)], 1, { port: listener.port });
    await expect.poll(() => listener.pending()).toBe(1);
    listener.drain();
    expect(await askTcp([question(2)], 1, { port: listener.port })).toEqual([]);
    held[0]?.();
    expect(await answers).toHaveLength(1);
  });
});
