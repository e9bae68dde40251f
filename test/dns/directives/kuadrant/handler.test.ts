import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileRecordZones } from "../../../../src/dns/directives/kuadrant/compile-record-zones.ts";
import { createKuadrantHandler } from "../../../../src/dns/directives/kuadrant/handler.ts";
import { NO_RECORD_ZONES, type RecordZones } from "../../../../src/dns/directives/kuadrant/record-zones.ts";
import { type Answer, failed, messageAnswer, refusal } from "../../../../src/dns/pipeline/answer.ts";
import { composeMessage } from "../../../../src/dns/pipeline/compose.ts";
import type { Exchange } from "../../../../src/dns/pipeline/exchange.ts";
import type { Serve } from "../../../../src/dns/pipeline/serve.ts";
import { prepareAddresses } from "../../../../src/dns/table.ts";
import { TYPE } from "../../../../src/dns/wire/codes.ts";
import { nameText } from "../../../../src/dns/wire/name.ts";
import { mismatches, readCases } from "../../support/conformance.ts";
import { contextOf, delivered, exchangeOf } from "../../support/exchange.ts";
import { rawName } from "../../support/zone.ts";
import { dnsRecord, type EndpointFields, readDnsRecord } from "./dns-records.ts";

const REFUSED = refusal("next", 5);

type World = {
  readonly zones?: readonly string[];
  readonly rname?: string;
  readonly next?: Serve;
  readonly reenter?: Serve;
  readonly random?: (bound: number) => number;
};

async function serveFrom(recordZones: () => RecordZones, { zones = ["k.test."], rname, next, reenter, random }: World) {
  const context = contextOf({ recordZones, ...(random && { random }), ...(reenter && { reenter }) });
  const handler = await createKuadrantHandler({ zones, kubeconfig: undefined, rname }, context);
  return handler.wrap(next ?? (() => REFUSED));
}

async function serveEndpoints(endpoints: readonly EndpointFields[], world: World = {}) {
  const { recordZones } = compileRecordZones([dnsRecord(endpoints)], ["k.test."], { version: 42 });
  return serveFrom(() => recordZones, world);
}

async function ask(serve: Serve, name: string, type: string) {
  const exchange = exchangeOf({ name, type });
  const reply = delivered(exchange, await serve(exchange));
  if (reply === undefined) throw new Error("no reply");
  const { rcode, answer, authority, additional } = reply;
  return { rcode, aa: reply.flags.includes("aa"), answer, authority, additional };
}

const a = (dnsName: string, ...targets: string[]): EndpointFields => ({ dnsName, recordType: "A", targets });
const alias = (dnsName: string, target: string, weight?: string): EndpointFields => ({
  dnsName,
  recordType: "CNAME",
  targets: [target],
  ...(weight !== undefined && { providerSpecific: [{ name: "weight", value: weight }] }),
});
const SOA = "k.test. 60 SOA ns1.k.test. hostmaster.k.test. 42 7200 1800 86400 60";

describe("conformance cases", () => {
  const { cases, fixtures } = readCases();
  const own = cases.filter(({ id }) => id.startsWith("KR-"));

  test("there are twelve", () => {
    expect(own).toHaveLength(12);
  });

  test.each(own.map((one) => [one.id, one.title, one] as const))("%s: %s", async (_id, _title, one) => {
    const records = (fixtures[one.fixture]?.kubernetes ?? []).map(readDnsRecord);
    const { recordZones } = compileRecordZones(records, ["k.example.com."]);
    const serve = await serveFrom(() => recordZones, { zones: ["k.example.com."] });
    const exchange = exchangeOf(one.query);
    const reply = delivered(exchange, await serve(exchange));
    const observed = { elapsedSeconds: 0, questionEchoed: true, distinctOrders: 1, seen: [] };
    expect(mismatches(one.expected, { ...observed, reply })).toEqual([]);
  });
});

