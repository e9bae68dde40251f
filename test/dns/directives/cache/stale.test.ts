import { describe, expect, test } from "vitest";
import type { Answer } from "../../../../src/dns/pipeline/answer.ts";
import { RCODE } from "../../../../src/dns/wire/codes.ts";
import { problemsOf } from "../load.ts";
import { A, A2, DROPPED, NXDOMAIN, openBed, type Said, SERVFAIL, said, settled, TIMEOUT } from "./cache-bed.ts";

const old = (ttl = 0) => `NOERROR; www.example.org. ${ttl} A 192.0.2.1; EDE 3`;
const renewed = "NOERROR; www.example.org. 30 A 192.0.2.2";
const denied = "NXDOMAIN; example.org. 30 SOA ns.example.org. h.example.org. 1 7200 1800 86400 60";
const stale = (option: string, ...more: string[]) => `cache 30 {\nserve_stale ${option}\n${more.join("\n")}\n}`;

/** A cache whose only entry has just ended. */
async function openExpired(lines: string, kept: Said = A) {
  const bed = await openBed(lines);
  bed.say(kept);
  await bed.ask();
  bed.pass(30_000);
  return bed;
}

test("without serve_stale nothing is used after its end", async () => {
  const bed = await openExpired("cache 30");
  bed.say(TIMEOUT);
  expect(await bed.read()).toBe("SERVFAIL; EDE 22");
});

describe("serve_stale immediate", () => {
  test("gives what is over at once, with TTL 0 and EDE 3, and renews it once in the background", async () => {
    const bed = await openExpired(stale("1h"));
    bed.say(A2);
    const answers = [bed.ask(), bed.ask()];
    expect(answers.map((answer) => answer instanceof Promise)).toEqual([false, false]);
    expect(await Promise.all([bed.read(), bed.read()])).toEqual([old(), old()]);
    await settled();
    expect(bed.asked).toHaveLength(2);
    expect(await bed.read()).toBe(renewed);
    expect([bed.count("served_stale_total"), bed.count("prefetch_total")]).toEqual([4, 1]);
    expect([bed.count("misses_total"), bed.count("hits_total", "success")]).toEqual([1, 5]);
  });

  test("gives a denial that is over as well, but never a failure", async () => {
    const bed = await openExpired(stale("1h"), NXDOMAIN);
    bed.say(TIMEOUT);
    expect(await bed.read()).toBe(`${denied.replace(" 30 ", " 0 ")}; EDE 3`);
    const failing = await openExpired(stale("1h"), SERVFAIL);
    expect(await failing.read()).toBe("SERVFAIL");
    expect(failing.asked).toHaveLength(2);
  });

  test("ends DURATION after the end", async () => {
    const bed = await openExpired(stale("10s"));
    bed.say(TIMEOUT);
    bed.pass(9_999);
    expect(await bed.read()).toBe(old());
    await settled();
    bed.pass(1);
    expect(await bed.read()).toBe("SERVFAIL; EDE 22");
  });

  test("gives RESPONSE_TTL, 30 s at most", async () => {
    for (const [option, ttl] of [
      ["1h immediate 7s", 7],
      ["1h immediate 1m", 30],
    ] as const) {
      const bed = await openExpired(stale(option, "keepttl"));
      expect(await bed.read()).toBe(old(ttl));
    }
  });

  test.each([
    ["servfail's time", "1h", 5_000],
    ["FAILURE_RECHECK", "1h immediate 0s 20s", 20_000],
    ["five minutes at most", "1h immediate 0s 1h", 300_000],
  ])("after a failure waits %s before it asks again, and keeps the old answer", async (_what, option, wait) => {
    const bed = await openExpired(stale(option));
    for (const failure of [TIMEOUT, SERVFAIL]) {
      bed.say(failure);
      const before = bed.asked.length;
      for (const pause of [0, wait - 1]) {
        bed.pass(pause);
        expect(await bed.read()).toBe(old());
        await settled();
      }
      expect(bed.asked).toHaveLength(before + 1);
      bed.pass(1);
    }
    bed.say(A2);
    await bed.read();
    await settled();
    expect(await bed.read()).toBe(renewed);
  });

  test("a fault while renewing is logged, and the next renewal is not held up", async () => {
    const bed = await openExpired(stale("1h"));
    bed.say(() => {
      throw new Error("broken");
    });
    expect(await bed.read()).toBe(old());
    await settled();
    expect(bed.context.lines.map(({ level, text }) => [level, text])).toEqual([
      ["error", "plugin/cache: renewing an entry failed: Error: broken"],
    ]);
    bed.say(A2);
    await bed.read();
    await settled();
    expect(await bed.read()).toBe(renewed);
  });

  test.each<[string, Said | Answer]>([
    ["an answer with TTL 0", { answer: ["www.example.org. 0 A 192.0.2.2"] }],
    ["an answer that was prepared here", { form: "prepared", by: "hosts", rcode: RCODE.NOERROR }],
    ["a denial without SOA", { rcode: RCODE.NXDOMAIN }],
  ])("%s, which is not kept, leaves nothing old behind", async (_what, upstream) => {
    const bed = await openExpired(stale("1h"));
    bed.say(upstream);
    await bed.ask();
    await settled();
    expect(bed.count("entries", "success")).toBe(0);
    await bed.ask();
    expect(bed.asked).toHaveLength(3);
  });

  test("asks the same with recursion, DO, CD and the case of the client, in its own name", async () => {
    const bed = await openBed(stale("1h"));
    const query = { name: "WWW.example.org.", flags: ["rd", "cd"], edns: { do: true, size: 4096 } };
    await bed.ask(query);
    bed.pass(30_000);
    await bed.ask({ ...query, flags: ["cd"] });
    await settled();
    const [, own] = bed.asked;
    if (own === undefined) throw new Error("nothing was renewed");
    expect(own.client.address).toBe("");
    expect(own.query.edns?.dnssecOk).toBe(true);
    expect(own.query.flags & 0x0110).toBe(0x0110);
    expect(own.message.toString("latin1", 13, 16)).toBe("WWW");
    expect(bed.count("entries", "success")).toBe(1);
  });

  test("never has more than 256 renewals under way", async () => {
    const bed = await openBed(stale("1h"));
    const name = (index: number) => ({ name: `n${index}.example.org.` });
    bed.say((exchange) => said(exchange, A));
    for (let index = 0; index < 300; index++) await bed.ask(name(index));
    bed.pass(30_000);
    bed.say(() => new Promise(() => undefined));
    for (let index = 0; index < 300; index++) void bed.ask(name(index));
    await settled();
    expect(bed.asked).toHaveLength(300 + 256);
  });
});

