import { describe, expect, test } from "vitest";
import { decide } from "../../../../src/dns/decide.ts";
import { aliasAnswer } from "../../../../src/dns/directives/sluice/search-alias.ts";
import { compileTable } from "../../../../src/dns/table.ts";
import { mismatches, readCases, topologyOf } from "../../support/conformance.ts";
import { delivered, exchangeOf } from "../../support/exchange.ts";
import { claim, ready, viewOf } from "../../support/views.ts";

const TABLE = compileTable(viewOf(claim("api.openai.com", ready("10.96.10.10", "10.96.10.11"))), {
  search: "cname",
  ttlSeconds: 9,
});

function reply(name: string, type: string, table = TABLE) {
  const exchange = exchangeOf({ name, type });
  const decision = decide(table, { ...exchange.asked, fromGateway: false });
  if (decision.action !== "answer" || decision.alias === undefined) throw new Error("not an alias");
  return delivered(exchange, aliasAnswer(exchange, decision.alias, decision.answer, table.ttlSeconds));
}

const NAME = "API.openai.com.Default.svc.cluster.local.";

describe("an alias of an egress name", () => {
  test("stands before the egress name's addresses, in the case of the question", () => {
    expect(reply(NAME, "A")).toMatchObject({
      rcode: "NOERROR",
      flags: expect.arrayContaining(["aa"]),
      answer: [`${NAME} 9 CNAME API.openai.com.`, "API.openai.com. 9 A 10.96.10.10", "API.openai.com. 9 A 10.96.10.11"],
      authority: [],
    });
  });

  test("has the egress name's SOA behind it where there is no data", () => {
    expect(reply(NAME, "HTTPS")).toMatchObject({
      rcode: "NOERROR",
      answer: [`${NAME} 9 CNAME API.openai.com.`],
      authority: ["API.openai.com. 9 SOA API.openai.com. nobody.invalid. 1 3600 1200 604800 9"],
    });
  });

  test("is the whole answer to those who ask for it", () => {
    expect(reply(NAME, "CNAME")).toMatchObject({ answer: [`${NAME} 9 CNAME API.openai.com.`], authority: [] });
  });

  test("is not shown when what is behind it fails", () => {
    const exchange = exchangeOf({ name: NAME, type: "A" });
    const answer = aliasAnswer(exchange, "\x03api\x06openai\x03com", { rcode: 2 }, 9);
    expect(delivered(exchange, answer)).toMatchObject({ rcode: "SERVFAIL", answer: [] });
  });
});

test("SR-008 of the conformance data holds", () => {
  const { cases, fixtures } = readCases();
  const one = cases.find(({ id }) => id === "SR-008");
  const fixture = one && fixtures[one.fixture];
  if (one === undefined || fixture === undefined) throw new Error("the case is missing");
  const table = compileTable(topologyOf(fixture), { search: "cname" });
  const observed = { elapsedSeconds: 0, questionEchoed: true, distinctOrders: 1, seen: [] };
  const { name = "", type = "" } = one.query;
  expect(mismatches(one.expected, { ...observed, reply: reply(name, String(type), table) })).toEqual([]);
});
