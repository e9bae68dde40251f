import { describe, expect, test } from "vitest";
import { FLAG, RCODE } from "../../../../src/dns/wire/codes.ts";
import {
  A,
  A2,
  AUTHORITATIVE,
  atOnce,
  DROPPED,
  NODATA,
  NXDOMAIN,
  openBed,
  type Said,
  SERVFAIL,
  SOA,
  said,
  settled,
  TIMEOUT,
} from "./cache-bed.ts";

const prepared = { form: "prepared", by: "hosts", rcode: RCODE.NOERROR } as const;
/** Data for both types. */
const both: Said = { answer: [...(A.answer ?? []), "www.example.org. 300 AAAA 2001:db8::1"] };
const www = (ttl: number, data: string) => `www.example.org. ${ttl} ${data}`;
const soa = (ttl: number, minimum: number) =>
  `example.org. ${ttl} SOA ns.example.org. h.example.org. 1 7200 1800 86400 ${minimum}`;

describe("what is kept, and the TTL that the first and the next client see", () => {
  test.each<[string, string, Said | typeof TIMEOUT, string]>([
    ["an address", "cache", A, www(300, "A 192.0.2.1")],
    ["one above the cap", "cache 30", A, www(30, "A 192.0.2.1")],
    ["one below MINTTL", "cache", { answer: [www(2, "A 192.0.2.1")] }, www(5, "A 192.0.2.1")],
    ["one above a cap that is below MINTTL", "cache 3", A, www(3, "A 192.0.2.1")],
    [
      "the least TTL of all records, for all of them",
      "cache",
      { answer: [www(300, "CNAME b.example.org."), "b.example.org. 200 A 192.0.2.1"], authority: [soa(90, 60)] },
      `${www(90, "CNAME b.example.org.")}; b.example.org. 90 A 192.0.2.1; ${soa(90, 60)}`,
    ],
    ["a name that is not there, for the SOA's MINIMUM", "cache", NXDOMAIN, `NXDOMAIN; ${soa(60, 60)}`],
    ["one whose SOA has a smaller TTL", "cache", { ...NXDOMAIN, authority: [soa(20, 60)] }, soa(20, 60)],
    ["a denial above its cap", "cache 10", NXDOMAIN, soa(10, 60)],
    ["a denial below MINTTL", "cache", { ...NXDOMAIN, authority: [soa(300, 1)] }, soa(5, 1)],
    ["a name without that type", "cache", NODATA, `NOERROR; ${soa(60, 60)}`],
    [
      "an alias to nothing",
      "cache",
      { rcode: RCODE.NXDOMAIN, answer: [www(300, "CNAME b.example.org.")], authority: [SOA] },
      `NXDOMAIN; ${www(60, "CNAME b.example.org.")}; ${soa(60, 60)}`,
    ],
    [
      "an alias to a name without that type",
      "cache",
      { answer: [www(300, "CNAME b.example.org.")], authority: [SOA] },
      `NOERROR; ${www(60, "CNAME b.example.org.")}; ${soa(60, 60)}`,
    ],
    ["an upstream's failure", "cache", SERVFAIL, "SERVFAIL"],
    ["an upstream that does not answer", "cache", TIMEOUT, "SERVFAIL; EDE 22"],
  ])("%s", async (_what, line, upstream, expected) => {
    const bed = await openBed(line);
    bed.say(upstream);
    const first = await bed.read();
    expect(first).toContain(expected);
    expect(await bed.read()).toBe(first);
    expect(bed.asked).toHaveLength(1);
  });
});