describe("names", () => {
  test.each(["k.example", "test.", "xk.test.", "."])(
    "%s lies outside the zones and is passed on as it came",
    async (name) => {
      const seen: Exchange[] = [];
      const serve = await serveEndpoints([a("a.k.test", "10.0.0.1")], {
        next: (exchange) => {
          seen.push(exchange);
          return REFUSED;
        },
      });
      const exchange = exchangeOf({ name, type: "A" });
      expect(serve(exchange)).toBe(REFUSED);
      expect(seen).toEqual([exchange]);
    },
  );

  test.each([
    ["a.k.test.", "A", "NOERROR", ["a.k.test. 60 A 10.0.0.1"]],
    ["A.K.Test.", "A", "NOERROR", ["A.K.Test. 60 A 10.0.0.1"]],
    ["a.k.test.", "AAAA", "NOERROR", []],
    ["a.k.test.", "HTTPS", "NOERROR", []],
    ["k.test.", "A", "NOERROR", []],
    ["b.k.test.", "A", "NXDOMAIN", []],
    ["x.a.k.test.", "A", "NXDOMAIN", []],
    ["deep.k.test.", "A", "NOERROR", []],
    ["below.deep.k.test.", "TXT", "NOERROR", ['below.deep.k.test. 60 TXT "t"']],
    ["x.w.k.test.", "A", "NOERROR", ["x.w.k.test. 60 A 10.0.0.2"]],
    ["x.y.w.k.test.", "A", "NOERROR", ["x.y.w.k.test. 60 A 10.0.0.2"]],
    ["*.w.k.test.", "A", "NOERROR", ["*.w.k.test. 60 A 10.0.0.2"]],
    ["x.w.k.test.", "TXT", "NOERROR", []],
    ["w.k.test.", "A", "NOERROR", []],
    ["x.exact.w.k.test.", "A", "NXDOMAIN", []],
    ["exact.w.k.test.", "A", "NOERROR", ["exact.w.k.test. 60 A 10.0.0.3"]],
    ["x.ent.w.k.test.", "A", "NXDOMAIN", []],
    ["x.v.k.test.", "A", "NOERROR", ["x.v.k.test. 60 CNAME a.k.test.", "a.k.test. 60 A 10.0.0.1"]],
  ])("%s %s: %s %j", async (name, type, rcode, answer) => {
    const serve = await serveEndpoints([
      a("a.k.test", "10.0.0.1"),
      { dnsName: "below.deep.k.test", recordType: "TXT", targets: ["t"] },
      a("*.w.k.test", "10.0.0.2"),
      a("exact.w.k.test", "10.0.0.3"),
      a("below.ent.w.k.test", "10.0.0.4"),
      alias("*.v.k.test", "a.k.test"),
    ]);
    const authority = answer.length === 0 ? [SOA] : [];
    expect(await ask(serve, name, type)).toEqual({ rcode, aa: true, answer, authority, additional: [] });
  });

  test("the longest zone counts, and aliases go on from one zone to another", async () => {
    const records = [
      dnsRecord([alias("a.k.test", "a.sub.k.test"), a("b.sub.k.test", "10.6.6.6")]),
      dnsRecord([a("a.sub.k.test", "10.0.0.1")], { label: "sub.k.test" }),
    ];
    const zones = ["k.test.", "sub.k.test."];
    const { recordZones } = compileRecordZones(records, zones);
    const serve = await serveFrom(() => recordZones, { zones });
    expect((await ask(serve, "a.k.test.", "A")).answer).toEqual([
      "a.k.test. 60 CNAME a.sub.k.test.",
      "a.sub.k.test. 60 A 10.0.0.1",
    ]);
    expect((await ask(serve, "b.sub.k.test.", "A")).rcode).toBe("NXDOMAIN");
  });

  test("a zone without any record has no names", async () => {
    const serve = await serveFrom(() => compileRecordZones([], ["k.test."], { version: 42 }).recordZones, {});
    expect(await ask(serve, "a.k.test.", "A")).toMatchObject({ rcode: "NXDOMAIN", authority: [SOA] });
  });
});

