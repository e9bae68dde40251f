import { describe, expect, test } from "vitest";
import { createDroppedCounts, createQuestionCounts } from "../../../src/dns/metrics/question-counts.ts";
import { type Answer, refusal } from "../../../src/dns/pipeline/answer.ts";
import type { Serve } from "../../../src/dns/pipeline/serve.ts";
import { createAnswerer } from "../../../src/dns/server/answerer.ts";
import { clientOf } from "../../../src/dns/server/client.ts";
import { encodeQuery, type TestQuery } from "../support/dns-client.ts";
import { contextOf, exchangeOf } from "../support/exchange.ts";
import { replyText } from "../support/reply-text.ts";

const FAULT = new Error("a fault of ours");
const PLACE = 'server="dns://:53",view="",zone="."';

/** One message through an answerer whose only server block is `serve`. */
async function answer(serve: Serve, query: TestQuery) {
  const { meter, counts } = contextOf();
  const faults: unknown[] = [];
  const { block: facts } = exchangeOf(query);
  const block = {
    serve,
    facts: new Map([["", facts]]),
    classes: new Set([1]),
    hasAcl: false,
    probeLoop: undefined,
    close: () => undefined,
  };
  const routes = {
    zones: new Map([["", { block, facts, counts: createQuestionCounts(meter, { server: "dns://:53", zone: "." }) }]]),
    dropped: createDroppedCounts(meter, "dns://:53"),
  };
  const take = createAnswerer({ routes: () => routes, access: () => true, onFault: (error) => faults.push(error) });
  const replies: (Buffer | undefined)[] = [];
  take(encodeQuery(query), clientOf("127.0.0.1", 4242, "udp", "127.0.0.1"), (_client, bytes) => {
    replies.push(bytes && Buffer.from(bytes));
  });
  await expect.poll(() => replies.length).toBe(1);
  const [bytes] = replies;
  return { rcode: bytes && replyText(bytes).rcode, faults, counts };
}

const throwing = (): Answer => {
  throw FAULT;
};
const BROKEN: Answer = {
  ...refusal("sluice", 0),
  onSent() {
    throw FAULT;
  },
};

describe("a fault of ours", () => {
  test.each<[string, Serve]>([
    ["while the question is answered", throwing],
    ["in an answer that is waited for", async () => throwing()],
    ["when an answer is sent that was waited for", async () => BROKEN],
  ])("%s costs one answer, SERVFAIL, and is counted as nobody's", async (_when, serve) => {
    const { rcode, faults, counts } = await answer(serve, { name: "x.example" });
    expect([rcode, faults]).toEqual(["SERVFAIL", [FAULT]]);
    expect(counts.get(`coredns_dns_responses_total{plugin="",rcode="SERVFAIL",${PLACE}}`)).toBe(1);
  });
});

test("an extended response code is counted as the client sees it", async () => {
  const serve = () => refusal("template", 23);
  const plain = await answer(serve, { name: "x.example" });
  expect(plain.counts.get(`coredns_dns_responses_total{plugin="template",rcode="SERVFAIL",${PLACE}}`)).toBe(1);
  const extended = await answer(serve, { name: "x.example", edns: {} });
  expect(extended.counts.get(`coredns_dns_responses_total{plugin="template",rcode="BADCOOKIE",${PLACE}}`)).toBe(1);
});
