import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gate, type Query } from "../../../src/dns/wire/gate.ts";
import { type RecordBlock, writeLocalAnswer } from "../../../src/dns/wire/reply.ts";
import { encodeQuery, type TestQuery } from "../support/dns-client.ts";
import { replyText } from "../support/reply-text.ts";

/** Addresses 10.0.0.0, 10.0.0.1, ... */
const addresses = (count: number, stride = 16): RecordBlock => ({
  bytes: Uint8Array.from({ length: 16 * count }, (_, at) =>
    at % 16 === 15 ? Math.floor(at / 16) : ([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 10, 0, 0][at % 16] ?? 0),
  ),
  count,
  stride,
});

function asked(query: TestQuery): { message: Buffer; query: Query } {
  const message = encodeQuery(query);
  const gated = gate(message);
  if (gated.verdict !== "question") throw new Error("refused");
  return { message, query: gated.query };
}

const lastOctets = (bytes: Buffer, from: number, count: number): (number | undefined)[] =>
  Array.from({ length: count }, (_, index) => bytes[from + 16 * index + 15]);

describe("a local answer", () => {
  test("has the addresses that fit, from the one whose turn it is, and nothing behind its end is touched", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(1_000), fc.boolean(), (count, turn, edns) => {
        const { message, query } = asked({ name: "API.openai.com", edns: edns ? { do: true } : null });
        const out = Buffer.alloc(2_048, 0xee);
        const length = writeLocalAnswer(out, message, query, { rcode: 0, answer: addresses(count) }, 512, turn);
        const fitting = Math.min(count, Math.floor((512 - query.questionEnd - (edns ? 11 : 0)) / 16));
        expect(length).toBe(query.questionEnd + 16 * fitting + (edns ? 11 : 0));
        expect(out.readUInt16BE(6)).toBe(fitting);
        const expected = Array.from({ length: fitting }, (_, index) => (turn + index) % count);
        expect(lastOctets(out, query.questionEnd, fitting)).toEqual(expected);
        expect(out.subarray(12, query.questionEnd)).toEqual(message.subarray(12, query.questionEnd));
        expect(out.subarray(length).every((octet) => octet === 0xee)).toBe(true);
      }),
    );
  });

  test("without room for one address says so by its count", () => {
    const { message, query } = asked({ name: "x.example" });
    const out = Buffer.alloc(512);
    expect(writeLocalAnswer(out, message, query, { rcode: 0, answer: addresses(2) }, 20, 0)).toBe(query.questionEnd);
    expect(out.readUInt16BE(6)).toBe(0);
  });

  test("is read by others as it was meant", () => {
    const { message, query } = asked({ name: "x.example", edns: { do: true } });
    const out = Buffer.alloc(512);
    const length = writeLocalAnswer(out, message, query, { rcode: 0, answer: addresses(3) }, 512, 1);
    expect(replyText(out.subarray(0, length))).toMatchObject({
      id: 0x1234,
      rcode: "NOERROR",
      answer: [1, 2, 0].map((last) => expect.stringContaining(`10.0.0.${last}`)),
    });
  });

  test("that does not fit its memory is a fault, not a wrong answer", () => {
    const { message, query } = asked({ name: "x.example" });
    const block = addresses(40, 0);
    expect(() => writeLocalAnswer(Buffer.alloc(512), message, query, { rcode: 0, answer: block }, 512, 0)).toThrow(
      RangeError,
    );
  });
});
