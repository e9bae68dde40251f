import { describe, expect, test } from "vitest";
import { createMinimalHandler } from "../../../../src/dns/directives/minimal/handler.ts";
import { type Answer, refusal } from "../../../../src/dns/pipeline/answer.ts";
import { RCODE } from "../../../../src/dns/wire/codes.ts";
import { type AnswerLines, serveThrough, upstreamAnswer } from "../../support/answers.ts";
import { delivered, exchangeOf } from "../../support/exchange.ts";

const exchange = exchangeOf({ name: "www.example.org" });
const ANSWER = ["www.example.org 60 CNAME example.org", "example.org 60 A 192.0.2.1"];
const NS = ["example.org 60 NS ns.example.org"];
const GLUE = ["ns.example.org 60 A 192.0.2.53"];
const SOA = ["example.org 60 SOA ns.example.org h.example.org 1 2 3 4 5"];

async function through(answer: Answer): Promise<Answer> {
  const serve = await serveThrough(createMinimalHandler, [{}], () => answer);
  return serve(exchange);
}

describe("minimal", () => {
  test("an answer keeps nothing but its records, and is still copied as one piece", async () => {
    const full = upstreamAnswer(exchange, { answer: ANSWER, authority: NS, additional: GLUE });
    const answer = await through(full);
    expect(delivered(exchange, answer)).toMatchObject({
      answer: ["www.example.org. 60 CNAME example.org.", "example.org. 60 A 192.0.2.1"],
      authority: [],
      additional: [],
      length: 74,
    });
    expect(answer.form === "message" && answer.records === answer.message.records).toBe(true);
  });

  test("so does one of which something was left out before", async () => {
    const full = upstreamAnswer(exchange, { answer: ANSWER, authority: NS, additional: GLUE });
    const answer = await through({ ...full, records: full.records.slice(0, 3) });
    expect(delivered(exchange, answer)).toMatchObject({ authority: [], additional: [], length: 63 });
  });

  test.each<[string, AnswerLines]>([
    ["a denial", { authority: SOA, rcode: RCODE.NXDOMAIN }],
    ["a NODATA answer", { authority: SOA }],
    ["a delegation", { authority: NS, additional: GLUE }],
    ["an error", { answer: ANSWER, authority: NS, rcode: RCODE.SERVFAIL }],
    ["an answer without more", { answer: ANSWER }],
  ])("%s stays as it is", async (_what, lines) => {
    const answer = upstreamAnswer(exchange, lines);
    expect(await through(answer)).toBe(answer);
  });

  test("a prepared answer with addresses loses its authority, a denial keeps it", async () => {
    const block = { bytes: Buffer.from("c00c00010001000000050004c0000201", "hex"), count: 1, stride: 16 };
    const prepared = { ...refusal("hosts", RCODE.NOERROR), authority: block };
    expect(await through(prepared)).toBe(prepared);
    const shown = delivered(exchange, await through({ ...prepared, answer: block }));
    expect(shown).toMatchObject({ answer: ["www.example.org. 5 A 192.0.2.1"], authority: [] });
  });

  test("an answer that comes later is cut as well", async () => {
    const full = upstreamAnswer(exchange, { answer: ANSWER, authority: NS });
    const serve = await serveThrough(createMinimalHandler, [{}], async () => full);
    expect(delivered(exchange, await serve(exchange))?.authority).toEqual([]);
  });
});