describe("serve_stale verify", () => {
  test.each<[string, Said | Answer, string]>([
    ["a new answer", A2, renewed],
    ["a denial", NXDOMAIN, denied],
    ["a denial without SOA", { rcode: RCODE.NXDOMAIN }, "NXDOMAIN"],
    ["a failure", SERVFAIL, old()],
    ["no answer", TIMEOUT, old()],
    ["a refusal", { rcode: RCODE.REFUSED }, old()],
    ["a refusal of ours", { form: "prepared", by: "forward", rcode: RCODE.REFUSED }, old()],
    ["a truncated message", { ...A2, truncated: true }, old()],
    ["what is dropped", DROPPED, "nothing"],
  ])("asks first: %s", async (_what, upstream, shown) => {
    for (const late of [false, true]) {
      const bed = await openExpired(stale("1h verify"));
      bed.say(upstream);
      if (late) bed.say(async (exchange) => ("form" in upstream ? upstream : said(exchange, upstream)));
      expect(await bed.read()).toBe(shown);
      expect(bed.asked).toHaveLength(2);
      expect(bed.count("served_stale_total")).toBe(shown === old() ? 1 : 0);
    }
  });

  test("an answer to another question is no answer", async () => {
    const other = await openBed("cache");
    const answer = await other.ask({ name: "evil.example." });
    const bed = await openExpired(stale("1h verify"));
    bed.say(answer);
    expect(await bed.read()).toBe(old());
    expect(bed.count("drops_total")).toBe(1);
  });

  test("is not asked again for FAILURE_RECHECK after a failure", async () => {
    const bed = await openExpired(stale("1h verify 0s 3s 20s"));
    bed.say(TIMEOUT);
    for (const pause of [0, 19_999]) {
      bed.pass(pause);
      expect(await bed.read()).toBe(old(3));
    }
    expect(bed.asked).toHaveLength(2);
    bed.pass(1);
    bed.say(A2);
    expect(await bed.read()).toBe(renewed);
  });

  test("a refusal of a client that asks too much does not keep others from asking", async () => {
    const bed = await openExpired(stale("1h verify"));
    bed.say({ form: "prepared", by: "forward", rcode: RCODE.REFUSED });
    expect(await bed.read()).toBe(old());
    bed.say(A2);
    expect(await bed.read()).toBe(renewed);
  });

  test("gives the old answer when VERIFY_TIMEOUT is over, and keeps the one that comes late", async () => {
    const bed = await openExpired(stale("1h verify 1ms"));
    let answer = (): void => undefined;
    bed.say(
      (exchange) =>
        new Promise((resolve) => {
          answer = () => resolve(said(exchange, A2));
        }),
    );
    expect(await bed.read()).toBe(old());
    answer();
    await settled();
    expect(await bed.read()).toBe(renewed);
    expect(bed.count("served_stale_total")).toBe(1);
  });

  test("an answer that comes late is to the question, whatever became of the client's octets", async () => {
    const bed = await openExpired(stale("1h verify 1ms"));
    bed.say(() => new Promise(() => undefined));
    await bed.ask();
    const [first, second] = bed.asked;
    expect(second?.message).toEqual(first?.message);
    expect(second?.message).not.toBe(first?.message);
  });

  test("a question without RD gets the old answer while a new one is fetched with it", async () => {
    const bed = await openExpired(stale("1h verify"));
    bed.say(A2);
    expect(await bed.read({ flags: [] })).toBe(old());
    await settled();
    expect(await bed.read({ flags: [] })).toBe(renewed);
    expect(bed.asked).toHaveLength(2);
  });
});

