import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRewriteHandlers } from "../../../../src/dns/directives/rewrite/handler.ts";
import type { RewriteSettings } from "../../../../src/dns/directives/rewrite/setup.ts";
import { type Answer, type PreparedAnswer, refusal } from "../../../../src/dns/pipeline/answer.ts";
import type { Exchange } from "../../../../src/dns/pipeline/exchange.ts";
import type { Serve } from "../../../../src/dns/pipeline/serve.ts";
import { FLAG, RCODE, typeName } from "../../../../src/dns/wire/codes.ts";
import { foldKey, nameText } from "../../../../src/dns/wire/name.ts";
import { type AnswerLines, atOnce, upstreamAnswer } from "../../support/answers.ts";
import type { TestQuery } from "../../support/dns-client.ts";
import { contextOf, delivered, exchangeOf } from "../../support/exchange.ts";
import { rawName } from "../../support/zone.ts";
import { settingsOf } from "../load.ts";

const handlerOf = (lines: string) =>
  createRewriteHandlers(settingsOf(lines) as readonly RewriteSettings[], contextOf());

/** What the directives behind are asked, as text. */
const askedOf = ({ asked }: Exchange): string => `${nameText(asked.key)} ${typeName(asked.type)}`;

/** Answers what is asked with records of a zone, `@` standing for the name that is asked. */
const upstream =
  (lines: AnswerLines): Serve =>
  (exchange) => {
    const named = (texts: readonly string[] | undefined): readonly string[] =>
      (texts ?? []).map((text) => text.replaceAll("@", () => nameText(exchange.asked.key)));
    const { answer, authority, additional } = lines;
    return upstreamAnswer(exchange, {
      ...lines,
      answer: named(answer),
      authority: named(authority),
      additional: named(additional),
    });
  };

function through(lines: string, query: TestQuery, next: Serve = upstream({ answer: ["@ 300 A 192.0.2.1"] })) {
  const exchange = exchangeOf(query);
  const asked: string[] = [];
  const serve = handlerOf(lines).wrap((changed) => {
    asked.push(askedOf(changed));
    return next(changed);
  });
  const answer = atOnce(serve(exchange));
  return { asked: asked[0], answer, reply: delivered(exchange, answer) };
}

