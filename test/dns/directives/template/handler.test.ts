import { describe, expect, test } from "vitest";
import { createTemplateHandler } from "../../../../src/dns/directives/template/handler.ts";
import type { TemplateSettings } from "../../../../src/dns/directives/template/setup.ts";
import { refusal } from "../../../../src/dns/pipeline/answer.ts";
import { atOnce, serveThrough } from "../../support/answers.ts";
import type { TestQuery } from "../../support/dns-client.ts";
import { contextOf, delivered, exchangeOf } from "../../support/exchange.ts";
import { extendedErrors } from "../../support/reply-text.ts";
import { settingsOf } from "../load.ts";

const NEXT = refusal("next", 3);

/** Asks the lines of a server block for example.org. */
async function ask(lines: string, query: string | TestQuery) {
  const context = contextOf();
  const settings = settingsOf(lines) as TemplateSettings[];
  const serve = await serveThrough(createTemplateHandler, settings, () => NEXT, context);
  const exchange = exchangeOf(typeof query === "string" ? { name: query } : query);
  const answer = atOnce(serve(exchange));
  return { answer, reply: delivered(exchange, answer), context };
}

const template = (head: string, ...options: readonly string[]): string =>
  `template ${head} {\n${options.join("\n")}\n}`;
const IP = template(
  "IN A",
  "match ^ip-(?P<a>[0-9]+)-([0-9a-f]+)[.]example[.]org[.]$",
  'answer "{{ .Name }} 60 IN A 10.0.{{ .Group.a }}.{{ parseInt .Group.2 16 8 }}"',
);

describe("records are made of the question:", () => {
  test.each([
    [IP, "ip-7-1f.example.org.", ["ip-7-1f.example.org. 60 A 10.0.7.31"]],
    [IP, "IP-7-1F.Example.org.", ["ip-7-1f.example.org. 60 A 10.0.7.31"]],
    [
      template("IN A", 'answer "{{ .Name }} A 10.0.0.1" "{{ .Name }} A 10.0.0.2"'),
      "x.example.org.",
      ["x.example.org. 3600 A 10.0.0.1", "x.example.org. 3600 A 10.0.0.2"],
    ],
    [
      template("ANY ANY a.example.org", 'answer "t.{{ .Zone }} 1 {{ .Class }} TXT \\"{{ .Type }} {{ .Match }}\\""'),
      "x.a.example.org.",
      ['t.a.example.org. 1 TXT "A x.a.example.org."'],
    ],
    [
      template("IN A", "match ^(a)?x[.] ^(?P<b>y)[.]", 'answer "{{ .Name }} TXT \\"<{{ .Group.1 }}>\\""'),
      "x.example.org.",
      ['x.example.org. 3600 TXT "<>"'],
    ],
    [
      template("IN A", "match ^(a)?x[.] ^(?P<b>y)[.]", 'answer "{{ .Name }} TXT \\"<{{ .Group.1 }}>\\""'),
      "y.example.org.",
      ['y.example.org. 3600 TXT "<y>"'],
    ],
    [
      template("IN A", "match ^(.*)[.]example", 'answer "{{ .Group.1 }}.example.net. CNAME {{ .Name }}"'),
      String.raw`a\.b\032.example.org.`,
      [expect.stringContaining("CNAME")],
    ],
  ])("%s %s", async (lines, name, answer) => {
    const { reply } = await ask(lines, name);
    expect(reply).toMatchObject({ rcode: "NOERROR", answer });
    expect(reply?.flags).toContain("aa");
  });

  test("in each section, with a code and an extended error", async () => {
    const lines = template(
      "IN A",
      "rcode NXDOMAIN",
      'ederror 21 "Blocked by policy"',
      'authority "{{ .Zone }} 60 IN SOA ns.{{ .Zone }} root.{{ .Zone }} (1 60 60 60 60)"',
      'additional "ns.{{ .Zone }} 5 IN AAAA ::1"',
    );
    const { reply } = await ask(lines, { name: "x.example.org.", edns: {} });
    expect(reply).toMatchObject({
      rcode: "NXDOMAIN",
      answer: [],
      authority: ["example.org. 60 SOA ns.example.org. root.example.org. 1 60 60 60 60"],
      additional: ["ns.example.org. 5 AAAA ::1"],
    });
    expect(reply === undefined ? [] : extendedErrors(reply)).toEqual([21]);
  });

  test.each([
    ["NOERROR", "NOERROR"],
    ["NXDOMAIN", "NXDOMAIN"],
    ["REFUSED", "REFUSED"],
  ])("or none at all: rcode %s", async (code, rcode) => {
    const { reply } = await ask(template("IN A", `rcode ${code}`, "ederror 17"), { name: "x.example.org.", edns: {} });
    expect(reply).toMatchObject({ rcode, answer: [], flags: expect.arrayContaining(["aa"]) });
    expect(reply === undefined ? [] : extendedErrors(reply)).toEqual([17]);
  });

  test("SERVFAIL is answered bare", async () => {
    const { answer } = await ask(template("IN A", "rcode SERVFAIL", 'answer "x. A 1.1.1.1"'), "x.example.org.");
    expect(answer).toEqual({ form: "prepared", by: "template", rcode: 2 });
  });
});

