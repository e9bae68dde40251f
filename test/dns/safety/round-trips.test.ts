import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createReport } from "../../../src/dns/corefile/diagnostic.ts";
import { lexCorefile } from "../../../src/dns/corefile/lex.ts";
import { createEntry, liveAnswer, remainingSeconds } from "../../../src/dns/directives/cache/entry.ts";
import { composeMessage, type Piece } from "../../../src/dns/pipeline/compose.ts";
import { expandName, foldKey, nameText, parseName } from "../../../src/dns/wire/name.ts";
import { parseRecord } from "../../../src/dns/wire/presentation.ts";
import { readMessage, type WireMessage } from "../../../src/dns/wire/records.ts";
import { upstreamAnswer } from "../support/answers.ts";
import { delivered, exchangeOf } from "../support/exchange.ts";
import { type BuiltRecord, buildMessage, type Compression, type DataPiece } from "../support/message-builder.ts";

const u16 = (...values: readonly number[]): Buffer =>
  Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]));

const label = fc.oneof(
  fc.constantFrom("a", "B", "api", "Example", "com"),
  fc.uint8Array({ minLength: 1, maxLength: 12 }).map((octets) => Buffer.from(octets).toString("latin1")),
);
/** A name on the wire without the root's zero octet; any octets in its labels. */
const rawName = fc
  .array(label, { maxLength: 6 })
  .map((labels) => labels.map((text) => String.fromCharCode(text.length) + text).join(""));

/** Octets, or a name. */
type Field = Uint8Array | string;

type Made = { readonly owner: string; readonly type: number; readonly ttl: number; readonly fields: readonly Field[] };

const octets = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const fieldsOf = (
  type: number,
  ...fields: readonly fc.Arbitrary<Field>[]
): fc.Arbitrary<Pick<Made, "type" | "fields">> => fc.record({ type: fc.constant(type), fields: fc.tuple(...fields) });

const made: fc.Arbitrary<Made> = fc
  .tuple(
    rawName,
    fc.nat(0x7fffffff),
    fc.oneof(
      fieldsOf(1, octets(4)),
      fieldsOf(28, octets(16)),
      fieldsOf(2, rawName),
      fieldsOf(5, rawName),
      fieldsOf(12, rawName),
      fieldsOf(39, rawName),
      fieldsOf(15, octets(2), rawName),
      fieldsOf(33, octets(6), rawName),
      fieldsOf(6, rawName, rawName, octets(20)),
      fieldsOf(16, fc.uint8Array({ maxLength: 40 })),
      fieldsOf(65_280, fc.uint8Array({ maxLength: 40 })),
    ),
  )
  .map(([owner, ttl, data]) => ({ owner, ttl, ...data }));

const compression = fc.constantFrom<Compression>("none", "longest", "shortest");
const sections = fc.record({
  question: rawName,
  answer: fc.array(made, { maxLength: 8 }),
  authority: fc.array(made, { maxLength: 4 }),
  additional: fc.array(made, { maxLength: 4 }),
  compression,
});

const isName = (field: Field): field is string => typeof field === "string";

/** What a record says, nothing compressed, to be compared. The case of names may be that of an equal name before. */
const said = ({ owner, type, ttl, fields }: Made) => ({
  owner: foldKey(owner),
  type,
  ttl,
  data: fields.map((field) => (isName(field) ? foldKey(field) : Buffer.from(field).toString("hex"))),
});

/** Reads the data of a record again, by the fields that it was made of. */
function fieldsIn(message: WireMessage, start: number, end: number, model: Made) {
  let position = start;
  const data = model.fields.map((field) => {
    if (isName(field)) {
      const name = expandName(message.bytes, position);
      position = name?.end ?? -1;
      return foldKey(name?.raw ?? "unreadable");
    }
    position += field.length;
    return message.bytes.toString("hex", position - field.length, position);
  });
  return position === end ? data : ["more than was written"];
}

const readAgain = (message: WireMessage, models: readonly Made[]) =>
  message.records.map(({ key, type, ttlSeconds, data, end }, index) => ({
    owner: key,
    type,
    ttl: ttlSeconds,
    data: fieldsIn(message, data, end, models[index] as Made),
  }));