describe("what is asked behind rewrite", () => {
  test.each([
    ["name old.test new.test", "old.test", "new.test."],
    ["name exact old.test new.test", "OLD.test", "new.test."],
    ["name exact old.test new.test", "x.old.test", "x.old.test."],
    ["name prefix api- v2.", "api-web.test", "v2.web.test."],
    ["name prefix api- v2.", "web.api-test", "web.api-test."],
    ["name suffix .old.test .new.test", "a.b.old.test", "a.b.new.test."],
    ["name suffix .old.test .new.test", "old.test", "old.test."],
    ["name suffix old.test. new.test.", "bold.test", "bnew.test."],
    ["name substring o 0", "foo.old.test", "f00.0ld.test."],
    ["name substring b $&", "ab.test", "a\\$&.test."],
    ["name regex (.*)-(us|eu)[.]test {2}.{1}.example.org", "web-eu.test", "eu.web.example.org."],
    ["name regex ^a {0}b.test", "a.test", "ab.test."],
    ["name regex (x)?a[.]test {1}y.test", "a.test", "y.test."],
    ["name regex (.+)[.]test {1}", "{1}.test", "{1}."],
  ])("%s: %s becomes %s", (rule, name, expected) => {
    expect(through(`rewrite ${rule}`, { name }).asked).toBe(`${expected} A`);
  });

  test("a dot inside a label is not one between labels", () => {
    const rule = "rewrite name suffix .b.test .c.test answer auto";
    expect(through(rule, { name: "a\\.b.test" }).asked).toBe("a\\.b.test. A");
    const { asked, reply } = through(rule, { name: "a\\\\.b.test" }, upstream({ answer: ["@ 60 CNAME x\\.c.test"] }));
    expect(asked).toBe("a\\\\.c.test. A");
    expect(reply?.answer[0]).toMatch(/ CNAME x\.c\.test\.$/);
  });

  test.each([
    ["rewrite type AAAA A", "AAAA", "A"],
    ["rewrite type TXT A", "AAAA", "AAAA"],
  ])("%s: %s becomes %s", (rule, type, expected) => {
    expect(through(rule, { name: "a.test", type }).asked).toBe(`a.test. ${expected}`);
  });

  test("a class is changed, and questions of that class reach the handler", () => {
    const handler = handlerOf("rewrite class CH IN");
    expect(handler.classes).toEqual([3]);
    const exchange = exchangeOf({ name: "a.test" });
    let asked: Exchange["asked"] | undefined;
    const serve = handler.wrap((changed) => {
      asked = changed.asked;
      return refusal("forward", RCODE.REFUSED);
    });
    serve({ ...exchange, asked: { ...exchange.asked, class: 3 } });
    expect(asked?.class).toBe(1);
    expect(handlerOf("rewrite class IN CH").classes).toEqual([]);
  });

  test.each([
    ["stop, the default", "rewrite name a.test b.test\nrewrite name b.test c.test", "b.test. A"],
    ["continue", "rewrite continue name a.test b.test\nrewrite name b.test c.test", "c.test. A"],
    [
      "continue to a rule that does not match",
      "rewrite continue name a.test b.test\nrewrite name x.test c.test",
      "b.test. A",
    ],
    ["a type, then a name", "rewrite continue type A AAAA\nrewrite name suffix a.test b.test", "b.test. AAAA"],
    ["a ttl rule that matches and stops", "rewrite ttl a.test 5\nrewrite name a.test b.test", "a.test. A"],
    ["a first rule that does not match", "rewrite name x.test c.test\nrewrite name a.test b.test", "b.test. A"],
  ])("%s", (_what, lines, expected) => {
    expect(through(lines, { name: "a.test" }).asked).toBe(expected);
  });

  test("the client's own question stays to be seen", () => {
    const exchange = exchangeOf({ name: "Old.test" });
    const serve = handlerOf("rewrite name old.test new.test").wrap((changed) => {
      expect(changed).toEqual({
        ...exchange,
        asked: { ...exchange.asked, key: "\x03new\x04test", raw: "\x03new\x04test" },
      });
      return refusal("forward", RCODE.REFUSED);
    });
    serve(exchange);
  });

  test.each([
    ["an empty label", "rewrite name substring old .", "old.test"],
    ["a label that is too long", `rewrite name prefix a ${"b".repeat(63)}`, "aa.test"],
    ["a name that is too long", "rewrite name substring a bbbbbbbb", `${"a.".repeat(60)}test`],
  ])("a rule that makes %s fails the question, and says so", (_what, lines, name) => {
    const { asked, answer, reply } = through(lines, { name, edns: {} });
    expect(asked).toBeUndefined();
    expect(reply).toMatchObject({ rcode: "SERVFAIL", question: [`${name}. A`] });
    expect(answer).toMatchObject({ by: "rewrite", cause: "invalid name after rewrite" });
  });

  test("a question that no rule is about is passed on as it is", () => {
    const exchange = exchangeOf({ name: "a.test" });
    const answer = refusal("forward", RCODE.REFUSED);
    const serve = handlerOf("rewrite name x.test y.test\nrewrite ttl suffix .y 5").wrap((passed) => {
      expect(passed).toBe(exchange);
      return answer;
    });
    expect(serve(exchange)).toBe(answer);
  });
});