describe("what is not kept", () => {
  test.each<[string, string, Said | typeof TIMEOUT | typeof DROPPED | typeof prepared, string]>([
    ["TTL 0, which stays 0", "cache", { answer: [www(0, "A 192.0.2.1")] }, `NOERROR; ${www(0, "A 192.0.2.1")}`],
    ["a TTL with the highest bit set", "cache", { answer: [www(2 ** 31, "A 192.0.2.1")] }, www(0, "A 192.0.2.1")],
    ["a denial whose MINIMUM is 0", "cache", { ...NXDOMAIN, authority: [soa(300, 0)] }, soa(0, 0)],
    ["a denial without SOA", "cache", { rcode: RCODE.NXDOMAIN }, "NXDOMAIN"],
    ["no data without SOA", "cache", {}, "NOERROR"],
    ["a referral", "cache", { authority: ["example.org. 300 NS ns.example.org."] }, "NOERROR"],
    ["an alias that ends without data or SOA", "cache", { answer: [www(300, "CNAME b.example.org.")] }, "NOERROR"],
    ["a refusal", "cache", { rcode: RCODE.REFUSED }, "REFUSED"],
    ["a code that says the server cannot", "cache", { rcode: RCODE.NOTIMP }, "NOTIMP"],
    ["a truncated message", "cache", { ...A, truncated: true }, "NOERROR"],
    ["what is dropped", "cache", DROPPED, "nothing"],
    ["what is prepared here", "cache", prepared, "NOERROR"],
    ["a failure that is no upstream's", "cache", { ...TIMEOUT, by: "template" }, "SERVFAIL"],
    ["a refusal of `forward`", "cache", { ...prepared, by: "forward", rcode: RCODE.SERVFAIL }, "SERVFAIL"],
    ["a failure with servfail 0", "cache {\nservfail 0\n}", TIMEOUT, "SERVFAIL"],
    ["an address where that is disabled", "cache 30 {\ndisable success example.org\n}", A, www(30, "A 192.0.2.1")],
    ["a denial where that is disabled", "cache 30 {\ndisable denial example.org\n}", NXDOMAIN, soa(30, 60)],
    ["a failure where denials are disabled", "cache {\ndisable denial example.org\n}", SERVFAIL, "SERVFAIL"],
    ["an address with capacity 0", "cache {\nsuccess 0\n}", A, www(300, "A 192.0.2.1")],
    ["more octets than the half may have", "cache {\nsuccess 1\n}", { answer: manyAddresses(20) }, "NOERROR"],
  ])("%s", async (_what, lines, upstream, expected) => {
    const bed = await openBed(lines);
    bed.say(upstream);
    const first = await bed.read();
    expect(first).toContain(expected);
    expect(await bed.read()).toBe(first);
    expect(bed.asked).toHaveLength(2);
    expect(bed.count("entries", "success") + bed.count("entries", "denial")).toBe(0);
  });

  function manyAddresses(count: number): string[] {
    return Array.from({ length: count }, (_, index) => www(300, `A 192.0.2.${index}`));
  }

  test("an answer to a question without RD, which may be of a server that was told not to look further", async () => {
    const bed = await openBed("cache");
    await bed.read({ flags: [] });
    await bed.read();
    expect(bed.asked).toHaveLength(2);
    expect(await bed.read({ flags: [] })).toBe(`NOERROR; ${www(300, "A 192.0.2.1")}`);
    expect(bed.asked).toHaveLength(2);
  });

  test("an answer to another question; it is counted", async () => {
    const bed = await openBed("cache");
    for (const other of [{ name: "evil.example." }, { type: "AAAA" }]) {
      const another = await openBed("cache");
      another.say(both);
      bed.say(atOnce(await another.ask(other)));
      await bed.ask();
    }
    expect([bed.count("drops_total"), bed.count("entries", "success")]).toEqual([2, 0]);
  });

  test("what a directive said not to be of the zone, the class or the cache's zones", async () => {
    const bed = await openBed("cache 30 example.net");
    await bed.ask();
    await bed.ask();
    await bed.ask({ name: "notexample.net." });
    await bed.ask({ name: "notexample.net." });
    expect(bed.asked).toHaveLength(4);
    expect([...bed.context.counts.values()].every((value) => value === 0)).toBe(true);
  });
});

