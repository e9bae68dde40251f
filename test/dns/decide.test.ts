import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Decision, decide } from "../../src/dns/decide.ts";
import { compileTable, hostnameKey, type TableOptions } from "../../src/dns/table.ts";
import { RCODE, TYPE, typeCode } from "../../src/dns/wire/codes.ts";
import { foldKey } from "../../src/dns/wire/name.ts";
import { claim, closed, unresolved, viewOf } from "./support/views.ts";
import { rawName } from "./support/zone.ts";

const VIEW = viewOf(
  claim("api.openai.com"),
  claim("httpbin.org"),
  claim("*.anthropic.com"),
  claim("down.example.com", closed()),
  claim("lb.example.com", unresolved("lb.example.net")),
);

const decideFor = (name: string, type: string, options: TableOptions = {}, fromGateway = false): Decision =>
  decide(compileTable(VIEW, options), { key: foldKey(rawName(name)), type: typeCode(type) ?? 0, fromGateway });

const outcome = (decision: Decision): string =>
  "reason" in decision ? `${decision.action}: ${decision.reason}` : decision.action;

describe("decisions", () => {
  test.each([
    ["api.openai.com", "A", "answer: steered"],
    ["API.OpenAI.com", "A", "answer: steered"],
    ["docs.anthropic.com", "A", "answer: steered"],
    ["api.openai.com", "AAAA", "answer: no-such-type"],
    ["api.openai.com", "HTTPS", "answer: no-such-type"],
    ["api.openai.com", "SVCB", "answer: no-such-type"],
    ["api.openai.com", "CNAME", "answer: no-such-type"],
    ["api.openai.com", "NS", "answer: no-such-type"],
    ["api.openai.com", "DS", "answer: no-such-type"],
    ["api.openai.com", "SRV", "answer: no-such-type"],
    ["api.openai.com", "TYPE65280", "answer: no-such-type"],
    ["api.openai.com", "SOA", "answer: soa"],
    ["api.openai.com", "ANY", "answer: any"],
    ["httpbin.org", "MX", "passthrough"],
    ["httpbin.org", "TXT", "passthrough"],
    ["httpbin.org", "CAA", "passthrough"],
    ["_8443._https.api.openai.com", "HTTPS", "answer: attribute-name"],
    ["_8443._https.api.openai.com", "A", "answer: attribute-name"],
    ["_dns.api.openai.com", "SVCB", "answer: attribute-name"],
    ["_8443._https.down.example.com", "HTTPS", "fail: closed"],
    ["_443._tcp.api.openai.com", "TYPE52", "forward: not-egress"],
    ["_dmarc.httpbin.org", "TXT", "forward: not-egress"],
    ["_https", "HTTPS", "forward: not-egress"],
    ["down.example.com", "A", "fail: closed"],
    ["down.example.com", "HTTPS", "fail: closed"],
    ["down.example.com", "MX", "fail: closed"],
    ["lb.example.com", "A", "resolve"],
    ["lb.example.com", "AAAA", "resolve"],
    ["lb.example.com", "HTTPS", "answer: no-such-type"],
    ["www.httpbin.org", "A", "forward: not-egress"],
    ["anthropic.com", "A", "forward: not-egress"],
    [".", "NS", "forward: not-egress"],
    ["api.openai.com.default.svc.cluster.local", "A", "answer: search-expansion"],
    ["api.openai.com.svc.cluster.local", "AAAA", "answer: search-expansion"],
    ["api.openai.com.cluster.local", "A", "answer: search-expansion"],
    ["docs.anthropic.com.default.svc.cluster.local", "A", "answer: search-expansion"],
    ["down.example.com.default.svc.cluster.local", "A", "answer: search-expansion"],
    ["web.default.svc.cluster.local", "A", "forward: not-egress"],
    ["httpbin.org.default.svc.cluster.local", "A", "answer: search-expansion"],
    ["httpbin.org.svc.cluster.local", "A", "forward: not-egress"],
    ["httpbin.org.cluster.local", "A", "answer: search-expansion"],
    ["cluster.local", "A", "forward: not-egress"],
    ["svc.cluster.local", "A", "forward: not-egress"],
    ["api.openai.com.corp.example.org", "A", "forward: not-egress"],
  ])("%s %s", (name, type, expected) => {
    expect(outcome(decideFor(name, type))).toBe(expected);
  });

  test.each([
    ["api.openai.com", "fail: not-synced"],
    ["example.org", "fail: not-synced"],
    ["web.default.svc.cluster.local", "forward: cluster-name-before-sync"],
    ["10.0.96.10.in-addr.arpa", "forward: cluster-name-before-sync"],
    ["1.0.0.f.ip6.arpa", "forward: cluster-name-before-sync"],
  ])("before the first sync: %s", (name, expected) => {
    expect(outcome(decideFor(name, "A", { synced: false }))).toBe(expected);
  });

  test("a gateway's own pods get everything forwarded, unguarded", () => {
    expect(decideFor("api.openai.com", "A", {}, true)).toMatchObject({ action: "forward", guarded: false });
  });

  test("a search list is not answered when that is switched off, nor in another cluster domain", () => {
    const name = "api.openai.com.default.svc.cluster.local";
    expect(outcome(decideFor(name, "A", { search: "forward" }))).toBe("forward: not-egress");
    expect(outcome(decideFor(name, "A", { clusterDomain: "corp.internal" }))).toBe("forward: not-egress");
  });

  const EXPANDED = "api.openai.com.default.svc.cluster.local";

  test.each([
    ["api.openai.com", "A", "answer: steered"],
    ["docs.anthropic.com", "A", "forward: not-egress"],
    ["_8443._https.api.openai.com", "HTTPS", "answer: attribute-name"],
    ["_8443._https.docs.anthropic.com", "HTTPS", "forward: not-egress"],
    [EXPANDED, "A", "answer: search-expansion"],
    ["docs.anthropic.com.default.svc.cluster.local", "A", "forward: not-egress"],
  ])("limited to openai.com and org, %s %s: %s", (name, type, expected) => {
    expect(outcome(decideFor(name, type, { zones: ["OpenAI.com.", "org"] }))).toBe(expected);
  });

  test("a zone covers itself, and limits a wildcard that reaches beyond it", () => {
    const zones = ["httpbin.org", "eu.anthropic.com."];
    expect(outcome(decideFor("httpbin.org", "A", { zones }))).toBe("answer: steered");
    expect(outcome(decideFor("a.eu.anthropic.com", "A", { zones }))).toBe("answer: steered");
    expect(outcome(decideFor("us.anthropic.com", "A", { zones }))).toBe("forward: not-egress");
  });

  test("the root among the zones limits nothing, nor do texts that are no names", () => {
    expect(outcome(decideFor("httpbin.org", "A", { zones: ["openai.com", "."] }))).toBe("answer: steered");
    expect(outcome(decideFor("httpbin.org", "A", { zones: ["a..b"] }))).toBe("answer: steered");
  });

  test("before the first sync names outside the zones fail too: an alias of theirs could lead inside", () => {
    expect(outcome(decideFor("example.net", "A", { zones: ["openai.com"], synced: false }))).toBe("fail: not-synced");
  });

  test.each([
    [EXPANDED, "A", "answer: search-expansion", "api.openai.com", "NOERROR with records"],
    [EXPANDED, "AAAA", "answer: search-expansion", "api.openai.com", "NOERROR with SOA"],
    [EXPANDED, "HTTPS", "answer: search-expansion", "api.openai.com", "NOERROR with SOA"],
    [EXPANDED, "MX", "answer: search-expansion", "api.openai.com", "NOERROR with SOA"],
    [EXPANDED, "SOA", "answer: search-expansion", "api.openai.com", "NOERROR with SOA"],
    [EXPANDED, "CNAME", "answer: search-expansion", "api.openai.com", "NOERROR"],
    [EXPANDED, "ANY", "answer: search-expansion", "api.openai.com", "NOERROR"],
    ["docs.anthropic.com.cluster.local", "A", "answer: search-expansion", "docs.anthropic.com", "NOERROR with records"],
    ["lb.example.com.svc.cluster.local", "A", "resolve", "lb.example.com", undefined],
    ["down.example.com.svc.cluster.local", "A", "fail: closed", undefined, "SERVFAIL"],
    ["api.openai.com", "A", "answer: steered", undefined, "NOERROR with records"],
  ])("with search cname, %s %s: %s", (name, type, expected, alias, answered) => {
    const decision = decideFor(name, type, { search: "cname" });
    expect(outcome(decision)).toBe(expected);
    expect("alias" in decision ? decision.alias : undefined).toBe(alias && hostnameKey(alias));
    if (!("answer" in decision)) return;
    const { rcode, answer, authority } = decision.answer;
    const word = rcode === RCODE.NOERROR ? "NOERROR" : "SERVFAIL";
    expect(`${word}${answer ? " with records" : ""}${authority ? " with SOA" : ""}`).toBe(answered);
  });

  test("the types that pass through can be chosen", () => {
    expect(outcome(decideFor("httpbin.org", "MX", { passthrough: [] }))).toBe("answer: no-such-type");
  });
});

