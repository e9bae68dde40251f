import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLoadbalanceHandler } from "../../../../src/dns/directives/loadbalance/handler.ts";
import { type Answer, type MessageAnswer, messageAnswer, refusal } from "../../../../src/dns/pipeline/answer.ts";
import { createRandomInteger } from "../../../../src/dns/upstream/random.ts";
import { RCODE } from "../../../../src/dns/wire/codes.ts";
import { readMessage } from "../../../../src/dns/wire/records.ts";
import { type AnswerLines, serveThrough, upstreamAnswer } from "../../support/answers.ts";
import { contextOf, delivered, exchangeOf } from "../../support/exchange.ts";
import type { ReplyText } from "../../support/reply-text.ts";

const exchange = exchangeOf({ name: "www.example.org", edns: {} });

async function through(answer: Answer, random = createRandomInteger()): Promise<Answer> {
  const context = contextOf({ random });
  const serve = await serveThrough(createLoadbalanceHandler, [{ policy: "round_robin" }], () => answer, context);
  return serve(exchange);
}

const shown = (answer: Answer): ReplyText => {
  const reply = delivered(exchange, answer);
  if (reply === undefined) throw new Error("nothing was sent");
  return reply;
};

const ADDRESSES = ["1", "2", "3", "4"].map((octet) => `www.example.org 60 A 192.0.2.${octet}`);
const copiedWhole = (answer: Answer): boolean => answer.form === "message" && answer.records === answer.message.records;

describe("loadbalance", () => {
  test("addresses come in every order", async () => {
    const answer = upstreamAnswer(exchange, { answer: ADDRESSES.slice(0, 3) });
    const orders = new Set<string>();
    for (let round = 0; round < 300; round++) orders.add(shown(await through(answer)).answer.join());
    expect(orders.size).toBe(6);
  });

  test("addresses at the end are moved without reading the message anew, whatever stands in front", async () => {
    const lines = [
      "www.example.org 60 CNAME lb.example.net",
      "lb.example.net 20 A 192.0.2.1",
      "lb.example.net 30 A 192.0.2.2",
    ];
    const answer = await through(upstreamAnswer(exchange, { answer: lines }), () => 0);
    expect(shown(answer).answer).toEqual([
      "www.example.org. 60 CNAME lb.example.net.",
      "lb.example.net. 30 A 192.0.2.2",
      "lb.example.net. 20 A 192.0.2.1",
    ]);
    // The owner of the first address is written out, so that the moved ones cannot be copied as they are.
    expect(copiedWhole(answer)).toBe(false);
    const direct = await through(upstreamAnswer(exchange, { answer: ADDRESSES }), () => 0);
    expect(copiedWhole(direct)).toBe(true);
  });

  test("aliases come in front", async () => {
    const lines = [
      "lb.example.net 60 A 192.0.2.1",
      "lb.example.net 60 A 192.0.2.2",
      "www.example.org 60 CNAME lb.example.net",
    ];
    const answer = await through(upstreamAnswer(exchange, { answer: lines }));
    expect(shown(answer).answer[0]).toBe("www.example.org. 60 CNAME lb.example.net.");
    expect(shown(answer).answer).toHaveLength(3);
  });

  test("MX change places with MX, addresses with addresses", async () => {
    const lines = [
      "www.example.org 9 MX 1 a.test",
      "www.example.org 9 A 192.0.2.1",
      "www.example.org 9 MX 2 b.test",
      "www.example.org 9 A 192.0.2.2",
    ];
    const answer = await through(upstreamAnswer(exchange, { answer: lines }), () => 0);
    expect(shown(answer).answer).toEqual([
      "www.example.org. 9 MX 2 b.test.",
      "www.example.org. 9 A 192.0.2.2",
      "www.example.org. 9 MX 1 a.test.",
      "www.example.org. 9 A 192.0.2.1",
    ]);
  });

  test.each<[string, AnswerLines]>([
    ["one address", { answer: ADDRESSES.slice(0, 1), additional: ["x.test 1 A 192.0.2.1", "x.test 1 A 192.0.2.2"] }],
    ["a failure", { answer: ADDRESSES, rcode: RCODE.SERVFAIL }],
    ["other types", { answer: ['www.example.org 60 TXT "a"', 'www.example.org 60 TXT "b"'] }],
  ])("%s stays as it is", async (_what, lines) => {
    const answer = upstreamAnswer(exchange, lines);
    expect(await through(answer)).toBe(answer);
  });

  test("prepared and dropped answers are passed on", async () => {
    for (const answer of [refusal("sluice", RCODE.NOERROR), { form: "dropped", by: "acl", rcode: 0 }] as const) {
      expect(await through(answer)).toBe(answer);
    }
  });

  test("an order that is drawn as it was copies nothing", async () => {
    const answer = upstreamAnswer(exchange, { answer: ADDRESSES });
    expect(await through(answer, (bound) => bound - 1)).toBe(answer);
  });

  test("an address that a name behind it leans on keeps that name right", async () => {
    const plain = upstreamAnswer(exchange, { answer: ADDRESSES.slice(0, 2), authority: ["z.test 60 NS ns.test"] });
    const { bytes, records } = plain.message;
    const [first, second, ns] = records;
    if (first === undefined || second === undefined || ns === undefined) throw new Error("a record is missing");
    // The second address becomes the name `\1a.`, and the authority's owner a pointer to it.
    const hostile = Buffer.concat([bytes.subarray(0, ns.start), Buffer.alloc(2), bytes.subarray(ns.start + 8)]);
    hostile.write("\x01a\0\0", second.data, "latin1");
    hostile.writeUInt16BE(0xc000 | second.data, ns.start);
    const message = readMessage(hostile);
    if (message === undefined) throw new Error("our reader refuses the message");
    const answer = messageAnswer("forward", message, 0);
    expect(shown(await through(answer, () => 0)).authority).toEqual(shown(answer).authority);
    expect(shown(answer).authority).toEqual(["a. 60 NS ns.test."]);
  });

  test("an address whose owner leans on another one keeps its owner", async () => {
    const { message } = upstreamAnswer(exchange, { answer: ADDRESSES.slice(0, 2) });
    const [first, second] = message.records;
    if (first === undefined || second === undefined) throw new Error("a record is missing");
    message.bytes.writeUInt16BE(0xc000 | first.start, second.start);
    const reread = readMessage(message.bytes);
    if (reread === undefined) throw new Error("our reader refuses the message");
    const answer = await through(messageAnswer("forward", reread, 0), () => 0);
    expect(shown(answer).answer).toEqual(["www.example.org. 60 A 192.0.2.2", "www.example.org. 60 A 192.0.2.1"]);
  });

  test("records that were left out stay out", async () => {
    const full = upstreamAnswer(exchange, { answer: ADDRESSES });
    const answer = await through({ ...full, records: full.records.slice(1) }, () => 0);
    expect(shown(answer).answer.toSorted()).toEqual(shown(full).answer.slice(1));
    expect(shown(answer)).toMatchObject({ additional: [], length: shown(full).length - 16 });
    expect(shown(answer).answer).not.toEqual(shown(full).answer.slice(1));
  });

  test("an answer that comes later is changed as well", async () => {
    const answer = upstreamAnswer(exchange, { answer: ADDRESSES });
    const context = contextOf({ random: () => 0 });
    const serve = await serveThrough(
      createLoadbalanceHandler,
      [{ policy: "round_robin" }],
      async () => answer,
      context,
    );
    expect(shown(await serve(exchange)).answer).not.toEqual(shown(answer).answer);
  });
});