describe("what the client sees of a rewritten name", () => {
  const ZONE: AnswerLines = {
    answer: ["@ 60 CNAME x.new.test", "x.new.test 60 CNAME y.@", "y.@ 60 A 192.0.2.1"],
    authority: ["new.test 60 NS @"],
    additional: ["@ 60 A 192.0.2.2"],
  };
  const seen = (rule: string, name: string) => through(`rewrite ${rule}`, { name }, upstream(ZONE)).reply;

  test("an exact rule turns the name and all below it back, in owners and values", () => {
    expect(seen("name Old.test new.example", "oLd.test")).toMatchObject({
      question: ["oLd.test. A"],
      answer: ["oLd.test. 60 CNAME x.new.test.", "x.new.test. 60 CNAME y.oLd.test.", "y.oLd.test. 60 A 192.0.2.1"],
      authority: ["new.test. 60 NS oLd.test."],
      additional: ["oLd.test. 60 A 192.0.2.2"],
    });
  });

  test.each([
    ["name prefix old new", "old.test"],
    ["name suffix .old .new.test", "a.old"],
    ["name substring ol ne", "old.test"],
    ["name regex old[.](.*) new.{1}", "old.test"],
  ])("%s turns back owners that are the name, nothing else", (rule, name) => {
    const asked = through(`rewrite ${rule}`, { name }).asked?.replace(" A", "");
    expect(seen(rule, name)?.answer).toEqual([
      `${name}. 60 CNAME x.new.test.`,
      `x.new.test. 60 CNAME y.${asked}`,
      `y.${asked} 60 A 192.0.2.1`,
    ]);
  });

  test.each([
    ["name prefix old new answer auto", "old.test"],
    ["name substring ol ne answer auto", "old.test"],
    ["name regex old[.](.*) new.{1} answer auto", "old.test"],
  ])("%s turns the name and all below it back, in owners and values", (rule, name) => {
    expect(seen(rule, name)?.answer.slice(1)).toEqual([
      expect.stringMatching(/^x\..* 60 CNAME y\.old\.test\.$/),
      "y.old.test. 60 A 192.0.2.1",
    ]);
  });

  test("an automatic suffix rule turns every name back that has the suffix", () => {
    expect(seen("name suffix .old .new.test answer auto", "a.old")).toMatchObject({
      answer: ["a.old. 60 CNAME x.old.", "x.old. 60 CNAME y.a.old.", "y.a.old. 60 A 192.0.2.1"],
      authority: ["new.test. 60 NS a.old."],
      additional: ["a.old. 60 A 192.0.2.2"],
    });
  });

  test("answer name and answer value say how, one for owners and one for values", () => {
    const named = "name regex (.*)[.]old {1}.new.test answer name (.*)[.]new[.]test {1}.old";
    expect(seen(named, "a.old")?.answer).toEqual([
      "a.old. 60 CNAME x.new.test.",
      "x.old. 60 CNAME y.a.new.test.",
      "y.a.old. 60 A 192.0.2.1",
    ]);
    const valued = "name suffix .old .new.test answer auto answer value ^x[.].* z.test";
    expect(seen(valued, "a.old")?.answer[0]).toBe("a.old. 60 CNAME z.test.");
  });

  test("a name that would become too long stays", () => {
    const [asked, below] = [`${"a".repeat(60)}.test`, `${"b.".repeat(100)}n`];
    const lines = { answer: ["@ 60 CNAME c.n", `${below} 60 A 192.0.2.1`] };
    expect(through(`rewrite name ${asked} n`, { name: asked }, upstream(lines)).reply?.answer).toEqual([
      `${asked}. 60 CNAME c.${asked}.`,
      `${below}. 60 A 192.0.2.1`,
    ]);
  });

  test("an answer rule that makes no name leaves the name", () => {
    const rule = "name regex (.*)[.]old {1}.new.test answer name (.*) .. answer value (.*) ..";
    expect(seen(rule, "a.old")?.answer[0]).toBe("a.new.test. 60 CNAME x.new.test.");
  });

  test.each([
    ["MX", "MX 10 @", "10 old.test."],
    ["SRV", "SRV 1 2 443 @", "1 2 443 old.test."],
    ["NS", "NS @", "old.test."],
    ["PTR", "PTR @", "old.test."],
    ["DNAME", "DNAME @", "old.test."],
    ["SOA", "SOA @ mail.@ 1 2 3 4 5", "old.test. mail.new.test. 1 2 3 4 5"],
  ])("the value of %s is turned back", (type, data, expected) => {
    const { reply } = through(
      "rewrite name old.test new.test",
      { name: "old.test", type },
      upstream({ answer: [`@ 60 ${data}`] }),
    );
    expect(reply?.answer).toEqual([`old.test. 60 ${type} ${expected}`]);
  });

  test("what looks like a name in other data stays", () => {
    const { reply } = through(
      "rewrite name old.test new.test",
      { name: "old.test", type: "TXT" },
      upstream({ answer: ['@ 60 TXT "new.test."'] }),
    );
    expect(reply?.answer).toEqual(['old.test. 60 TXT "new.test."']);
  });

  test("several rules are turned back one after the other, the last one first", () => {
    const lines =
      "rewrite continue name suffix .a.test .b.test answer auto\nrewrite name suffix .b.test .c.test answer auto";
    const { asked, reply } = through(
      lines,
      { name: "x.a.test" },
      upstream({ answer: ["@ 60 CNAME y.c.test", "y.c.test 60 A 192.0.2.1"] }),
    );
    expect(asked).toBe("x.c.test. A");
    expect(reply?.answer).toEqual(["x.a.test. 60 CNAME y.a.test.", "y.a.test. 60 A 192.0.2.1"]);
  });

  test("a type is turned back in the question only", () => {
    const { answer, reply } = through("rewrite type AAAA A", { name: "a.test", type: "AAAA" });
    expect(reply).toMatchObject({ question: ["a.test. AAAA"], answer: ["a.test. 300 A 192.0.2.1"] });
    expect(answer).toMatchObject({ message: { type: 28 } });
  });

  test("flags, extended error and cause of the answer stay", () => {
    const ede = Uint8Array.of(0, 15, 0, 2, 0, 3);
    const next: Serve = (exchange) => ({
      ...upstreamAnswer(exchange, { rcode: 3, flags: FLAG.AA }),
      ede,
      cause: "why",
    });
    const { answer } = through("rewrite name old.test new.test", { name: "old.test" }, next);
    expect(answer).toMatchObject({ form: "message", by: "forward", rcode: 3, flags: FLAG.AA, ede, cause: "why" });
  });

  test("records that were left out stay out", () => {
    const next: Serve = (exchange) => {
      const answer = upstreamAnswer(exchange, { answer: ["new.test 60 A 192.0.2.1", "new.test 60 A 192.0.2.2"] });
      return { ...answer, records: answer.records.slice(1) };
    };
    const { reply } = through("rewrite name old.test new.test", { name: "old.test" }, next);
    expect(reply?.answer).toEqual(["old.test. 60 A 192.0.2.2"]);
  });

  test("an answer that comes later is turned back as well", async () => {
    const exchange = exchangeOf({ name: "old.test" });
    const next = upstream({ answer: ["@ 60 A 192.0.2.1"] });
    const serve = handlerOf("rewrite name old.test new.test").wrap(async (changed) => next(changed));
    expect(delivered(exchange, await serve(exchange))?.answer).toEqual(["old.test. 60 A 192.0.2.1"]);
  });

  test("a malformed record fails the question", () => {
    const next: Serve = (exchange) => {
      const answer = upstreamAnswer(exchange, { answer: ["new.test 60 CNAME x.test"] });
      answer.message.bytes[answer.message.bytes.length - 6] = 0x3f;
      return answer;
    };
    const { answer } = through("rewrite name old.test new.test", { name: "old.test" }, next);
    expect(answer).toMatchObject({ form: "prepared", by: "rewrite", rcode: RCODE.SERVFAIL });
  });

  test("what is not sent stays unsent", () => {
    const dropped: Answer = { form: "dropped", by: "acl", rcode: 0 };
    expect(through("rewrite name old.test new.test", { name: "old.test" }, () => dropped).answer).toBe(dropped);
  });
});