const name = fc.constantFrom(
  ...["api.openai.com", "httpbin.org", "a.anthropic.com", "a.b.anthropic.com", "down.example.com", "lb.example.com"],
);
const type = fc.integer({ min: 0, max: 0xffff });
const caseOf = (text: string, mask: number): string =>
  [...text].map((letter, index) => ((mask >> (index % 30)) & 1 ? letter.toUpperCase() : letter)).join("");

describe("laws", () => {
  test("an egress hostname is never forwarded, whatever the type and the case", () => {
    fc.assert(
      fc.property(name, type, fc.nat(), (text, asked, mask) => {
        const key = foldKey(rawName(caseOf(text, mask)));
        const decision = decide(compileTable(VIEW), { key, type: asked, fromGateway: false });
        expect(decision.action).not.toBe("forward");
        if (decision.action === "passthrough") expect([TYPE.MX, TYPE.TXT, TYPE.CAA]).toContain(asked);
      }),
      { numRuns: 2_000 },
    );
  });

  test("every question has one decision, and an answer made here is NOERROR, NXDOMAIN or SERVFAIL", () => {
    const octets = fc.array(fc.uint8Array({ minLength: 1, maxLength: 10 }), { maxLength: 6 });
    const table = compileTable(VIEW);
    fc.assert(
      fc.property(octets, type, fc.boolean(), (labels, asked, fromGateway) => {
        const raw = labels.map((one) => String.fromCharCode(one.length) + Buffer.from(one).toString("latin1")).join("");
        const decision = decide(table, { key: foldKey(raw), type: asked, fromGateway });
        if (!("answer" in decision)) return;
        expect([RCODE.NOERROR, RCODE.NXDOMAIN, RCODE.SERVFAIL]).toContain(decision.answer.rcode);
      }),
    );
  });

  test("an answer never holds a type other than the one asked for", () => {
    fc.assert(
      fc.property(name, fc.constantFrom(TYPE.A, TYPE.AAAA), (text, asked) => {
        const decision = decide(compileTable(VIEW), { key: hostnameKey(text), type: asked, fromGateway: false });
        if (decision.action !== "answer" || decision.answer.answer === undefined) return;
        expect(Buffer.from(decision.answer.answer.bytes).readUInt16BE(2)).toBe(asked);
      }),
    );
  });
});