describe("loadbalance leaves everything but the order", () => {
  const owner = fc.constantFrom("www.example.org", "lb.example.net", "x.www.example.org");
  const data = fc.oneof(
    fc.nat(255).map((octet) => `A 192.0.2.${octet}`),
    fc.nat(9).map((group) => `AAAA 2001:db8::${group + 1}`),
    fc.nat(9).map((preference) => `MX ${preference} mail.example.org`),
    fc.constantFrom("CNAME lb.example.net", 'TXT "text"'),
  );
  const lineOf = (owners: fc.Arbitrary<string>) =>
    fc.tuple(owners, fc.nat(600), data).map(([name, ttl, rest]) => `${name} ${ttl} ${rest}`);
  const addresses = fc.array(
    fc.tuple(fc.nat(600), fc.nat(255)).map(([ttl, octet]) => `www.example.org ${ttl} A 192.0.2.${octet}`),
    { minLength: 2, maxLength: 20 },
  );
  const lines = fc.record({
    answer: fc.oneof(addresses, fc.array(lineOf(owner), { maxLength: 8 })),
    authority: fc.constantFrom([], ["example.org 60 NS ns.example.org"]),
    additional: fc.array(lineOf(owner), { maxLength: 2 }),
  });

  /** What `www.example.org. 60 A 192.0.2.1` may change places with. */
  const kindOf = (text: string): string => {
    const type = text.split(" ")[2] ?? "";
    return type === "A" || type === "AAAA" ? "address" : type;
  };

  test("for any answer, also for what is copied whole and for a message that had an OPT", async () => {
    let copied = 0;
    await fc.assert(
      fc.asyncProperty(lines, fc.boolean(), async (records, opt) => {
        const before = upstreamAnswer(exchange, records);
        const original: MessageAnswer = opt ? withOpt(before) : before;
        const answer = await through(original);
        const [was, is] = [shown(original), shown(answer)];
        expect({ ...is, answer: is.answer.toSorted(), length: 0 }).toEqual({
          ...was,
          answer: was.answer.toSorted(),
          length: 0,
        });
        const others = (reply: ReplyText) => reply.answer.map(kindOf).filter((kind) => kind !== "CNAME");
        expect(others(is)).toEqual(others(was));
        const lastAlias = is.answer.findLastIndex((text) => kindOf(text) === "CNAME");
        const movable = was.answer.filter((text) => ["address", "MX"].includes(kindOf(text))).length;
        const first = is.answer.findIndex((text) => ["address", "MX"].includes(kindOf(text)));
        if (movable > 1) expect(lastAlias).toBeLessThan(first);
        if (answer.form !== "message") throw new Error("the form has changed");
        if (answer === original || !copiedWhole(answer)) return;
        copied++;
        const reread = readMessage(answer.message.bytes);
        expect(answer.message).toEqual(reread);
      }),
      { numRuns: 500 },
    );
    expect(copied).toBeGreaterThan(10);
  });

  function withOpt(answer: MessageAnswer): MessageAnswer {
    const bytes = Buffer.concat([answer.message.bytes, Buffer.from("00002904d0000000000000", "hex")]);
    bytes.writeUInt16BE(bytes.readUInt16BE(10) + 1, 10);
    const message = readMessage(bytes);
    if (message === undefined) throw new Error("our reader refuses the message");
    return messageAnswer("forward", message, 0);
  }
});
