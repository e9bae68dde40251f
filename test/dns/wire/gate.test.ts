import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rcodeName } from "../../../src/dns/wire/codes.ts";
import { gate } from "../../../src/dns/wire/gate.ts";
import { writeRefusal } from "../../../src/dns/wire/reply.ts";
import { encodeQuery } from "../support/dns-client.ts";
import { referenceGate } from "../support/reference-gate.ts";

const A_OPENAI = encodeQuery({ name: "api.openai.com" });
const WITH_EDNS = encodeQuery({ name: "API.openai.com", type: "AAAA", edns: { size: 4096, do: true } });

const patched = (message: Buffer, ...patches: readonly (readonly [number, number])[]): Buffer => {
  const copy = Buffer.from(message);
  for (const [offset, octet] of patches) copy[offset] = octet;
  return copy;
};

const verdictOf = (message: Buffer): string => {
  const gated = gate(message);
  return gated.verdict === "refuse" ? rcodeName(gated.refusal.rcode) : gated.verdict;
};

describe("header gate", () => {
  test.each([
    ["a question", A_OPENAI, "question"],
    ["a question with EDNS", WITH_EDNS, "question"],
    ["nothing", Buffer.alloc(0), "drop"],
    ["eleven octets", A_OPENAI.subarray(0, 11), "drop"],
    ["a reply", patched(A_OPENAI, [2, 0x81]), "drop"],
    ["a reply with a bad opcode", patched(A_OPENAI, [2, 0xa9]), "drop"],
    ["a header without a question", A_OPENAI.subarray(0, 12), "FORMERR"],
    ["no question counted", patched(A_OPENAI, [5, 0]), "FORMERR"],
    ["two questions counted", patched(A_OPENAI, [5, 2]), "FORMERR"],
    ["a cut name", A_OPENAI.subarray(0, 20), "FORMERR"],
    ["a question without class", A_OPENAI.subarray(0, A_OPENAI.length - 2), "FORMERR"],
    ["a pointer as name", patched(A_OPENAI, [12, 0xc0]), "FORMERR"],
    ["a reserved label type", patched(A_OPENAI, [12, 0x43]), "FORMERR"],
    ["a label of 64", patched(A_OPENAI, [12, 64]), "FORMERR"],
    ["a counted record that is missing", patched(A_OPENAI, [11, 1]), "FORMERR"],
    ["65535 counted records", patched(A_OPENAI, [10, 0xff], [11, 0xff]), "FORMERR"],
    ["class CH", patched(A_OPENAI, [A_OPENAI.length - 1, 3]), "question"],
    ["class 0", patched(A_OPENAI, [A_OPENAI.length - 1, 0]), "question"],
    ["class 511", patched(A_OPENAI, [A_OPENAI.length - 2, 1], [A_OPENAI.length - 1, 255]), "question"],
    ["class NONE", patched(A_OPENAI, [A_OPENAI.length - 1, 254]), "REFUSED"],
    ["class ANY", patched(A_OPENAI, [A_OPENAI.length - 1, 255]), "REFUSED"],
    ["AXFR", encodeQuery({ name: "example.org", type: "AXFR" }), "REFUSED"],
    ["IXFR", encodeQuery({ name: "example.org", type: "IXFR" }), "REFUSED"],
    ["OPT as a question", encodeQuery({ name: ".", type: "OPT" }), "FORMERR"],
    ["EDNS version 1", encodeQuery({ name: "example.org", edns: { version: 1 } }), "BADVERS"],
    ["NOTIFY", encodeQuery({ name: "example.org", opcode: "NOTIFY" }), "NOTIMP"],
    ["UPDATE", encodeQuery({ name: "example.org", opcode: "UPDATE" }), "NOTIMP"],
    ["IQUERY", encodeQuery({ name: "example.org", opcode: "IQUERY" }), "NOTIMP"],
    ["a stateful operation (opcode 6)", patched(A_OPENAI, [2, 0x30]), "NOTIMP"],
    ["trailing octets", Buffer.concat([A_OPENAI, Buffer.from("deadbeef", "hex")]), "question"],
  ])("%s: %#", (_what, message, verdict) => {
    expect(verdictOf(message)).toBe(verdict);
  });

  test("a question is read in place: name folded, type, EDNS", () => {
    const gated = gate(WITH_EDNS);
    expect(gated).toMatchObject({
      verdict: "question",
      query: {
        id: 0x1234,
        key: "\x03api\x06openai\x03com",
        type: 28,
        class: 1,
        questionEnd: 32,
        edns: { udpSize: 4096, dnssecOk: true },
      },
    });
  });

  test("an EDNS size below 512 counts as 512", () => {
    const gated = gate(encodeQuery({ name: "example.org", edns: { size: 100 } }));
    expect(gated).toMatchObject({ query: { edns: { udpSize: 512 } } });
  });

  test("the longest name is accepted, one octet more is not", () => {
    const longest = `${"abc.".repeat(63)}a`;
    expect(verdictOf(encodeQuery({ name: longest }))).toBe("question");
    const message = encodeQuery({ name: longest });
    const longer = Buffer.concat([message.subarray(0, 12), Buffer.from("\x01b", "latin1"), message.subarray(12)]);
    expect(verdictOf(longer)).toBe("FORMERR");
  });
});