describe("ttl and rcode rules", () => {
  const ZONE: AnswerLines = {
    answer: ["@ 1 A 192.0.2.1", "@ 60 A 192.0.2.2", "@ 900 A 192.0.2.3"],
    authority: ["test 3600 NS ns.test"],
  };

  test.each([
    ["30", [30, 30, 30], 30],
    ["30-", [30, 60, 900], 3600],
    ["-300", [1, 60, 300], 300],
    ["30-300", [30, 60, 300], 300],
  ])("ttl %s moves every TTL into the range", (range, ttls, authority) => {
    const { reply } = through(`rewrite ttl suffix .test ${range}`, { name: "a.test" }, upstream(ZONE));
    expect(reply?.answer).toEqual(ttls.map((ttl, index) => `a.test. ${ttl} A 192.0.2.${index + 1}`));
    expect(reply?.authority).toEqual([`test. ${authority} NS ns.test.`]);
  });

  test("a TTL that takes the place of all others is moved too", () => {
    const next: Serve = (exchange) => ({
      ...upstreamAnswer(exchange, { answer: ["a.test 60 A 192.0.2.1"] }),
      ttlSeconds: 5,
    });
    expect(through("rewrite ttl a.test 30-", { name: "a.test" }, next).reply?.answer).toEqual([
      "a.test. 30 A 192.0.2.1",
    ]);
  });

  test("a rule that no record disobeys changes nothing the client sees", () => {
    expect(through("rewrite ttl b.test 30", { name: "a.test" }, upstream(ZONE)).reply?.answer[0]).toContain(" 1 A ");
  });

  test("an rcode is replaced where it is the named one, with or without records", () => {
    const rule = "rewrite rcode regex .*[.]test SERVFAIL NXDOMAIN";
    expect(through(rule, { name: "a.test" }, upstream({ rcode: 2 })).reply?.rcode).toBe("NXDOMAIN");
    expect(through(rule, { name: "a.test" }, upstream({ ...ZONE, rcode: 2 })).reply?.rcode).toBe("NXDOMAIN");
    expect(through(rule, { name: "a.test" }, upstream({ rcode: 5 })).reply?.rcode).toBe("REFUSED");
    expect(through(rule, { name: "a.example" }, upstream({ rcode: 2 })).reply?.rcode).toBe("SERVFAIL");
  });
});

