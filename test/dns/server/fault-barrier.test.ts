import { expect, test } from "vitest";
import type { Client } from "../../../src/dns/server/client.ts";
import { withFaultBarrier } from "../../../src/dns/server/fault-barrier.ts";
import { encodeQuery } from "../support/dns-client.ts";
import { replyText } from "../support/reply-text.ts";

const CLIENT: Client = { address: "10.0.0.1", family: 1, protocol: "udp" };
const QUESTION = encodeQuery({ name: "x.example", id: 4711 });

test.each([
  [
    "at once",
    () => {
      throw new Error("fault");
    },
  ],
  ["later", () => Promise.reject(new Error("fault"))],
] as const)("a fault that comes %s is SERVFAIL for the client, and reported", async (_when, faulty) => {
  const faults: unknown[] = [];
  const reply = await withFaultBarrier(faulty, (error) => faults.push(error))(QUESTION, CLIENT);
  expect(reply && replyText(reply)).toMatchObject({ id: 4711, rcode: "SERVFAIL", flags: ["qr", "rd", "ra"] });
  expect(faults).toEqual([new Error("fault")]);
});

test.each([
  ["a reply", Buffer.from("123481800000000000000000", "hex")],
  ["a stump", Buffer.from("1234", "hex")],
])("a fault over %s answers nothing", async (_what, message) => {
  const barrier = withFaultBarrier(
    () => Promise.reject(new Error("fault")),
    () => undefined,
  );
  expect(await barrier(message, CLIENT)).toBeUndefined();
});

test("without a fault the answer passes as it is", () => {
  const answer = Buffer.from("answer");
  expect(
    withFaultBarrier(
      () => answer,
      () => undefined,
    )(QUESTION, CLIENT),
  ).toBe(answer);
});
