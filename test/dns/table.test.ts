import { decode } from "dns-packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide, findClaim, findEntry, isExact } from "../../src/dns/decide.ts";
import { compileTable, hostnameKey, namesOf } from "../../src/dns/table.ts";
import { FLAG, TYPE } from "../../src/dns/wire/codes.ts";
import { gate } from "../../src/dns/wire/gate.ts";
import { writeLocalAnswer } from "../../src/dns/wire/reply.ts";
import { canonicalAddress } from "../../src/model/address.ts";
import { encodeQuery } from "./support/dns-client.ts";
import { replyText } from "./support/reply-text.ts";
import { claim, closed, gatewayRef, ready, viewOf } from "./support/views.ts";

const found = (hostnames: readonly string[], name: string, except: readonly string[] = []): string | undefined =>
  findEntry(compileTable(viewOf(...hostnames.map((one) => claim(one))), { except }), hostnameKey(name))?.hostname;

describe("claims", () => {
  test.each([
    ["an exact name", ["api.openai.com"], "api.openai.com", "api.openai.com"],
    ["a name below an exact name", ["httpbin.org"], "www.httpbin.org", undefined],
    ["the parent of an exact name", ["api.openai.com"], "openai.com", undefined],
    ["one label under a wildcard", ["*.anthropic.com"], "docs.anthropic.com", "*.anthropic.com"],
    ["two labels under a wildcard", ["*.anthropic.com"], "a.b.anthropic.com", "*.anthropic.com"],
    ["the base of a wildcard", ["*.anthropic.com"], "anthropic.com", undefined],
    ["a name that only ends alike", ["*.anthropic.com"], "xanthropic.com", undefined],
    [
      "an exact name under a wildcard",
      ["*.anthropic.com", "api.anthropic.com"],
      "api.anthropic.com",
      "api.anthropic.com",
    ],
    ["below an exact name under a wildcard", ["*.a.com", "x.a.com"], "y.x.a.com", "*.a.com"],
    ["the longer of two wildcards", ["*.example.com", "*.eu.example.com"], "x.eu.example.com", "*.eu.example.com"],
    ["a literal asterisk", ["*.anthropic.com"], "*.anthropic.com", "*.anthropic.com"],
    ["the root", ["*.com"], "", undefined],
  ])("%s", (_what, hostnames, name, hostname) => {
    expect(found(hostnames, name)).toBe(hostname);
  });

  test("an excepted name is left alone with everything below it", () => {
    const except = ["storage.googleapis.com"];
    expect(found(["*.googleapis.com"], "storage.googleapis.com", except)).toBeUndefined();
    expect(found(["*.googleapis.com"], "eu.storage.googleapis.com", except)).toBeUndefined();
    expect(found(["*.googleapis.com"], "maps.googleapis.com", except)).toBe("*.googleapis.com");
  });

  test("names of settings may have a root dot and capitals", () => {
    const { except, zones, clusterDomain } = compileTable(viewOf(), {
      except: ["Storage.googleapis.com."],
      zones: ["Example.org."],
      clusterDomain: "Corp.internal.",
    });
    expect([...except]).toEqual([hostnameKey("storage.googleapis.com")]);
    expect(zones).toEqual([hostnameKey("example.org")]);
    expect(clusterDomain).toBe(hostnameKey("corp.internal"));
  });

  test.each([".", "", "a..b"])("'%s' is no cluster domain: the usual one counts", (clusterDomain) => {
    expect(compileTable(viewOf(), { clusterDomain }).clusterDomain).toBe(hostnameKey("cluster.local"));
  });

  test("a gateway's pods get real addresses, unless they are to be steered too", () => {
    const view = { ...viewOf(), gatewayPodAddresses: ["::ffff:10.244.1.5", "nonsense"] };
    expect([...compileTable(view).gatewayClients]).toEqual(["10.244.1.5"]);
    expect([...compileTable(view, { gatewayClients: "egress" }).gatewayClients]).toEqual([]);
  });

  test("ten thousand names of one gateway share their records and are compiled within 100 ms", () => {
    const hosts = Array.from({ length: 10_000 }, (_, index) => claim(`host-${index}.example.com`, ready("10.0.0.1")));
    const view = viewOf(...hosts);
    const milliseconds = [1, 2, 3, 4, 5].map(() => {
      const before = performance.now();
      compileTable(view);
      return performance.now() - before;
    });
    expect(Math.min(...milliseconds)).toBeLessThan(100);
    const names = namesOf(compileTable(view));
    const entries = Array.from({ length: names.size }, (_, number) => names.entry(number));
    expect(new Set(entries.map(({ hostname }) => hostname)).size).toBe(10_000);
    expect(new Set(entries.map(({ a }) => a)).size).toBe(1);
    expect(new Set(entries.map(({ addresses }) => addresses)).size).toBe(1);
  });

  test("the first claim of a name counts", () => {
    const second = { ...claim("a.com"), gateway: gatewayRef("other") };
    expect(findClaim(compileTable(viewOf(claim("a.com"), second)), hostnameKey("a.com"))?.gateway.name).toBe("egress");
  });
});