const dataPieces = (fields: readonly Field[], how: Compression): readonly DataPiece[] =>
  fields.map((field) => (isName(field) ? { name: field, compression: how } : field));

const exchange = exchangeOf({ name: "question.example" });

describe("messages", () => {
  test("what another program writes is read as it was meant, and written and read again is the same", () => {
    fc.assert(
      fc.property(sections, ({ question, answer, authority, additional, compression: how }) => {
        const built = (one: Made): BuiltRecord => ({ ...one, compression: how, data: dataPieces(one.fields, how) });
        const bytes = buildMessage(7, {
          flags: 0x8180,
          question: Buffer.concat([Buffer.from(question, "latin1"), u16(0).subarray(0, 1), u16(1, 1)]),
          answer: answer.map(built),
          authority: authority.map(built),
          additional: additional.map(built),
        });
        const models = [...answer, ...authority, ...additional];
        const read = readMessage(bytes) as WireMessage;
        expect(readAgain(read, models)).toEqual(models.map(said));
        const pieces: Piece[] = read.records.map((record) => ({ from: read, record }));
        const again = composeMessage(exchange, { rcode: 0, pieces }) as WireMessage;
        expect(readAgain(again, models)).toEqual(models.map(said));
        expect(again.records.map(({ section }) => section)).toEqual(read.records.map(({ section }) => section));
      }),
      { numRuns: 1_000 },
    );
  });

  test("records of our own making are read as they were written, case and all", () => {
    fc.assert(
      fc.property(fc.array(made, { maxLength: 8 }), (records) => {
        const pieces: Piece[] = records.map(({ owner, type, ttl, fields }) => ({
          section: "answer",
          owner,
          type,
          ttlSeconds: ttl,
          data: Buffer.concat(fields.map((field) => (isName(field) ? Buffer.from(`${field}\0`, "latin1") : field))),
        }));
        const message = composeMessage(exchange, { rcode: 0, pieces }) as WireMessage;
        expect(readAgain(message, records)).toEqual(records.map(said));
        expect(message.records.map(({ start }) => expandName(message.bytes, start)?.raw)).toEqual(
          records.map((one) => one.owner),
        );
      }),
      { numRuns: 500 },
    );
  });
});

test("a name of any octets is the same after it was text", () => {
  fc.assert(
    fc.property(rawName, (raw) => {
      expect(parseName(nameText(raw))).toBe(raw);
    }),
    { numRuns: 1_000 },
  );
});

const ddd = (field: Uint8Array): string => [...field].map((octet) => `\\${String(octet).padStart(3, "0")}`).join("");

/** A record in the text form of a zone file (RFC 1035 section 5.1), every octet that may be escaped escaped. */
const TEXTS: Readonly<Record<number, readonly [name: string, data: (fields: readonly Field[]) => string]>> = {
  1: ["A", ([address]) => [...(address as Uint8Array)].join(".")],
  28: [
    "AAAA",
    ([address]) =>
      (
        Buffer.from(address as Uint8Array)
          .toString("hex")
          .match(/.{4}/g) ?? []
      ).join(":"),
  ],
  2: ["NS", ([name]) => nameText(name as string)],
  5: ["CNAME", ([name]) => nameText(name as string)],
  12: ["PTR", ([name]) => nameText(name as string)],
  39: ["DNAME", ([name]) => nameText(name as string)],
  15: [
    "MX",
    ([preference, name]) => `${Buffer.from(preference as Uint8Array).readUInt16BE()} ${nameText(name as string)}`,
  ],
  33: [
    "SRV",
    ([numbers, name]) =>
      `${[0, 2, 4].map((at) => Buffer.from(numbers as Uint8Array).readUInt16BE(at)).join(" ")} ${nameText(name as string)}`,
  ],
  6: [
    "SOA",
    ([first, second, numbers]) =>
      `${nameText(first as string)} ${nameText(second as string)} ${[0, 4, 8, 12, 16].map((at) => Buffer.from(numbers as Uint8Array).readUInt32BE(at) >>> (at === 0 ? 0 : 1)).join(" ")}`,
  ],
  16: ["TXT", ([text]) => `"${ddd(text as Uint8Array)}"`],
};