describe("prepared answers", () => {
  const block = (...records: readonly string[]) => ({
    bytes: Buffer.from(records.join(""), "hex"),
    count: records.length,
    stride: 0,
  });
  const A = "c00c0001000100000e100004c0000201";
  const prepared = (answer: PreparedAnswer["answer"], authority?: PreparedAnswer["authority"]): PreparedAnswer => ({
    ...refusal("hosts", RCODE.NOERROR),
    ...(answer && { answer }),
    ...(authority && { authority }),
  });

  test("their owner is the question, whatever was rewritten", () => {
    const { answer, reply } = through("rewrite name old.test new.test", { name: "Old.test" }, () => prepared(block(A)));
    expect(reply?.answer).toEqual(["Old.test. 3600 A 192.0.2.1"]);
    expect(answer.form).toBe("prepared");
  });

  test("their TTLs are moved, and addresses still take turns", () => {
    const addresses = { ...block(A, A.replace("0201", "0202")), stride: 16 };
    const { answer, reply } = through("rewrite ttl a.test 5", { name: "a.test" }, () => prepared(addresses, block(A)));
    expect(reply?.answer).toEqual(["a.test. 5 A 192.0.2.1", "a.test. 5 A 192.0.2.2"]);
    expect(reply?.authority).toEqual(["a.test. 5 A 192.0.2.1"]);
    expect(answer).toMatchObject({ answer: { count: 2, stride: 16 } });
    expect(addresses.bytes.toString("hex", 0, 16)).toBe(A);
  });

  const hex = (name: string): string => Buffer.from(`${rawName(name)}\0`, "latin1").toString("hex");
  const size = (data: string): string => (data.length / 2).toString(16).padStart(4, "0");
  const record = (type: string, data: string): string => `c00c${type}000100000e10${size(data)}${data}`;

  test("names that their data leads to are turned back, names that lean on the question stay", () => {
    const answer = block(
      record("000c", hex("new.test")),
      record("000f", `000a${hex("x.new.test")}`),
      record("0005", "0161c00c"),
    );
    const { reply } = through("rewrite name old.example new.test", { name: "old.example" }, () => prepared(answer));
    expect(reply?.answer).toEqual([
      "old.example. 3600 PTR old.example.",
      "old.example. 3600 MX 10 x.old.example.",
      "old.example. 3600 CNAME a.old.example.",
    ]);
  });

  test("a failure that becomes a success is not authoritative by that", () => {
    const next = (): Answer => refusal("forward", RCODE.SERVFAIL);
    const { reply } = through("rewrite rcode a.test SERVFAIL NOERROR", { name: "a.test" }, next);
    expect(reply).toMatchObject({ rcode: "NOERROR", flags: ["qr", "rd", "ra"] });
  });
});

describe("rewriting and turning back", () => {
  const label = fc.stringMatching(/^[a-zA-Z0-9-]{1,6}$/);
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => `${labels.join(".")}.old.test`);
  const rules = fc.constantFrom(
    "rewrite name suffix .old.test .new.example",
    "rewrite name suffix .old.test .new.example answer auto",
    "rewrite name substring old new answer auto",
    "rewrite name prefix a bb",
    "rewrite name regex (.*)[.]old[.]test {1}.new.example answer auto",
    "rewrite name regex (.*)[.]old[.]test {1}.new.example",
    "rewrite name regex (.*)[.]old[.]test {1}.new.example answer name (.*)[.]new[.]example {1}.old.test",
    "rewrite continue name suffix .old.test .mid.test\nrewrite name substring mid new",
    "rewrite continue name substring a bb answer auto\nrewrite continue type A AAAA\nrewrite name suffix test c answer auto",
  );

  test("gives back the question's own name, whatever was asked behind", () => {
    fc.assert(
      fc.property(rules, name, (lines, asked) => {
        const { answer, reply } = through(lines, { name: asked });
        expect(reply?.question).toEqual([`${asked}. A`]);
        const owners = reply?.answer.map((text) => text.split(" ")[0]?.toLowerCase());
        expect(owners).toEqual([`${asked.toLowerCase()}.`]);
        if (answer.form !== "message") throw new Error("the form has changed");
        expect(answer.message.key).toBe(foldKey(rawName(asked)));
        expect(answer.message.records.map(({ key }) => key)).toEqual([foldKey(rawName(asked))]);
      }),
      { numRuns: 300 },
    );
  });

  test("survives any octets in the name", () => {
    const octets = fc.uint8Array({ minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(rules, fc.array(octets, { minLength: 1, maxLength: 6 }), (lines, labels) => {
        const escaped = labels.map((one) => [...one].map((octet) => `\\${String(octet).padStart(3, "0")}`).join(""));
        const { reply } = through(lines, { name: `${escaped.join(".")}.old.test` });
        expect(["NOERROR", "SERVFAIL"]).toContain(reply?.rcode);
      }),
      { numRuns: 200 },
    );
  });
});
