import { connect as connectTcp } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { JSON_TYPE, send } from "./client.ts";
import { reviewOf } from "./reviews.ts";
import { type Started, start } from "./started.ts";

describe("whoever else finds the port", () => {
  let started: Started;
  beforeAll(async () => {
    started = await start();
  });
  afterAll(() => started.admission.close());

  const stillServes = async () => {
    const options = { port: started.admission.port, path: "/mutate", headers: JSON_TYPE, agent: false, ca: started.ca };
    const { status, json } = await send(options as never, JSON.stringify(reviewOf()));
    expect([status, json.response.allowed]).toEqual([200, true]);
  };

  test.each([
    ["plain HTTP", "POST /mutate HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["nothing like TLS", "\u0000\u0001\u0002".repeat(100)],
  ])("T1: sends %s and is hung up on", async (_, bytes) => {
    const socket = connectTcp(started.admission.port, "127.0.0.1");
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.on("error", () => undefined).resume();
    socket.write(bytes);
    await closed;
    await stillServes();
    expect(await started.metrics.print()).toMatch(/sluice_admission_tls_handshake_errors_total [1-9]/);
  });

  const overTls = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket: TLSSocket = connectTls({ host: "127.0.0.1", port: started.admission.port, ca: started.ca });
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("error", reject);
      socket.on("close", () => resolve(text));
      socket.write(bytes);
    });

  test.each([
    ["no HTTP", "hello\r\n\r\n"],
    ["two lengths", "POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"],
    [
      "a length and chunks",
      "POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
  ])("sends %s over TLS and gets 400", async (_, bytes) => {
    expect(await overTls(bytes)).toMatch(/^HTTP\/1\.1 400 /);
    await stillServes();
  });

  test("sends headers without end and gets 431", async () => {
    expect(await overTls(`POST /mutate HTTP/1.1\r\nx: ${"a".repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    await stillServes();
  });

  test("leaves in the middle of a body", async () => {
    const socket = connectTls({ host: "127.0.0.1", port: started.admission.port, ca: started.ca });
    socket.on("error", () => undefined);
    socket.write("POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{");
    await expect.poll(() => started.metrics.print()).toContain("sluice_admission_in_flight 1");
    socket.destroy();
    await expect.poll(() => started.metrics.print()).toContain("sluice_admission_in_flight 0");
    await stillServes();
  });
});