const anyOctets = fc.uint8Array({ maxLength: 600 }).map((octets) => Buffer.from(octets));
const mutated = fc
  .tuple(
    fc.constantFrom(A_OPENAI, WITH_EDNS),
    fc.array(fc.tuple(fc.nat(50), fc.nat(255)), { maxLength: 6 }),
    fc.nat(60),
  )
  .map(([message, patches, cut]) => {
    const inside = patches.filter(([offset]) => offset < message.length);
    return patched(message, ...inside).subarray(0, cut > 50 ? message.length : Math.max(cut, 1));
  });

/** Records behind a question, OPT among them, most of them sound. */
const record = fc
  .record({
    owner: fc.constantFrom("00", "0161c00c", "c00c", "016100", "41"),
    type: fc.constantFrom("0001", "0029", "0029"),
    size: fc.constantFrom("0000", "0200", "04d0", "ffff"),
    ttl: fc.constantFrom("00000000", "00008000", "00010000", "01000000"),
    data: fc.constantFrom("0000", "0001aa", "0004", "ffff"),
  })
  .map(({ owner, type, size, ttl, data }) => Buffer.from(`${owner}${type}${size}${ttl}${data}`, "hex"));
const question = fc
  .record({
    labels: fc.array(fc.uint8Array({ minLength: 1, maxLength: 64 }), { maxLength: 5 }),
    type: fc.constantFrom(1, 28, 41, 65, 251, 252, 255),
    class: fc.constantFrom(0, 1, 3, 4, 254, 255),
    counts: fc.tuple(fc.constantFrom(1, 1, 1, 0, 2), fc.nat(1), fc.nat(1), fc.nat(2)),
    records: fc.array(record, { maxLength: 4 }),
  })
  .map(({ labels, type, class: klass, counts, records }) =>
    Buffer.concat([
      Buffer.from([0xab, 0xcd, 1, 0, ...counts.flatMap((count) => [0, count])]),
      ...labels.map((label) => Buffer.from([label.length, ...label])),
      Buffer.from([0, type >> 8, type & 0xff, 0, klass]),
      ...records,
    ]),
  );

const plainVerdict = (message: Buffer): object => {
  const gated = gate(message);
  if (gated.verdict !== "refuse") return gated;
  return { verdict: "refuse", ...gated.refusal };
};

describe("laws of the gate", () => {
  test("it says what plain and slow rules say, of any octets, and says it again", () => {
    fc.assert(
      fc.property(fc.oneof(anyOctets, mutated, question), (message) => {
        const expected = referenceGate(message);
        for (let time = 0; time < 3; time++) expect(plainVerdict(message)).toEqual(expected);
      }),
      { numRuns: 5_000 },
    );
  });

  test("any octets have a verdict, and a reply or a stump is never answered", () => {
    fc.assert(
      fc.property(fc.oneof(anyOctets, mutated), (message) => {
        const { verdict } = gate(message);
        if (message.length < 12 || (message[2] as number) >= 0x80) expect(verdict).toBe("drop");
        else expect(verdict).not.toBe("drop");
      }),
      { numRuns: 3_000 },
    );
  });

  test("a refusal reflects nothing but the ID and a sound question", () => {
    fc.assert(
      fc.property(fc.oneof(anyOctets, mutated), (message) => {
        const gated = gate(message);
        if (gated.verdict !== "refuse") return;
        const out = Buffer.alloc(512);
        const length = writeRefusal(out, message, gated.refusal);
        expect(out.readUInt16BE(0)).toBe(message.readUInt16BE(0));
        expect((out[2] as number) & 0x80).toBe(0x80);
        expect(length).toBeLessThanOrEqual((gated.refusal.query?.questionEnd ?? 12) + 11);
        expect([out.readUInt16BE(6), out.readUInt16BE(8)]).toEqual([0, 0]);
      }),
      { numRuns: 2_000 },
    );
  });
});
