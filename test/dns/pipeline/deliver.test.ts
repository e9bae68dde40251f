import { describe, expect, test } from "vitest";
import { type Answer, messageAnswer, refusal } from "../../../src/dns/pipeline/answer.ts";
import { composeMessage } from "../../../src/dns/pipeline/compose.ts";
import { deliver, deliveredRcode } from "../../../src/dns/pipeline/deliver.ts";
import type { Exchange } from "../../../src/dns/pipeline/exchange.ts";
import { delivered, exchangeOf } from "../support/exchange.ts";
import { rawName } from "../support/zone.ts";

const BADCOOKIE = 23;
const FORMS: Readonly<Record<string, (exchange: Exchange) => Answer>> = {
  prepared: () => refusal("template", BADCOOKIE),
  message: (exchange) => {
    const record = { section: "answer", owner: rawName("x.example"), type: 16, ttlSeconds: 9, data: Buffer.of(1, 65) };
    const message = composeMessage(exchange, { rcode: BADCOOKIE, pieces: [{ ...record, section: "answer" }] });
    if (message === undefined) throw new Error("bad message in a test");
    return messageAnswer("rewrite", message, 0);
  },
};

describe.each(Object.entries(FORMS))("a %s answer with a response code above 15", (_form, make) => {
  test("is spread over header and OPT for a client with EDNS", () => {
    const exchange = exchangeOf({ name: "x.example", type: "TXT", edns: {} });
    const answer = make(exchange);
    expect(delivered(exchange, answer)?.rcode).toBe(String(BADCOOKIE));
    expect(deliveredRcode(exchange, answer)).toBe(BADCOOKIE);
  });

  test("is SERVFAIL without records for a client without EDNS", () => {
    const exchange = exchangeOf({ name: "x.example", type: "TXT" });
    const answer = make(exchange);
    expect(delivered(exchange, answer)).toMatchObject({ rcode: "SERVFAIL", answer: [], edns: null });
    expect(deliveredRcode(exchange, answer)).toBe(2);
  });

  test("keeps its code when the answer is cut", () => {
    const exchange = exchangeOf({ name: "x.example", type: "TXT", edns: {} }, { block: { maxUdpOctets: 40 } });
    const bytes = deliver(exchange, make(exchange), Buffer.alloc(512), 0);
    expect([(bytes?.[3] ?? 0) & 0xf, bytes?.[bytes.length - 6]]).toEqual([BADCOOKIE & 0xf, BADCOOKIE >> 4]);
  });
});
