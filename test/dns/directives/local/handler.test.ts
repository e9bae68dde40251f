import { describe, expect, test } from "vitest";
import { createLocalHandler } from "../../../../src/dns/directives/local/handler.ts";
import { refusal } from "../../../../src/dns/pipeline/answer.ts";
import { atOnce, serveThrough } from "../../support/answers.ts";
import { contextOf, delivered, exchangeOf } from "../../support/exchange.ts";

const NEXT = refusal("next", 3);
const SOA = "604800 SOA localhost. root.localhost. 1 0 0 0 604800";

async function ask(name: string, type: string, klass = "IN") {
  const context = contextOf();
  const serve = await serveThrough(createLocalHandler, [{}], () => NEXT, context);
  const exchange = exchangeOf({ name, type, class: klass });
  const answer = atOnce(serve(exchange));
  return { answer, reply: delivered(exchange, answer), counts: context.counts };
}

describe("names that mean this host have an answer:", () => {
  test.each([
    ["localhost.", "A", "localhost. 604800 A 127.0.0.1"],
    ["LocalHost.", "AAAA", "LocalHost. 604800 AAAA ::1"],
    ["localhost.", "NS", "localhost. 604800 NS localhost."],
    ["localhost.", "SOA", `localhost. ${SOA}`],
    ["127.in-addr.arpa.", "SOA", `127.in-addr.arpa. ${SOA}`],
    ["255.in-addr.arpa.", "NS", "255.in-addr.arpa. 604800 NS localhost."],
    ["1.0.0.127.in-addr.arpa.", "PTR", "1.0.0.127.in-addr.arpa. 604800 PTR localhost."],
    ["localhost.svc.cluster.local.", "A", "localhost.svc.cluster.local. 604800 A 127.0.0.1"],
    ["localhost.example.org.", "AAAA", "localhost.example.org. 604800 AAAA ::1"],
  ])("%s %s", async (name, type, record) => {
    const { reply, answer } = await ask(name, type);
    expect(answer.by).toBe("local");
    expect(reply).toMatchObject({ rcode: "NOERROR", answer: [record], authority: [] });
  });
});

describe("what they do not have is denied with the zone's SOA:", () => {
  test.each([
    ["localhost.", "TXT", "NOERROR", "localhost."],
    ["localhost.svc.", "TXT", "NOERROR", "localhost."],
    ["0.in-addr.arpa.", "A", "NOERROR", "0.in-addr.arpa."],
    ["1.0.0.127.in-addr.arpa.", "A", "NOERROR", "127.in-addr.arpa."],
    ["2.0.0.127.In-Addr.arpa.", "PTR", "NXDOMAIN", "127.In-Addr.arpa."],
    ["foo.localhost.", "A", "NXDOMAIN", "localhost."],
  ])("%s %s", async (name, type, rcode, owner) => {
    const { reply } = await ask(name, type);
    expect(reply).toMatchObject({ rcode, answer: [], authority: [`${owner} ${SOA}`] });
    expect(reply?.flags).toContain("aa");
  });
});

describe("other questions go on:", () => {
  test.each([
    ["example.org.", "A", "IN"],
    ["mylocalhost.", "A", "IN"],
    ["localhostname.example.org.", "A", "IN"],
    ["1.10.in-addr.arpa.", "PTR", "IN"],
    ["127.in-addr.arpa.example.org.", "A", "IN"],
    [".", "NS", "IN"],
    ["localhost.", "A", "CH"],
  ])("%s %s %s", async (name, type, klass) => {
    const { answer, counts } = await ask(name, type, klass);
    expect(answer).toBe(NEXT);
    expect([...counts.values()]).not.toContain(1);
  });
});

test("search-expanded names are counted, others are not", async () => {
  expect((await ask("localhost.example.org.", "TXT")).counts).toEqual(
    new Map([["coredns_local_localhost_requests_total", 1]]),
  );
  expect((await ask("localhost.", "A")).counts.get("coredns_local_localhost_requests_total")).toBeUndefined();
});
