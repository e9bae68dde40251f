import { createSocket, type Socket } from "node:dgram";
import { afterEach, expect, test } from "vitest";
import { encodeQuery } from "./support/dns-client.ts";
import { askDns, freePorts } from "./support/dns-process.ts";
import { titleOf } from "./support/dynamic-cases.ts";
import { replyText } from "./support/reply-text.ts";
import { serversOf, startTestResolver } from "./support/resolver.ts";
import { startTestUpstream } from "./support/test-upstream.ts";
import { claim, viewOf } from "./support/views.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

type Load = { readonly sent: number; readonly lost: number; readonly wrong: readonly string[] };

/** A question is lost when it has no answer after this; nothing is sent twice. */
const LOST_MILLISECONDS = 5_000;
/** Questions that one client has under way: enough for some 10 000 a second, too few to overrun a socket's buffer. */
const WINDOW = 64;
const CLIENTS = 4;

/**
 * Asks without pause, several clients with a window each, until `stop` gives what came of it. Names by turns: cached,
 * and egress.
 */
function startLoad(port: number): { readonly asked: () => number; readonly stop: () => Promise<Load> } {
  const expected = ["cached.example. A 192.0.2.1", "api.openai.com. A 10.96.10.10"];
  const questions = [encodeQuery({ name: "cached.example" }), encodeQuery({ name: "api.openai.com" })];
  const wrong: string[] = [];
  const waiting = new Map<string, number>();
  let sent = 0;
  let stopped = false;
  const ask = (socket: Socket, client: number): void => {
    const id = sent & 0xffff;
    const message = Buffer.from(questions[sent % 2] as Buffer);
    message.writeUInt16BE(id, 0);
    waiting.set(`${client} ${id}`, sent % 2);
    sent++;
    socket.send(message, port, "127.0.0.1");
  };
  const sockets = Array.from({ length: CLIENTS }, (_, client) => {
    const socket = createSocket({ type: "udp4", recvBufferSize: 1 << 20 });
    socket.on("message", (bytes) => {
      const key = `${client} ${bytes.readUInt16BE(0)}`;
      const which = waiting.get(key);
      waiting.delete(key);
      const answer = replyText(bytes)
        .answer.map((record) => record.replace(/ \d+ /, " "))
        .join();
      if (which === undefined || answer !== expected[which]) wrong.push(`${key} ${answer}`);
      if (!stopped) ask(socket, client);
    });
    cleanups.push(() => socket.close());
    return socket;
  });
  for (const [client, socket] of sockets.entries()) for (let one = 0; one < WINDOW; one++) ask(socket, client);
  return {
    asked: () => sent,
    async stop() {
      stopped = true;
      const lostAt = performance.now() + LOST_MILLISECONDS;
      while (waiting.size > 0 && performance.now() < lostAt) await new Promise((turn) => setTimeout(turn, 20));
      return { sent, lost: waiting.size, wrong: wrong.slice(0, 5) };
    },
  };
}

test(titleOf("DY-009"), async () => {
  const upstream = await startTestUpstream({ zone: ["cached.example. 300 A 192.0.2.1"] });
  cleanups.push(() => upstream.close());
  const [main = 0, more = 0] = await freePorts(2);
  const corefile = (lines: string, ...ports: readonly number[]): string =>
    `${ports.map((port) => `.:${port}`).join(" ")} {\nbind 127.0.0.1\nsluice\ncache 300\n${lines}\nforward . 127.0.0.1:${upstream.port}\n}`;
  const resolver = await startTestResolver([], {
    corefile: corefile("", main),
    listen: "corefile",
    workers: 2,
    view: viewOf(claim("api.openai.com")),
  });
  cleanups.push(() => resolver.close());
  // Each worker has a cache of its own.
  const warm = async () => {
    for (let turn = 0; turn < 20; turn++) await askDns({ name: "cached.example" }, { port: main });
    return upstream.seen.length;
  };
  await expect.poll(warm).toBe(2);
  const load = startLoad(main);
  const startedAt = performance.now();
  for (let turn = 0; turn < 10; turn++) {
    const [lines, ports] = turn % 2 === 0 ? ["log nothing.example", [main, more]] : ["", [main]];
    await resolver.reload(serversOf(corefile(lines as string, ...(ports as number[]))));
    if (turn % 2 === 0) expect((await askDns({ name: "api.openai.com" }, { port: more })).rcode).toBe("NOERROR");
    const asked = load.asked();
    await expect.poll(() => load.asked(), { timeout: 10_000 }).toBeGreaterThan(asked + 5_000);
  }
  const perSecond = (load.asked() / (performance.now() - startedAt)) * 1_000;
  const { sent, lost, wrong } = await load.stop();
  expect({ lost, wrong }, `${sent} questions, ${Math.round(perSecond)} a second`).toEqual({ lost: 0, wrong: [] });
  expect(sent).toBeGreaterThan(50_000);
  expect(upstream.seen.map(({ name }) => name)).toEqual(["cached.example.", "cached.example."]);
}, 60_000);
