import { afterEach, describe, expect, test } from "vitest";
import type { Client } from "../../../src/dns/server/client.ts";
import type { Answerer, Respond } from "../../../src/dns/server/respond.ts";
import { startUdp } from "../../../src/dns/server/udp.ts";
import { askUdp, encodeQuery } from "../support/dns-client.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function listen(answer: Answerer, host = "127.0.0.1") {
  const listener = await startUdp({ host, port: 0, shared: false }, answer);
  cleanups.push(() => listener.close());
  return listener;
}

const question = (id: number): Buffer => encodeQuery({ name: "x.example", id });

describe("UDP", () => {
  test.each(["127.0.0.1", "127.0.0.2", "::1"])("a client of %s is answered, and known by its address", async (host) => {
    const clients: Client[] = [];
    const { port } = await listen((message, client, respond) => {
      clients.push(client);
      respond(client, message);
    }, host);
    expect(await askUdp(question(7), { port, host })).toEqual(question(7));
    const source = host === "::1" ? "::1" : "127.0.0.1";
    expect(clients).toMatchObject([{ address: source, source, protocol: "udp", local: host }]);
  });

  test("an IPv4 client of a socket for both families is answered, and known by its IPv4 address", async () => {
    const clients: Client[] = [];
    const { port } = await listen((message, client, respond) => {
      clients.push(client);
      respond(client, message);
    }, "::");
    expect(await askUdp(question(7), { port })).toEqual(question(7));
    expect(clients).toMatchObject([{ address: "127.0.0.1", family: 1, source: "::ffff:127.0.0.1" }]);
  });

  test("answers are sent as they were when they were given, though their memory is used again", async () => {
    const memory = Buffer.alloc(512);
    const { port } = await listen((message, client, respond) => {
      message.copy(memory);
      respond(client, memory.subarray(0, message.length));
      memory.fill(0xff);
    });
    const ids = Array.from({ length: 50 }, (_, id) => id);
    const answers = await Promise.all(ids.map((id) => askUdp(question(id), { port })));
    expect(answers.map((bytes) => bytes?.readUInt16BE(0))).toEqual(ids);
  });

  test("a question counts as pending until it is responded to, by an answer or by nothing", async () => {
    const held: (() => void)[] = [];
    const later = (respond: Respond, client: Client, bytes?: Buffer) => held.push(() => respond(client, bytes));
    const listener = await listen((message, client, respond) => {
      if (message[1] === 1) later(respond, client, message);
      else later(respond, client);
    });
    const { port } = listener;
    const first = askUdp(question(1), { port });
    await expect.poll(() => listener.pending()).toBe(1);
    const second = askUdp(question(2), { port, timeoutMilliseconds: 50 });
    await expect.poll(() => listener.pending()).toBe(2);
    for (const release of held) release();
    expect(listener.pending()).toBe(0);
    expect([await first, await second]).toEqual([question(1), undefined]);
  });

  test("what is answered after the end is not sent, and breaks nothing", async () => {
    const held: (() => void)[] = [];
    const listener = await startUdp({ host: "127.0.0.1", port: 0, shared: false }, (message, client, respond) => {
      held.push(() => respond(client, message));
    });
    const asked = askUdp(question(1), { port: listener.port, timeoutMilliseconds: 50 });
    await expect.poll(() => held.length).toBe(1);
    await listener.close();
    held[0]?.();
    expect(await asked).toBeUndefined();
  });
});