describe("which line answers:", () => {
  const FIRST = template("IN A a.example.org", "match ^x", "rcode REFUSED", "fallthrough");
  const SECOND = template("IN A", "match ^[xy]", "rcode NXDOMAIN");
  test.each([
    ["the first that matches", `${FIRST}\n${SECOND}`, "x.a.example.org.", "REFUSED"],
    ["the next one when nothing matched and it falls through", `${FIRST}\n${SECOND}`, "y.a.example.org.", "NXDOMAIN"],
    ["the next one outside of the zones", `${FIRST}\n${SECOND}`, "x.b.example.org.", "NXDOMAIN"],
    ["none: SERVFAIL without fallthrough", `${SECOND}\n${FIRST}`, "z.a.example.org.", "SERVFAIL"],
    [
      "none: on, with fallthrough in the zone",
      template("IN A", "match ^x", "fallthrough a.example.org"),
      "z.a.example.org.",
      "next",
    ],
    [
      "none: SERVFAIL, with fallthrough in another",
      template("IN A", "match ^x", "fallthrough a.example.org"),
      "z.b.example.org.",
      "SERVFAIL",
    ],
    ["none of another type", template("IN AAAA", "rcode REFUSED"), "x.example.org.", "next"],
    ["none of another class", template("CH A", "rcode REFUSED"), "x.example.org.", "next"],
    ["one for any type", template("IN ANY", "rcode REFUSED"), "x.example.org.", "REFUSED"],
  ])("%s", async (_, lines, name, outcome) => {
    const { answer, reply } = await ask(lines, name);
    expect(answer === NEXT ? "next" : reply?.rcode).toBe(outcome);
  });

  test("a question of type ANY is answered by every type", async () => {
    const { reply } = await ask(template("IN AAAA", 'answer "{{ .Name }} AAAA ::1" "{{ .Name }} TXT {{ .Type }}"'), {
      name: "x.example.org.",
      type: "ANY",
    });
    expect(reply?.answer).toEqual(["x.example.org. 3600 AAAA ::1", 'x.example.org. 3600 TXT "AAAA"']);
  });

  test("a template of class CH lets that class in, and answers it", async () => {
    const lines = template("CH TXT", 'answer "{{ .Name }} CH TXT {{ .Class }}"');
    const [settings] = settingsOf(lines) as TemplateSettings[];
    const handler = await createTemplateHandler(settings as TemplateSettings, contextOf());
    expect(handler.classes).toEqual([3]);
    const { reply } = await ask(lines, { name: "v.example.org.", type: "TXT", class: "CH" });
    expect(reply?.answer).toEqual(['v.example.org. 3600 TXT "CH"']);
  });
});

describe("a record that is not valid for the name fails, with a cause for the log:", () => {
  test.each([
    ["ip-7-fff.example.org.", "a number in it cannot be read", "coredns_template_template_failures_total"],
    ["ip-777-1.example.org.", "'10.0.777.1' is no address", "coredns_template_rr_failures_total"],
  ])("%s", async (name, cause, counter) => {
    const { answer, reply, context } = await ask(IP, name);
    expect(reply).toMatchObject({ rcode: "SERVFAIL", answer: [] });
    expect(answer.cause).toContain(
      `plugin/template: answer '{{ .Name }} 60 IN A 10.0.{{ .Group.a }}.{{ parseInt .Group.2 16 8 }}': ${cause}`,
    );
    expect([...context.counts.keys()].filter((series) => series.startsWith(counter))).toHaveLength(1);
  });
});

test("matches are counted by class, type and the template's zone", async () => {
  const { context } = await ask(template("IN ANY sub.example.org example.org", "rcode NXDOMAIN"), {
    name: "x.sub.example.org.",
    type: "TYPE65280",
  });
  expect(context.counts).toEqual(
    new Map([
      ['coredns_template_matches_total{class="IN",server="dns://:53",type="other",view="",zone="sub.example.org."}', 1],
    ]),
  );
});