describe("a zone's own records", () => {
  test("are made here, servers of an object behind them", async () => {
    const serve = await serveEndpoints([{ dnsName: "k.test", recordType: "NS", targets: ["ns2.test", "ns1.k.test"] }]);
    expect((await ask(serve, "k.test.", "SOA")).answer).toEqual([SOA]);
    expect((await ask(serve, "k.test.", "NS")).answer).toEqual([
      "k.test. 60 NS ns1.k.test.",
      "k.test. 60 NS ns2.test.",
    ]);
    expect((await ask(serve, "K.test.", "SOA")).answer).toEqual([SOA.replace("k.test.", "K.test.")]);
  });

  test("name the mailbox of the directive", async () => {
    const serve = await serveEndpoints([], { rname: "a\\.b.example.org." });
    expect((await ask(serve, "k.test.", "SOA")).answer[0]).toContain(" a\\.b.example.org. ");
  });

  test("change their serial with the records", async () => {
    let { recordZones } = compileRecordZones([], ["k.test."], { version: 1 });
    const serve = await serveFrom(() => recordZones, {});
    await ask(serve, "k.test.", "SOA");
    recordZones = compileRecordZones([dnsRecord([a("a.k.test", "10.0.0.1")])], ["k.test."], { version: 2 }).recordZones;
    expect((await ask(serve, "k.test.", "SOA")).answer[0]).toContain(" 2 7200 ");
    expect((await ask(serve, "a.k.test.", "A")).answer).toHaveLength(1);
  });

  test("stand for a zone of any length", async () => {
    const zone = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(59)}.`;
    const serve = await serveFrom(() => compileRecordZones([], [zone]).recordZones, { zones: [zone] });
    expect(await ask(serve, zone, "SOA")).toMatchObject({ rcode: "NOERROR", aa: true });
  });
});

describe("aliases", () => {
  test("of one name are drawn by weight, one for each answer", async () => {
    const endpoints = [
      alias("a.k.test", "b.k.test", "1"),
      alias("a.k.test", "c.k.test", "3"),
      a("b.k.test", "10.0.0.1"),
    ];
    const targets: string[] = [];
    for (const low of [0, 1, 2, 3]) {
      let high = true;
      const random = () => {
        high = !high;
        return high ? low : 0;
      };
      const serve = await serveEndpoints(endpoints, { random });
      targets.push((await ask(serve, "a.k.test.", "CNAME")).answer.join());
    }
    const of = (target: string) => `a.k.test. 60 CNAME ${target}.k.test.`;
    expect(targets).toEqual([of("b"), of("c"), of("c"), of("c")]);
  });

  test("that lead in a circle fail", async () => {
    const serve = await serveEndpoints([alias("a.k.test", "b.k.test"), alias("b.k.test", "A.k.test")]);
    expect(await ask(serve, "a.k.test.", "A")).toMatchObject({ rcode: "SERVFAIL", answer: [] });
  });

  test("are followed eight times", async () => {
    const chain = Array.from({ length: 9 }, (_, index) => alias(`n${index}.k.test`, `n${index + 1}.k.test`));
    const serve = await serveEndpoints([...chain, a("n9.k.test", "10.0.0.1")]);
    expect((await ask(serve, "n1.k.test.", "A")).answer).toHaveLength(9);
    expect((await ask(serve, "n0.k.test.", "A")).rcode).toBe("SERVFAIL");
  });

  test("are shown before what is not there", async () => {
    const serve = await serveEndpoints([
      alias("a.k.test", "b.k.test"),
      alias("c.k.test", "d.k.test"),
      a("d.k.test", "10.0.0.1"),
    ]);
    expect(await ask(serve, "a.k.test.", "A")).toMatchObject({
      rcode: "NXDOMAIN",
      answer: ["a.k.test. 60 CNAME b.k.test."],
      authority: [SOA],
    });
    expect(await ask(serve, "c.k.test.", "AAAA")).toMatchObject({
      rcode: "NOERROR",
      answer: ["c.k.test. 60 CNAME d.k.test."],
      authority: [SOA],
    });
  });
});

describe("the target of an alias outside the zones", () => {
  const asked: string[] = [];
  const answering =
    (answer: (exchange: Exchange) => Answer | Promise<Answer>): Serve =>
    (exchange) => {
      asked.push(`${nameText(exchange.asked.key)} ${exchange.asked.type}`);
      return answer(exchange);
    };
  const upstream = (rcode: number, owner: string) => (exchange: Exchange) => {
    const data = Buffer.from([192, 0, 2, 1]);
    const record = { section: "answer", owner: rawName(owner), type: TYPE.A, ttlSeconds: 300, data } as const;
    const message = composeMessage(exchange, { rcode, pieces: rcode === 0 ? [record] : [] });
    if (message === undefined) throw new Error("bad message in a test");
    return { ...messageAnswer("other", message, 0), ttlSeconds: 200 };
  };
  const endpoints = [alias("a.k.test", "b.k.test"), alias("b.k.test", "Target.example")];
  const ALIASES = ["a.k.test. 60 CNAME b.k.test.", "b.k.test. 60 CNAME target.example."];

  test.each([
    ["at once", upstream(0, "target.example")],
    ["later", async (exchange: Exchange) => upstream(0, "target.example")(exchange)],
    [
      "with a prepared answer",
      (): Answer => {
        const answer = prepareAddresses(4, ["192.0.2.1"], 200);
        return { form: "prepared", by: "other", rcode: 0, ...(answer && { answer }) };
      },
    ],
  ])("is asked of the whole server, which answers %s", async (_when, answer) => {
    asked.length = 0;
    const serve = await serveEndpoints(endpoints, { reenter: answering(answer) });
    expect(await ask(serve, "a.k.test.", "A")).toMatchObject({
      rcode: "NOERROR",
      aa: true,
      answer: [...ALIASES, "target.example. 200 A 192.0.2.1"],
    });
    expect(asked).toEqual(["target.example. 1"]);
  });

  test("is left to the client's resolver where no directive serves it", async () => {
    const serve = await serveEndpoints(endpoints, { reenter: () => failed("", 0, "no directive answers") });
    expect(await ask(serve, "a.k.test.", "A")).toEqual({
      rcode: "NOERROR",
      aa: true,
      answer: ALIASES,
      authority: [],
      additional: [],
    });
  });

  test("gives the answer its code", async () => {
    const serve = await serveEndpoints(endpoints, { reenter: upstream(3, "target.example") });
    expect(await ask(serve, "a.k.test.", "A")).toMatchObject({ rcode: "NXDOMAIN", answer: ALIASES });
  });

  test.each([
    ["fails", failed("other", 22, "no answer")],
    ["is refused", REFUSED],
    ["is dropped", { form: "dropped", by: "other", rcode: 0 } as const],
  ])("that %s fails the whole", async (_what, answer) => {
    const serve = await serveEndpoints(endpoints, { reenter: () => answer });
    expect(await ask(serve, "a.k.test.", "A")).toMatchObject({ rcode: "SERVFAIL", answer: [] });
  });
});

describe("a delegation", () => {
  const endpoints = [
    { dnsName: "d.k.test", recordType: "NS", targets: ["ns.d.k.test", "ns.test"] },
    a("ns.d.k.test", "10.0.0.9"),
    a("other.d.k.test", "10.6.6.6"),
    alias("a.k.test", "x.d.k.test"),
  ];
  const referral = {
    rcode: "NOERROR",
    authority: ["d.k.test. 60 NS ns.d.k.test.", "d.k.test. 60 NS ns.test."],
    additional: ["ns.d.k.test. 60 A 10.0.0.9"],
  };

  test.each(["d.k.test.", "x.y.d.k.test.", "other.d.k.test."])("is what %s gets, without authority", async (name) => {
    const serve = await serveEndpoints(endpoints);
    expect(await ask(serve, name, "A")).toEqual({ ...referral, aa: false, answer: [] });
  });

  test("stands behind an alias that leads there", async () => {
    const serve = await serveEndpoints(endpoints);
    const answer = ["a.k.test. 60 CNAME x.d.k.test."];
    expect(await ask(serve, "a.k.test.", "A")).toEqual({ ...referral, aa: true, answer });
  });

  test("has no signer, and its parent says so", async () => {
    const serve = await serveEndpoints(endpoints);
    expect(await ask(serve, "d.k.test.", "DS")).toMatchObject({ rcode: "NOERROR", aa: true, authority: [SOA] });
  });
});

describe("addresses", () => {
  test("are all answered, however many", async () => {
    const targets = Array.from({ length: 40 }, (_, index) => `10.0.0.${index + 1}`);
    const serve = await serveEndpoints([a("a.k.test", ...targets)]);
    expect((await ask(serve, "a.k.test.", "A")).answer).toEqual([]);
    const exchange = exchangeOf({ name: "a.k.test.", type: "A", edns: { size: 1232 } });
    expect(delivered(exchange, await serve(exchange))?.answer).toHaveLength(40);
  });

  test("with weights begin with the one that is drawn, and none of weight 0 is among others", async () => {
    const weighted = (target: string, value: string) => ({
      ...a("a.k.test", target),
      providerSpecific: [{ name: "weight", value }],
    });
    const endpoints = [weighted("10.0.0.1", "1"), weighted("10.0.0.2", "1"), weighted("10.0.0.3", "0")];
    const serve = await serveEndpoints(endpoints, { random: () => 1 });
    expect((await ask(serve, "a.k.test.", "A")).answer).toEqual(["a.k.test. 60 A 10.0.0.2", "a.k.test. 60 A 10.0.0.1"]);
  });

  test("of one name are answered at once and without a message of their own", async () => {
    const serve = await serveEndpoints([a("a.k.test", "10.0.0.1")]);
    expect(serve(exchangeOf({ name: "a.k.test.", type: "A" }))).toMatchObject({ form: "prepared", by: "kuadrant" });
  });
});

test("ANY gets one set of records", async () => {
  const text = { dnsName: "a.k.test", recordType: "TXT", targets: ["t"] };
  const serve = await serveEndpoints([a("a.k.test", "10.0.0.1"), text, alias("b.k.test", "a.k.test")]);
  expect((await ask(serve, "a.k.test.", "ANY")).answer).toEqual(["a.k.test. 60 A 10.0.0.1"]);
  expect((await ask(serve, "b.k.test.", "ANY")).answer).toEqual(["b.k.test. 60 CNAME a.k.test."]);
});

test.each([TYPE.AXFR, TYPE.IXFR])("a transfer (type %i) is refused", async (type) => {
  const serve = await serveEndpoints([a("a.k.test", "10.0.0.1")]);
  const exchange = exchangeOf({ name: "k.test.", type: "A" });
  const answer = serve({ ...exchange, asked: { ...exchange.asked, type } });
  expect(answer).toMatchObject({ form: "prepared", rcode: 5 });
});

test("before the first objects are there names of the zones fail, others are passed on", async () => {
  const serve = await serveFrom(() => NO_RECORD_ZONES, {});
  expect(await ask(serve, "a.k.test.", "A")).toMatchObject({ rcode: "SERVFAIL", answer: [] });
  expect(serve(exchangeOf({ name: "a.test.", type: "A" }))).toBe(REFUSED);
});

test("every question about every set of records has an answer at once, and never one of another type", async () => {
  const label = fc.constantFrom("a", "b", "*", "a.b", "*.b", "b.a");
  const endpoint = fc.oneof(
    label.map((one) => a(`${one}.k.test`, "10.0.0.1")),
    fc.tuple(label, label).map(([one, two]) => alias(`${one}.k.test`, `${two.replace("*", "x")}.k.test`)),
    label.map((one): EndpointFields => ({ dnsName: `${one}.k.test`, recordType: "NS", targets: ["a.k.test"] })),
  );
  const question = fc.tuple(
    fc.constantFrom("a", "b", "x.b", "a.b", "c.b.a"),
    fc.constantFrom("A", "CNAME", "NS", "DS"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(endpoint, { maxLength: 8 }), question, async (endpoints, [name, type]) => {
      const serve = await serveEndpoints(endpoints);
      const exchange = exchangeOf({ name: `${name}.k.test.`, type });
      const answer = serve(exchange);
      if (answer instanceof Promise) throw new Error("not at once");
      const reply = delivered(exchange, answer);
      const types = new Set(reply?.answer.map((record) => record.split(" ")[2]));
      expect(["NOERROR", "NXDOMAIN", "SERVFAIL"]).toContain(reply?.rcode);
      expect([...types].filter((one) => one !== type && one !== "CNAME")).toEqual([]);
    }),
  );
});
