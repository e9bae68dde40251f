import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkReply, questionFor, variantOf, withoutEdns } from "../../../src/dns/upstream/question.ts";
import { FLAG, TYPE } from "../../../src/dns/wire/codes.ts";
import { foldKey } from "../../../src/dns/wire/name.ts";
import { rawName } from "../support/zone.ts";

const ask = (name: string, type: number = TYPE.A, flags: number = FLAG.RD) => {
  const raw = rawName(name);
  return questionFor(raw, foldKey(raw), variantOf(type, flags, true));
};

/** A reply without records to what was asked, changed where a test says so. */
function replyTo(name: string, change: (reply: Buffer) => void = () => undefined): Buffer {
  const reply = Buffer.from(withoutEdns(ask(name)).message);
  reply.writeUInt16BE(0x8180, 2);
  change(reply);
  return reply;
}

describe("a question to an upstream", () => {
  test("has RD, AD, CD and DO of the client, our size and no option", () => {
    const { message, questionEnd } = ask("Ab.example.", 65_280, 0xffff);
    expect(message.readUInt16BE(2)).toBe(FLAG.RD | FLAG.AD | FLAG.CD);
    expect(message.toString("hex", 4, 12)).toBe("0001000000000001");
    expect(message.toString("hex", 12, questionEnd)).toBe("024162076578616d706c6500ff000001");
    expect(message.toString("hex", questionEnd)).toBe("00002904d0000080000000");
  });

  test("without EDNS it ends behind the question", () => {
    const { message, questionEnd } = withoutEdns(ask("x.example."));
    expect([message.length, message.readUInt16BE(10)]).toEqual([questionEnd, 0]);
  });

  test("types and bits that change the answer make another one", () => {
    const variants = [TYPE.A, TYPE.AAAA].flatMap((type) =>
      [0, FLAG.RD, FLAG.AD, FLAG.CD].flatMap((flags) => [variantOf(type, flags, false), variantOf(type, flags, true)]),
    );
    expect(new Set(variants).size).toBe(16);
    expect(variantOf(TYPE.A, FLAG.QR | FLAG.AA, false)).toBe(variantOf(TYPE.A, 0, false));
  });
});

describe("a reply", () => {
  test.each([
    ["the same name in another case", () => replyTo("X.EXAMPLE.")],
    ["an rcode of its own", () => replyTo("x.example.", (reply) => reply.writeUInt16BE(0x8183, 2))],
  ])("with %s is taken", (_what, reply) => {
    expect(checkReply(ask("x.example."), reply())).toMatchObject({ key: "\x01x\x07example", type: TYPE.A });
  });

  test.each([
    ["another name", () => replyTo("y.example.")],
    ["a longer name", () => replyTo("x.example.org.")],
    ["another type", () => replyTo("x.example.", (reply) => reply.writeUInt16BE(0x21, reply.length - 4))],
    ["another class", () => replyTo("x.example.", (reply) => reply.writeUInt16BE(3, reply.length - 2))],
    ["QR clear", () => replyTo("x.example.", (reply) => reply.writeUInt16BE(0x0100, 2))],
    ["another opcode", () => replyTo("x.example.", (reply) => reply.writeUInt16BE(0xa180, 2))],
    ["two questions", () => replyTo("x.example.", (reply) => reply.writeUInt16BE(2, 4))],
    ["a record too many in its header", () => replyTo("x.example.", (reply) => reply.writeUInt16BE(1, 6))],
  ])("with %s is no answer", (_what, reply) => {
    expect(checkReply(ask("x.example."), reply())).toBe("mismatch");
  });

  test("type and class compare with their case", () => {
    const lower = ask("x.example.", 0x61);
    const reply = replyTo("x.example.", (bytes) => bytes.writeUInt16BE(0x41, bytes.length - 4));
    expect(checkReply(lower, reply)).toBe("mismatch");
  });

  test("FORMERR and NOTIMP ask for the question without EDNS, once", () => {
    for (const rcode of [1, 4]) {
      const reply = replyTo("x.example.", (bytes) => bytes.writeUInt16BE(0x8180 | rcode, 2));
      expect(checkReply(ask("x.example."), reply)).toBe("no-edns");
      expect(checkReply(withoutEdns(ask("x.example.")), reply)).toMatchObject({ rcode });
    }
  });

  test("no octets whatsoever throw", () => {
    const question = ask("x.example.");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 80 }), fc.boolean(), (octets, fitting) => {
        const reply = Buffer.from(octets);
        if (fitting) question.message.copy(reply, 4, 4, question.questionEnd);
        reply[2] = 0x81;
        checkReply(question, reply);
      }),
    );
  });
});
