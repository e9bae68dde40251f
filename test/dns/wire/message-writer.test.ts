import { type Answer, decode, encode } from "dns-packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createMessageWriter,
  writeChangedRecord,
  writeQuestion,
  writeRecord,
} from "../../../src/dns/wire/message-writer.ts";
import { readMessage } from "../../../src/dns/wire/records.ts";
import { replyText } from "../support/reply-text.ts";

const host = fc
  .array(fc.stringMatching(/^[a-z0-9]{1,8}$/), { minLength: 1, maxLength: 4 })
  .map((labels) => [...labels, "example"].join("."));

const record = fc.oneof(
  fc.record({ type: fc.constant("A" as const), name: host, ttl: fc.nat(600), data: fc.ipV4() }),
  fc.record({ type: fc.constant("CNAME" as const), name: host, ttl: fc.nat(600), data: host }),
  fc.record({
    type: fc.constant("MX" as const),
    name: host,
    ttl: fc.nat(600),
    data: fc.record({ preference: fc.nat(100), exchange: host }),
  }),
  fc.record({
    type: fc.constant("SRV" as const),
    name: host,
    ttl: fc.nat(600),
    data: fc.record({ priority: fc.nat(9), weight: fc.nat(9), port: fc.nat(9), target: host }),
  }),
  fc.record({
    type: fc.constant("SOA" as const),
    name: host,
    ttl: fc.nat(600),
    data: fc.record({
      mname: host,
      rname: host,
      serial: fc.nat(99),
      refresh: fc.nat(99),
      retry: fc.nat(99),
      expire: fc.nat(99),
      minimum: fc.nat(99),
    }),
  }),
) as fc.Arbitrary<Answer>;

const message = fc.record({ question: host, answers: fc.array(record, { maxLength: 8 }), keep: fc.nat(255) });

describe("rebuilt messages", () => {
  test("the kept records are the same to another codec, whatever was left out", () => {
    fc.assert(
      fc.property(message, ({ question, answers, keep }) => {
        const bytes = encode({ type: "response", id: 7, questions: [{ type: "A", name: question }], answers });
        const read = readMessage(bytes);
        if (read === undefined) throw new Error("our reader refuses a good message");
        const kept = read.records.filter((_, index) => ((keep >> index) & 1) === 1);
        const writer = createMessageWriter();
        writeQuestion(writer, bytes, read.questionEnd);
        for (const one of kept) expect(writeRecord(writer, bytes, one)).toBe(true);
        writer.bytes.writeUInt16BE(kept.length, 6);
        const before = replyText(bytes).answer.filter((_, index) => ((keep >> index) & 1) === 1);
        expect(replyText(writer.bytes.subarray(0, writer.length)).answer).toEqual(before);
      }),
      { numRuns: 300 },
    );
  });

  test("owner, value and TTL become what was said, and nothing else changes, to another codec", () => {
    const renamed = (name: string): string => `new.${name}`;
    /** The same change, made by hand on what another codec reads. */
    function expected(one: Answer): Answer {
      const changed = { ...one, name: renamed(one.name), ttl: 7 } as Answer & { data: unknown };
      if (changed.type === "CNAME") return { ...changed, data: renamed(changed.data) };
      if (changed.type === "MX")
        return { ...changed, data: { ...changed.data, exchange: renamed(changed.data.exchange) } };
      if (changed.type === "SRV")
        return { ...changed, data: { ...changed.data, target: renamed(changed.data.target) } };
      if (changed.type === "SOA") return { ...changed, data: { ...changed.data, mname: renamed(changed.data.mname) } };
      return changed;
    }
    fc.assert(
      fc.property(message, ({ question, answers }) => {
        const questions = [{ type: "A" as const, name: question }];
        const bytes = encode({ type: "response", id: 7, questions, answers });
        const wanted = encode({ type: "response", id: 7, questions, answers: answers.map(expected) });
        const read = readMessage(bytes);
        if (read === undefined) throw new Error("our reader refuses a good message");
        const writer = createMessageWriter();
        writeQuestion(writer, bytes, read.questionEnd);
        const rename = (raw: string): string => `\x03new${raw}`;
        for (const one of read.records) {
          expect(writeChangedRecord(writer, bytes, one, { owner: rename, value: rename, ttlSeconds: 7 })).toBe(true);
        }
        expect(replyText(writer.bytes.subarray(0, writer.length)).answer).toEqual(replyText(wanted).answer);
      }),
      { numRuns: 200 },
    );
  });

  test("names are compressed again", () => {
    const answers: Answer[] = ["a", "b"].map((data) => ({
      type: "CNAME",
      name: `${data}.long.example`,
      data: "x.long.example",
    }));
    const bytes = encode({ type: "response", questions: [{ type: "A", name: "www.long.example" }], answers });
    const read = readMessage(bytes);
    const writer = createMessageWriter();
    writeQuestion(writer, bytes, read?.questionEnd ?? 0);
    for (const one of read?.records ?? []) writeRecord(writer, bytes, one);
    // Question 22 + header 12, then owner 4 + fixed 10 + target 4, then owner 4 + fixed 10 + pointer 2.
    expect(writer.length).toBe(12 + 22 + 18 + 16);
  });

  test("a record whose data is not what its type says is refused, and leaves nothing behind", () => {
    const bytes = encode({
      type: "response",
      questions: [{ type: "A", name: "a.example" }],
      answers: [{ type: "CNAME", name: "a.example", data: "b.c" }],
    });
    const broken = Buffer.from(bytes);
    broken[broken.length - 5] = 0x3f;
    const read = readMessage(broken);
    const writer = createMessageWriter();
    writeQuestion(writer, broken, read?.questionEnd ?? 0);
    const before = writer.length;
    expect(read?.records.map((one) => writeRecord(writer, broken, one))).toEqual([false]);
    expect(writer.length).toBe(before);
  });
});