describe("serve_stale_policy prefer_positive", () => {
  const POLICY = "serve_stale_policy prefer_positive";

  test("verify: old data is shown instead of a new denial, which is kept, until there is data again", async () => {
    const bed = await openExpired(stale("1h verify", POLICY));
    bed.say(NXDOMAIN);
    expect([await bed.read(), await bed.read()]).toEqual([old(), old()]);
    expect(bed.asked).toHaveLength(2);
    expect(bed.count("entries", "denial")).toBe(1);
    bed.pass(30_000);
    bed.say(A2);
    expect(await bed.read()).toBe(renewed);
    expect(bed.count("entries", "denial")).toBe(0);
  });

  test("immediate: the same, and the denial tells when to ask again", async () => {
    const bed = await openExpired(stale("1h immediate 0s 0s", POLICY));
    bed.say(NXDOMAIN);
    for (let times = 0; times < 3; times++) {
      expect(await bed.read()).toBe(old());
      await settled();
    }
    expect(bed.asked).toHaveLength(2);
    bed.pass(30_000);
    await bed.read();
    await settled();
    expect(bed.asked).toHaveLength(3);
  });

  test("once the old data is of no use, the denial is shown", async () => {
    const bed = await openExpired(stale("10s verify", POLICY));
    bed.say(NXDOMAIN);
    await bed.read();
    bed.pass(10_000);
    expect(await bed.read()).toBe(denied.replace(" 30 ", " 20 "));
  });

  test("without it a new denial takes the place of old data", async () => {
    const bed = await openExpired(stale("1h immediate"));
    bed.say(NXDOMAIN);
    await bed.read();
    await settled();
    expect(await bed.read()).toBe(denied);
    expect(bed.count("entries", "success")).toBe(0);
  });

  test("means nothing without serve_stale", async () => {
    const bed = await openExpired(`cache 30 {\n${POLICY}\n}`);
    bed.say(NXDOMAIN);
    expect([await bed.read(), await bed.read()]).toEqual([denied, denied]);
  });
});

describe("the times behind the mode", () => {
  test.each([
    ["immediate 1s 2s 3s", "Wrong argument count"],
    ["verify 1s 2s 3s 4s", "Wrong argument count"],
    ["verify 1s -2s", "can't be negative"],
  ])("serve_stale 1h %s is refused", (times, problem) => {
    expect(problemsOf(stale(`1h ${times}`))).toContain(problem);
  });

  test("verify takes three", () => {
    expect(problemsOf(stale("1h verify 1s 2s 3s"))).toBe("");
  });
});