describe("a hit", () => {
  test("is given at once, counts down whole seconds, and ends with its TTL", async () => {
    const bed = await openBed("cache 30");
    await bed.ask();
    const ttls: (number | undefined)[] = [];
    for (const milliseconds of [0, 999, 1, 28_000, 999]) {
      bed.pass(milliseconds);
      ttls.push(atOnce(bed.ask()).ttlSeconds);
    }
    expect(ttls).toEqual([30, 30, 29, 1, 1]);
    expect(bed.asked).toHaveLength(1);
    bed.pass(1);
    await bed.ask();
    expect(bed.asked).toHaveLength(2);
  });

  test("is the same message each time, and the same answer within a second", async () => {
    const bed = await openBed("cache");
    const first = atOnce(bed.ask());
    const [second, third] = [atOnce(bed.ask()), atOnce(bed.ask())];
    bed.pass(1000);
    const later = atOnce(bed.ask());
    expect(second.message).toBe(first.message);
    expect(second.records).toBe(second.message.records);
    expect(third).toBe(second);
    expect(later.message).toBe(first.message);
  });

  test("is ours and not the word of authority; AD, EDE and forced header bits stay", async () => {
    const bed = await openBed("cache");
    const ede = Buffer.from([0, 15, 0, 2, 0, 4]);
    const header = { set: FLAG.RA, clear: 0 };
    bed.say((exchange) => ({ ...said(exchange, { ...A, flags: AUTHORITATIVE | FLAG.AD }), ede, header, cause: "x" }));
    const fresh = atOnce(bed.ask());
    const hit = atOnce(bed.ask());
    expect([fresh.by, fresh.flags]).toEqual(["forward", FLAG.AA | FLAG.AD]);
    expect(hit).toMatchObject({ by: "cache", flags: FLAG.AD, ede, header });
    expect(hit.cause).toBeUndefined();
  });

  test("shows only the records that were shown before", async () => {
    const bed = await openBed("cache");
    bed.say((exchange) => {
      const answer = said(exchange, { ...A, additional: ["x.example.org. 10 A 192.0.2.9"] });
      return { ...answer, records: answer.records.slice(0, 1) };
    });
    const first = await bed.read();
    expect(first).toBe(`NOERROR; ${www(300, "A 192.0.2.1")}`);
    expect(await bed.read()).toBe(first);
  });

  test("has the TTL that a directive behind gave to all records", async () => {
    const bed = await openBed("cache");
    bed.say((exchange) => ({ ...said(exchange, A), ttlSeconds: 7 }));
    await bed.ask();
    expect(atOnce(bed.ask()).ttlSeconds).toBe(7);
  });

  test("keeps its TTL with keepttl, and ends no later", async () => {
    const bed = await openBed("cache 30 {\nkeepttl\n}");
    await bed.ask();
    bed.pass(29_999);
    expect(atOnce(bed.ask()).ttlSeconds).toBe(30);
    bed.pass(1);
    await bed.ask();
    expect(bed.asked).toHaveLength(2);
  });

  test("is not for a clock that was set back, which would lengthen its life", async () => {
    const bed = await openBed("cache 30 {\nserve_stale\n}");
    await bed.ask();
    bed.pass(-1);
    await bed.ask();
    expect(bed.asked).toHaveLength(2);
  });

  test("is for the same name in another case, and for no other name, type, DO or CD", async () => {
    const bed = await openBed("cache");
    bed.say(both);
    const questions = [
      { name: "www.example.org." },
      { name: "wwwx.example.org." },
      { type: "AAAA" },
      { edns: { do: true } },
      { flags: ["rd", "cd"] },
      { flags: ["rd", "cd"], edns: { do: true } },
    ];
    for (const question of questions) await bed.ask(question);
    expect(bed.asked).toHaveLength(questions.length);
    for (const question of questions)
      await bed.ask({ ...question, name: (question.name ?? "WWW.example.org.").toUpperCase() });
    await bed.ask({ edns: { do: false } });
    expect(bed.asked).toHaveLength(questions.length);
  });

  test("never holds on to memory that the message is a small part of", async () => {
    const bed = await openBed("cache");
    bed.say((exchange) => {
      const answer = said(exchange, A);
      const large = Buffer.alloc(60_000);
      large.set(answer.message.bytes, 1000);
      const bytes = large.subarray(1000, 1000 + answer.message.bytes.length);
      return { ...answer, message: { ...answer.message, bytes } };
    });
    const { bytes } = atOnce(bed.ask()).message;
    expect(bytes.buffer.byteLength).toBe(bytes.length);
    expect(await bed.read()).toBe(`NOERROR; ${www(300, "A 192.0.2.1")}`);
  });
});

