import { afterEach, describe, expect, test } from "vitest";
import { dnsRecord } from "../directives/kuadrant/dns-records.ts";
import { askUdp, encodeQuery } from "../support/dns-client.ts";
import { type ReplyText, replyText } from "../support/reply-text.ts";
import { startTestResolver } from "../support/resolver.ts";
import { startTestUpstream } from "../support/test-upstream.ts";
import { claim, viewOf } from "../support/views.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const alias = (zone: string, from: string, to: string) =>
  dnsRecord([{ dnsName: from, recordType: "CNAME", targets: [to], recordTTL: 60 }], { label: zone });

const RECORDS = [
  alias("k.test", "out.k.test", "outside.example"),
  alias("k.test", "egress.k.test", "api.openai.com"),
  alias("k.test", "there.k.test", "here.b.test"),
  dnsRecord([{ dnsName: "here.b.test", recordType: "A", targets: ["10.1.1.1"], recordTTL: 60 }], { label: "b.test" }),
  alias("k.test", "round.k.test", "round.b.test"),
  alias("b.test", "round.b.test", "round.k.test"),
  alias("k.test", "closed.k.test", "closed.test"),
  alias("k.test", "nobody.k.test", "outside.test"),
];

/** Zones in server blocks of their own, and one for the rest of the world. */
async function startBlocks(rest: string): Promise<(name: string) => Promise<ReplyText>> {
  const upstream = await startTestUpstream({ zone: ["outside.example. 300 A 192.0.2.1"] });
  cleanups.push(() => upstream.close());
  const resolver = await startTestResolver([], {
    corefile: `k.test {\nkuadrant\n}\nb.test {\nkuadrant\n}\nclosed.test {\nacl {\nblock\n}\nwhoami\n}\n${rest.replace("UPSTREAM", `127.0.0.1:${upstream.port}`)}`,
    view: viewOf(claim("api.openai.com")),
    data: { records: RECORDS },
  });
  cleanups.push(() => resolver.close());
  return async (name) => {
    const bytes = await askUdp(encodeQuery({ name, edns: {} }), { port: resolver.port });
    if (bytes === undefined) throw new Error("no reply");
    return replyText(bytes);
  };
}

describe("the target of an alias", () => {
  test.each([
    ["is forwarded by the block that forwards", "out.k.test", "outside.example. 300 A 192.0.2.1"],
    ["is steered by the block that steers", "egress.k.test", "api.openai.com. 5 A 10.96.10.10"],
    ["is found in the records of another block", "there.k.test", "here.b.test. 60 A 10.1.1.1"],
  ])("%s", async (_what, name, record) => {
    const ask = await startBlocks(".:53 {\nsluice\nforward . UPSTREAM\n}");
    const reply = await ask(name);
    expect(reply.rcode).toBe("NOERROR");
    expect(reply.answer[0]).toMatch(new RegExp(`^${name}. 60 CNAME `));
    expect(reply.answer.slice(1)).toEqual([record]);
  });

  test("that leads from block to block and back again ends in SERVFAIL", async () => {
    const ask = await startBlocks("");
    expect(await ask("round.k.test")).toMatchObject({ rcode: "SERVFAIL", answer: [] });
  });

  test("that the other block keeps from this client is not given away", async () => {
    const ask = await startBlocks("");
    expect(await ask("closed.k.test")).toMatchObject({ rcode: "SERVFAIL", answer: [] });
  });

  test("that no block serves is left to the client's resolver", async () => {
    const ask = await startBlocks("");
    expect(await ask("nobody.k.test")).toMatchObject({
      rcode: "NOERROR",
      answer: ["nobody.k.test. 60 CNAME outside.test."],
    });
  });
});
