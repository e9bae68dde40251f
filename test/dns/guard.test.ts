import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findEntry, isExact } from "../../src/dns/decide.ts";
import { guardAnswer, passthroughRecords } from "../../src/dns/guard.ts";
import { compileTable, type GuardMode, hostnameKey } from "../../src/dns/table.ts";
import { TYPE, typeCode, typeName } from "../../src/dns/wire/codes.ts";
import { nameText } from "../../src/dns/wire/name.ts";
import { encodeQuestion } from "../../src/dns/wire/question.ts";
import { readMessage, type WireMessage } from "../../src/dns/wire/records.ts";
import { claim, viewOf } from "./support/views.ts";
import { encodeRecord, parseRecord, rawName } from "./support/zone.ts";

type Sections = {
  readonly answer?: readonly string[];
  readonly authority?: readonly string[];
  readonly additional?: readonly string[];
};

function upstreamMessage(name: string, type: string, sections: Sections): WireMessage {
  const { answer = [], authority = [], additional = [] } = sections;
  const header = Buffer.from([0, 1, 0x81, 0x80, 0, 1, 0, answer.length, 0, authority.length, 0, additional.length]);
  const question = encodeQuestion(rawName(name), typeCode(type) ?? 0);
  const records = [...answer, ...authority, ...additional].map((line) => encodeRecord(parseRecord(line)));
  const read = readMessage(Buffer.concat([header, question, ...records]));
  if (read === undefined) throw new Error("bad message in a test");
  return read;
}

const VIEW = viewOf(claim("api.openai.com"), claim("httpbin.org"), claim("*.anthropic.com"));

function guard(name: string, type: string, sections: Sections, mode: GuardMode = "exact", zones = ["."]) {
  const guarded = guardAnswer(upstreamMessage(name, type, sections), compileTable(VIEW, { guard: mode, zones }));
  return {
    keep: guarded.keep.map((record) => `${record.section} ${nameText(record.key)} ${typeName(record.type)}`),
    splice: guarded.splice && nameText(guarded.splice.owner),
    events: guarded.events,
  };
}

const ALIAS = ["alias.example. 60 CNAME Api.OpenAI.com.", "api.openai.com. 60 A 6.6.6.6"];

describe("alias guard", () => {
  test("an alias of an egress name is kept, its address is not, and ours follow under the name as it was written", () => {
    expect(guard("alias.example.", "A", { answer: ALIAS })).toEqual({
      keep: ["answer alias.example. CNAME"],
      splice: "Api.OpenAI.com.",
      events: ["cname"],
    });
  });

  test.each(["AAAA", "HTTPS", "SRV", "TYPE65280"])("the chain is cut for %s too", (type) => {
    expect(guard("alias.example.", type, { answer: [ALIAS[0] as string] }).splice).toBe("Api.OpenAI.com.");
  });

  test("an alias of a claimed name outside the table's zones is left alone, and so are its addresses elsewhere", () => {
    const sections = { answer: ALIAS, additional: ["httpbin.org. 60 A 6.6.6.7"] };
    expect(guard("alias.example.", "A", sections, "exact", ["anthropic.com"])).toEqual({
      keep: ["answer alias.example. CNAME", "answer api.openai.com. A", "additional httpbin.org. A"],
      splice: undefined,
      events: [],
    });
    expect(guard("alias.example.", "A", sections, "exact", ["openai.com"]).splice).toBe("Api.OpenAI.com.");
  });

  test("a question for the alias itself is answered by it", () => {
    const guarded = guard("alias.example.", "CNAME", { answer: [ALIAS[0] as string] });
    expect(guarded).toEqual({ keep: ["answer alias.example. CNAME"], splice: undefined, events: [] });
  });

  test("records in any order make the same chain", () => {
    const chain = ["a.example. 60 CNAME b.example.", "b.example. 60 CNAME httpbin.org.", "httpbin.org. 60 A 6.6.6.6"];
    expect(guard("a.example.", "A", { answer: chain.toReversed() }).splice).toBe("httpbin.org.");
  });

  test("a DNAME that leads into an egress name is cut, with or without the CNAME made of it", () => {
    const dname = "dn.example. 60 DNAME openai.com.";
    const made = "api.dn.example. 60 CNAME api.openai.com.";
    expect(guard("api.dn.example.", "A", { answer: [dname, made, ALIAS[1] as string] })).toMatchObject({
      keep: ["answer dn.example. DNAME", "answer api.dn.example. CNAME"],
      splice: "api.openai.com.",
    });
    expect(guard("api.dn.example.", "A", { answer: [dname, ALIAS[1] as string] }).splice).toBe("api.openai.com.");
  });

  test("an alias of a name under a wildcard is counted, and steered only when strict", () => {
    const answer = ["w.example. 60 CNAME docs.anthropic.com.", "docs.anthropic.com. 60 A 6.6.6.6"];
    expect(guard("w.example.", "A", { answer })).toMatchObject({ splice: undefined, events: ["wildcard_cname"] });
    expect(guard("w.example.", "A", { answer }, "strict").splice).toBe("docs.anthropic.com.");
    expect(guard("w.example.", "A", { answer }, "off").keep).toHaveLength(2);
  });

  test("a loop of aliases ends", () => {
    const answer = ["a.example. 60 CNAME b.example.", "b.example. 60 CNAME a.example."];
    expect(guard("a.example.", "A", { answer })).toMatchObject({ splice: undefined });
  });

  test("a pass-through type keeps the records that the egress name has itself", () => {
    const answer = [ALIAS[0] as string, 'api.openai.com. 60 TXT "v"', "api.openai.com. 60 A 6.6.6.6"];
    expect(guard("alias.example.", "TXT", { answer }).keep).toEqual([
      "answer alias.example. CNAME",
      "answer api.openai.com. TXT",
    ]);
  });
});