describe("one question has one entry", () => {
  test("a denial takes the place of data, and data that of a denial", async () => {
    const bed = await openBed("cache 30");
    for (const [upstream, shown] of [
      [A, "NOERROR"],
      [NXDOMAIN, "NXDOMAIN"],
      [A2, "NOERROR"],
    ] as const) {
      bed.say(upstream);
      expect(await bed.read()).toContain(shown);
      expect(await bed.read()).toContain(shown);
      expect(bed.count("entries", "success") + bed.count("entries", "denial")).toBe(1);
      bed.pass(30_000);
    }
    expect(bed.asked).toHaveLength(3);
  });

  test("a failure never hides what is still good", async () => {
    const bed = await openBed("cache 30");
    const waiting: (() => void)[] = [];
    // Two clients miss at once; the second one's answer is a failure and comes last.
    for (const upstream of [A, SERVFAIL]) {
      bed.say((exchange) => new Promise((resolve) => waiting.push(() => resolve(said(exchange, upstream)))));
      void bed.ask();
    }
    for (const answer of waiting) {
      answer();
      await settled();
    }
    expect(await bed.read()).toBe(`NOERROR; ${www(30, "A 192.0.2.1")}`);
    expect(bed.count("entries", "denial")).toBe(0);
  });

  test("data takes the place of a failure at once", async () => {
    const bed = await openBed("cache 30");
    const waiting: (() => void)[] = [];
    for (const upstream of [TIMEOUT, A]) {
      bed.say(
        (exchange) =>
          new Promise((resolve) =>
            waiting.push(() => resolve("form" in upstream ? upstream : said(exchange, upstream))),
          ),
      );
      void bed.ask();
    }
    for (const answer of waiting) {
      answer();
      await settled();
    }
    expect(await bed.read()).toBe(`NOERROR; ${www(30, "A 192.0.2.1")}`);
  });

  test("a failure is kept as long as servfail says", async () => {
    const bed = await openBed("cache {\nservfail 2s\n}");
    bed.say(TIMEOUT);
    await bed.ask();
    bed.pass(1_999);
    expect(await bed.ask()).toMatchObject({ form: "prepared", by: "cache", rcode: RCODE.SERVFAIL });
    expect((await bed.ask()).cause).toBeUndefined();
    bed.pass(1);
    await bed.ask();
    expect(bed.asked).toHaveLength(2);
  });

  test("those who waited for one answer make one entry of it", async () => {
    const bed = await openBed("cache");
    const answer = said((await openBed("cache")).asked[0] ?? (await firstExchange()), A);
    bed.say(() => Promise.resolve(answer));
    const all = await Promise.all([bed.ask(), bed.ask(), bed.ask()]);
    expect(bed.asked).toHaveLength(3);
    expect(bed.count("entries", "success")).toBe(1);
    expect(new Set(all.map((one) => (one as { message: unknown }).message)).size).toBe(1);
  });

  async function firstExchange() {
    const bed = await openBed("cache");
    await bed.ask();
    const [exchange] = bed.asked;
    if (exchange === undefined) throw new Error("nothing was asked");
    return exchange;
  }
});

test("counts requests, hits and misses as CoreDNS does", async () => {
  const bed = await openBed("cache 30");
  await bed.ask();
  await bed.ask();
  bed.say(NXDOMAIN);
  const missing = { name: "nope.example.org." };
  await bed.ask(missing);
  await bed.ask(missing);
  await bed.ask(missing);
  expect(bed.count("requests_total")).toBe(5);
  expect(bed.count("misses_total")).toBe(2);
  expect([bed.count("hits_total", "success"), bed.count("hits_total", "denial")]).toEqual([1, 2]);
  expect([bed.count("entries", "success"), bed.count("entries", "denial")]).toEqual([1, 1]);
});

test("more than the capacity pushes out what nobody asked for again, and counts it", async () => {
  const bed = await openBed("cache {\nsuccess 3\n}");
  const name = (index: number) => ({ name: `n${index}.example.org.` });
  for (let index = 0; index < 30; index++) {
    await bed.ask(name(index));
    await bed.ask(name(0));
  }
  expect(bed.asked).toHaveLength(30);
  expect([bed.count("entries", "success"), bed.count("evictions_total", "success")]).toEqual([3, 27]);
});
