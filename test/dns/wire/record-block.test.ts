import { expect, test } from "vitest";
import { recordBlock } from "../../../src/dns/wire/record-block.ts";

const HEAD = "c00c001000030000003c";

test("records point at the question and may take turns when their data is of one length", () => {
  const block = recordBlock({ type: 16, class: 3, ttlSeconds: 60, data: [Uint8Array.of(1, 97), Uint8Array.of(1, 98)] });
  expect(Buffer.from(block.bytes).toString("hex")).toBe(`${HEAD}00020161${HEAD}00020162`);
  expect(block).toMatchObject({ count: 2, stride: 14 });
});

test("records of several lengths stay as they are", () => {
  const block = recordBlock({ type: 16, class: 3, ttlSeconds: 60, data: [Uint8Array.of(0), Uint8Array.of(1, 98)] });
  expect(Buffer.from(block.bytes).toString("hex")).toBe(`${HEAD}000100${HEAD}00020162`);
  expect(block).toMatchObject({ count: 2, stride: 0 });
});