function answerOf(addresses: readonly string[], type: "A" | "AAAA", limit = 1232, turn = 0) {
  const table = compileTable(viewOf(claim("api.openai.com", ready(...addresses))));
  const message = encodeQuery({ name: "API.openai.com", type });
  const gated = gate(message);
  if (gated.verdict !== "question") throw new Error("not a question");
  const decision = decide(table, { ...gated.query, fromGateway: false });
  if (decision.action !== "answer") throw new Error("not answered");
  const out = Buffer.alloc(2048);
  const bytes = out.subarray(0, writeLocalAnswer(out, message, gated.query, decision.answer, limit, turn));
  return { bytes, text: replyText(bytes) };
}

describe("prepared answers", () => {
  test("both families are encoded, owners in the question's case", () => {
    const addresses = ["10.96.10.10", "fd00:10:96::10"];
    expect(answerOf(addresses, "A").text.answer).toEqual(["API.openai.com. 5 A 10.96.10.10"]);
    expect(answerOf(addresses, "AAAA").text.answer).toEqual(["API.openai.com. 5 AAAA fd00:10:96::10"]);
  });

  test("addresses that look unusual are encoded as what they are", () => {
    expect(answerOf(["::ffff:10.96.10.10"], "A").text.answer).toEqual(["API.openai.com. 5 A 10.96.10.10"]);
    expect(answerOf(["64:ff9b::192.0.2.1"], "AAAA").text.answer).toEqual(["API.openai.com. 5 AAAA 64:ff9b::c000:201"]);
  });

  test("the first address changes from answer to answer", () => {
    const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    const firsts = [0, 1, 2].map((turn) => answerOf(addresses, "A", 1232, turn).text.answer[0]?.split(" ")[3]);
    expect(firsts).toEqual(addresses);
  });

  test("addresses that do not fit are left out, and the answer is not truncated", () => {
    const many = Array.from({ length: 60 }, (_, index) => `10.0.0.${index + 1}`);
    const { bytes, text } = answerOf(many, "A", 512, 59);
    expect(bytes.length).toBeLessThanOrEqual(512);
    expect(text.flags).not.toContain("tc");
    expect(text.answer).toHaveLength(30);
    expect(text.answer[0]).toContain("10.0.0.60");
  });

  test("a missing family is NODATA with an SOA of the question name", () => {
    const { text } = answerOf(["10.96.10.10"], "AAAA");
    expect(text.answer).toEqual([]);
    expect(text.authority).toEqual(["API.openai.com. 5 SOA API.openai.com. nobody.invalid. 1 3600 1200 604800 5"]);
  });

  test("the SOA stands behind any question, however the name ends", () => {
    const table = compileTable(viewOf(claim("*.nobody.invalid")));
    const message = encodeQuery({ name: "x.y.nobody.invalid", type: "HTTPS" });
    const gated = gate(message);
    const decision = decide(table, { key: hostnameKey("x.y.nobody.invalid"), type: TYPE.HTTPS, fromGateway: false });
    if (gated.verdict !== "question" || decision.action !== "answer") throw new Error("not answered");
    const out = Buffer.alloc(512);
    const length = writeLocalAnswer(out, message, gated.query, decision.answer, 512, 0);
    const [soa] = decode(out.subarray(0, length)).authorities ?? [];
    expect(soa).toMatchObject({
      name: "x.y.nobody.invalid",
      data: { mname: "x.y.nobody.invalid", rname: "nobody.invalid" },
    });
  });

  test("a ready gateway without a usable address is closed", () => {
    const table = compileTable(viewOf(claim("a.com", ready("0.0.0.0", "nonsense", "::1"))));
    expect(findClaim(table, hostnameKey("a.com"))).toMatchObject({
      status: "closed",
      reason: "it has no usable address",
    });
  });

  test("a table survives being sent to a thread", () => {
    const table = compileTable(viewOf(claim("a.com"), claim("*.b.com", closed())), { except: ["x.b.com"] });
    const sent = structuredClone(table);
    const { names, ...rest } = table;
    expect(sent).toMatchObject(rest);
    expect(Buffer.from(sent.names).equals(Buffer.from(names))).toBe(true);
    for (const name of ["a.com", "y.b.com"]) {
      expect(findClaim(sent, hostnameKey(name))).toEqual(findClaim(table, hostnameKey(name)));
    }
  });

  test("a name's entry is the same object each time, and entries share what they say alike", () => {
    const table = compileTable(viewOf(claim("a.com"), claim("b.com")));
    const [a, b] = ["a.com", "b.com"].map((name) => findClaim(table, hostnameKey(name)));
    expect(findClaim(table, hostnameKey("a.com"))).toBe(a);
    expect(b).not.toBe(a);
    expect(b?.gateway).toBe(a?.gateway);
  });

  test("names that nobody can ask are left out", () => {
    const long = `${Array.from({ length: 5 }, () => "a".repeat(60)).join(".")}.com`;
    expect(compileTable(viewOf(claim(long), claim("a.com"))).counts.names).toBe(1);
  });

  test("names and wildcards are found as in two lists of them", () => {
    const label = fc.constantFrom("a", "b", "c", "de", "xn--p1ai");
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
    const hostname = fc.tuple(fc.boolean(), name).map(([wild, text]) => (wild ? `*.${text}` : text));
    fc.assert(
      fc.property(fc.array(hostname, { maxLength: 40 }), name, (hostnames, asked) => {
        const table = compileTable(viewOf(...hostnames.map((one) => claim(one))));
        const bases = asked.split(".").map((_, index, labels) => `*.${labels.slice(index + 1).join(".")}`);
        const expected = [asked, ...bases].find((one) => hostnames.includes(one));
        expect(findClaim(table, hostnameKey(asked))?.hostname).toBe(expected);
        expect(isExact(table, hostnameKey(asked))).toBe(hostnames.includes(asked));
        expect(table.counts.names).toBe(new Set(hostnames).size);
      }),
    );
  });
});

describe("canonical addresses", () => {
  test.each([
    ["10.0.0.1", "10.0.0.1"],
    ["FD00:0:0::0010", "fd00::10"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["::ffff:a00:1", "10.0.0.1"],
    ["fe80::1%eth0", undefined],
    ["api.openai.com", undefined],
    ["", undefined],
  ])("'%s' is %s", (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  test("every IPv6 address has one spelling", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const once = canonicalAddress(text);
        expect(once === undefined ? undefined : canonicalAddress(once)).toBe(once);
      }),
    );
  });
});

test("headers say AA and RA, repeat RD and CD, and never say AD", () => {
  const { bytes } = answerOf(["10.0.0.1"], "A");
  expect(bytes.readUInt16BE(2)).toBe(FLAG.QR | FLAG.AA | FLAG.RD | FLAG.RA);
});