/** The data that the text stands for: durations of an SOA have 31 bits, a TXT string has its length before it. */
function dataOf({ type, fields }: Made): Buffer {
  const data = Buffer.concat(
    fields.map((field) => (isName(field) ? Buffer.from(`${field}\0`, "latin1") : Buffer.from(field))),
  );
  if (type === 16) return Buffer.concat([Buffer.from([data.length]), data]);
  if (type === 6)
    for (let at = data.length - 16; at < data.length; at += 4) data.writeUInt32BE(data.readUInt32BE(at) >>> 1, at);
  return data;
}

test("a record is the same after it was text", () => {
  fc.assert(
    fc.property(made, (record) => {
      const text = TEXTS[record.type];
      const [name, data] = text ?? [
        `TYPE${record.type}`,
        ([field]: readonly Field[]) =>
          `\\# ${(field as Uint8Array).length} ${Buffer.from(field as Uint8Array).toString("hex")}`,
      ];
      const parsed = parseRecord(`${nameText(record.owner)} ${record.ttl} IN ${name} ${data(record.fields)}`);
      expect(parsed).toMatchObject({
        ok: true,
        value: { owner: record.owner, type: record.type, ttlSeconds: record.ttl },
      });
      if (parsed.ok) expect(Buffer.from(parsed.value.data)).toEqual(dataOf(record));
    }),
    { numRuns: 2_000 },
  );
});

describe("a Corefile", () => {
  /** What can be written at all: a backslash stands before no quote and not at the end. */
  const text = fc.string({ maxLength: 12 }).filter((one) => !/\\(?:"|$)/.test(one) && !/[\r]|\{[$%]/.test(one));
  const lines = fc.array(fc.array(text, { minLength: 1, maxLength: 5 }), { maxLength: 6 });

  test("is the same words in the same lines after it was written in quotes", () => {
    fc.assert(
      fc.property(lines, (words) => {
        const file = words.map((line) => line.map((word) => `"${word.replaceAll('"', '\\"')}"`).join(" ")).join("\n");
        const report = createReport();
        const lexed = lexCorefile({ file: "Corefile", text: file, environment: {} }, report);
        expect(lexed.map((line) => line.map((token) => token.text))).toEqual(words);
        expect(report.diagnostics()).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  test("of words without blanks needs no quotes", () => {
    const bare = fc.stringMatching(/^[A-Za-z0-9.:/_*{}()\\'$%-]{1,10}$/).filter((one) => !/\{[$%]/.test(one));
    fc.assert(
      fc.property(fc.array(fc.array(bare, { minLength: 1, maxLength: 5 }), { maxLength: 6 }), (words) => {
        const file = words.map((line) => line.join("\t ")).join(" # a comment\n\n");
        const lexed = lexCorefile({ file: "Corefile", text: file, environment: {} }, createReport());
        expect(lexed.map((line) => line.map((token) => token.text))).toEqual(words);
      }),
      { numRuns: 500 },
    );
  });
});

test("a kept answer is given with the seconds that it has left, rounded up, in each of its records", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 86_400 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (ttl, part) => {
        const asked = exchangeOf({ name: "x.example" });
        const lines = [`x.example. ${ttl + 5} CNAME y.example.`, `y.example. ${ttl} A 192.0.2.1`];
        const at = 1_700_000_000_000;
        const entry = createEntry(
          { slot: 4, key: asked.query.key },
          upstreamAnswer(asked, { answer: lines }),
          { kind: "success", ttlMs: ttl * 1_000 },
          at,
        );
        const passed = Math.floor(part * ttl * 1_000);
        const left = remainingSeconds(entry, at + passed);
        expect(left).toBe(Math.ceil((ttl * 1_000 - passed) / 1_000));
        expect(left).toBeGreaterThan(0);
        expect(left).toBeLessThanOrEqual(ttl);
        const given = delivered(asked, liveAnswer(entry, left))?.answer.map((record) => Number(record.split(" ")[1]));
        expect(given).toEqual([left, left]);
      },
    ),
    { numRuns: 300 },
  );
});