describe("reading messages", () => {
  test("any octets are a message or not, without an exception, and its records are the counted ones", () => {
    const good = encode({
      type: "response",
      questions: [{ type: "A", name: "a.example" }],
      answers: [{ type: "A", name: "a.example", data: "10.0.0.1" }],
    });
    const mutated = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 5 }).map((patches) => {
      const copy = Buffer.from(good);
      for (const [offset, octet] of patches) copy[offset] = octet;
      return copy;
    });
    const random = fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets));
    fc.assert(
      fc.property(fc.oneof(mutated, random), (bytes) => {
        const read = readMessage(bytes);
        if (read === undefined) return;
        const counted = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
        expect(read.records.length).toBeLessThanOrEqual(counted);
        for (const one of read.records) expect(one.end).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 2_000 },
    );
  });

  test("an OPT at the end is left out, and what stands before it is one piece", () => {
    const opt = { type: "OPT", name: ".", udpPayloadSize: 1232, flags: 0, options: [] } as unknown as Answer;
    const bytes = encode({ type: "response", questions: [{ type: "A", name: "a.example" }], additionals: [opt] });
    expect(readMessage(bytes)).toMatchObject({ records: [], plainEnd: bytes.length - 11 });
    const other: Answer = { type: "A", name: "b.example", data: "10.0.0.1" };
    const behind = encode({
      type: "response",
      questions: [{ type: "A", name: "a.example" }],
      additionals: [opt, other],
    });
    expect(readMessage(behind)).toMatchObject({ plainEnd: -1, records: [{ type: 1 }] });
    const twice = encode({ type: "response", questions: [{ type: "A", name: "a.example" }], additionals: [opt, opt] });
    expect(readMessage(twice)).toMatchObject({ plainEnd: -1, records: [] });
  });

  test("a TTL with its highest bit set counts as zero", () => {
    const bytes = encode({
      type: "response",
      questions: [{ type: "A", name: "a.example" }],
      answers: [{ type: "A", name: "a.example", ttl: 0x80000001, data: "10.0.0.1" }],
    });
    expect(decode(bytes).answers).toHaveLength(1);
    expect(readMessage(bytes)?.records[0]?.ttlSeconds).toBe(0);
  });
});