describe("other records", () => {
  test("HTTPS records that point at an egress name go, others stay", () => {
    const answer = [
      "x.example. 60 HTTPS 0 api.openai.com.",
      "x.example. 60 HTTPS 1 docs.anthropic.com. ipv4hint=6.6.6.6",
      "x.example. 60 HTTPS 1 . alpn=h2",
    ];
    expect(guard("x.example.", "HTTPS", { answer })).toEqual({
      keep: ["answer x.example. HTTPS"],
      splice: undefined,
      events: ["svcb_target", "svcb_target"],
    });
  });

  test.each([
    ["a name that may be an alias of one goes", "x.example. 60 HTTPS 1 y.example. alpn=h2 ipv4hint=6.6.6.6", []],
    ["the same over IPv6 goes", "x.example. 60 SVCB 1 y.example. ipv6hint=2001:db8::6", []],
    ["their own owner stays", "x.example. 60 HTTPS 1 X.example. ipv4hint=192.0.2.1", ["answer x.example. HTTPS"]],
    ["the owner as root stays", "x.example. 60 HTTPS 1 . ipv4hint=192.0.2.1", ["answer x.example. HTTPS"]],
    ["nobody stays", "x.example. 60 HTTPS 1 y.example. alpn=h2", ["answer x.example. HTTPS"]],
  ])("an HTTPS record with hints of %s", (_title, record, keep) => {
    const type = record.includes("SVCB") ? "SVCB" : "HTTPS";
    expect(guard("x.example.", type, { answer: [record] }).keep).toEqual(keep);
  });

  test("records off the chain go, and so do additional addresses of egress names", () => {
    const guarded = guard("x.example.", "SRV", {
      answer: ["x.example. 60 SRV 0 0 443 api.openai.com.", "evil.example. 60 A 6.6.6.6"],
      additional: ["api.openai.com. 60 A 6.6.6.6", "docs.anthropic.com. 60 A 6.6.6.6", "ok.example. 60 A 192.0.2.1"],
    });
    expect(guarded.keep).toEqual(["answer x.example. SRV", "additional ok.example. A"]);
    expect(guarded.events).toEqual(["additional", "additional"]);
  });

  test("the SOA of a zone whose apex is an egress name stays, a delegation of it goes", () => {
    const authority = [
      "httpbin.org. 60 SOA ns.httpbin.org. h.httpbin.org. 1 2 3 4 60",
      "httpbin.org. 60 NS ns.httpbin.org.",
    ];
    expect(guard("www.httpbin.org.", "AAAA", { authority }).keep).toEqual(["authority httpbin.org. SOA"]);
  });
});

describe("pass-through types", () => {
  const kept = (answer: readonly string[]) =>
    passthroughRecords(upstreamMessage("httpbin.org.", "MX", { answer, additional: ["mx.httpbin.org. 60 A 6.6.6.6"] }));

  test("the name's own records are shown, nothing else", () => {
    expect(kept(["httpbin.org. 60 MX 10 mx.httpbin.org.", "other.example. 60 A 6.6.6.6"])).toHaveLength(1);
  });

  test("an alias at the name hides everything", () => {
    const alias = "httpbin.org. 60 CNAME cdn.example.";
    expect(kept([alias, "cdn.example. 60 MX 10 mx.example."])).toEqual([]);
    expect(kept([alias, "httpbin.org. 60 MX 10 mx.example."])).toEqual([]);
  });
});

const owner = fc.constantFrom(
  ...["q.example.", "a.example.", "b.example.", "api.openai.com.", "httpbin.org.", "docs.anthropic.com."],
);
const line = fc.oneof(
  fc.tuple(owner, owner).map(([from, to]) => `${from} 60 CNAME ${to}`),
  owner.map((from) => `${from} 60 A 6.6.6.6`),
  fc.tuple(owner, owner).map(([from, to]) => `${from} 60 HTTPS 1 ${to} ipv4hint=6.6.6.6`),
);
const lines = fc.array(line, { maxLength: 7 });

describe("law", () => {
  test("no answer holds an address of an egress name that the upstream gave", () => {
    const table = compileTable(VIEW, { guard: "strict" });
    const question = fc.constantFrom("A", "AAAA", "HTTPS", "TXT", "ANY");
    fc.assert(
      fc.property(question, lines, lines, lines, (type, answer, authority, additional) => {
        const guarded = guardAnswer(upstreamMessage("q.example.", type, { answer, authority, additional }), table);
        for (const record of guarded.keep) {
          if (record.section === "answer" && record.type === TYPE.CNAME) continue;
          expect(findEntry(table, record.key)).toBeUndefined();
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("by default the same holds for every exactly claimed name", () => {
    const table = compileTable(VIEW);
    fc.assert(
      fc.property(lines, lines, (answer, additional) => {
        const guarded = guardAnswer(upstreamMessage("q.example.", "A", { answer, additional }), table);
        for (const record of guarded.keep) expect(isExact(table, record.key)).toBe(false);
        for (const record of guarded.keep.filter((one) => one.section === "additional")) {
          expect(record.key).not.toBe(hostnameKey("docs.anthropic.com"));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
