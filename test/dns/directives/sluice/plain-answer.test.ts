import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPlain } from "../../../../src/dns/directives/sluice/plain-answer.ts";
import { guardAnswer } from "../../../../src/dns/guard.ts";
import { compileTable } from "../../../../src/dns/table.ts";
import { typeCode } from "../../../../src/dns/wire/codes.ts";
import { encodeQuestion } from "../../../../src/dns/wire/question.ts";
import { readMessage, type WireMessage } from "../../../../src/dns/wire/records.ts";
import { claim, viewOf } from "../../support/views.ts";
import { encodeRecord, parseRecord, rawName } from "../../support/zone.ts";

const TABLE = compileTable(viewOf(claim("api.openai.com"), claim("*.anthropic.com")), { guard: "strict" });

function messageOf(type: string, answer: readonly string[], additional: readonly string[]): WireMessage {
  const header = Buffer.from([0, 1, 0x81, 0x80, 0, 1, 0, answer.length, 0, 0, 0, additional.length]);
  const question = encodeQuestion(rawName("x.example."), typeCode(type) ?? 0);
  const records = [...answer, ...additional].map((line) => encodeRecord(parseRecord(line)));
  const read = readMessage(Buffer.concat([header, question, ...records]));
  if (read === undefined) throw new Error("bad message in a test");
  return read;
}

const OWN = "x.example. 60 A 192.0.2.1";

describe("an answer that the guard need not look at", () => {
  test("holds only records of the type and name that were asked for", () => {
    expect(isPlain(messageOf("A", [OWN, "X.Example. 60 A 192.0.2.2"], []))).toBe(true);
    expect(isPlain(messageOf("A", [], []))).toBe(true);
  });

  test.each([
    ["another name", "A", [OWN, "api.openai.com. 60 A 192.0.2.2"], []],
    ["another type", "AAAA", [OWN], []],
    ["an alias", "CNAME", ["x.example. 60 CNAME api.openai.com."], []],
    ["attributes", "HTTPS", ["x.example. 60 HTTPS 1 api.openai.com."], []],
    ["all types", "ANY", [OWN], []],
    ["another section", "A", [OWN], [OWN]],
  ])("does not hold %s", (_what, type, answer, additional) => {
    expect(isPlain(messageOf(type, answer, additional))).toBe(false);
  });

  test("is one that the guard keeps whole", () => {
    const name = fc.constantFrom("x.example.", "api.openai.com.", "a.anthropic.com.", "y.example.");
    const data = fc.constantFrom("A 192.0.2.1", "AAAA 2001:db8::1", "CNAME api.openai.com.", "HTTPS 1 api.openai.com.");
    const record = fc.tuple(name, data).map(([owner, rest]) => `${owner} 60 ${rest}`);
    const records = fc.array(record, { maxLength: 3 });
    fc.assert(
      fc.property(
        fc.constantFrom("A", "AAAA", "CNAME", "HTTPS", "ANY"),
        records,
        records,
        (type, answer, additional) => {
          const message = messageOf(type, answer, additional);
          const { keep, events, splice } = guardAnswer(message, TABLE);
          const kept = keep.length === message.records.length && events.length === 0 && splice === undefined;
          expect(isPlain(message) && !kept).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });
});
