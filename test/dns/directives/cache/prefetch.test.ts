import { describe, expect, test } from "vitest";
import { A2, NXDOMAIN, openBed, type Said, said, settled, TIMEOUT } from "./cache-bed.ts";

const first = (ttl: number) => `NOERROR; www.example.org. ${ttl} A 192.0.2.1`;
const second = (ttl: number) => `NOERROR; www.example.org. ${ttl} A 192.0.2.2`;

describe("prefetch", () => {
  test("renews what was asked for often, when little of its time is left, without making anybody wait", async () => {
    const bed = await openBed("cache 100 {\nprefetch 3\n}");
    await bed.ask();
    bed.say(A2);
    bed.pass(50_000);
    await bed.read();
    bed.pass(20_000);
    await bed.read();
    bed.pass(19_999);
    expect(await bed.read()).toBe(first(11));
    await settled();
    expect(bed.asked).toHaveLength(1);
    bed.pass(1);
    expect(await bed.read()).toBe(first(10));
    await settled();
    expect(bed.asked).toHaveLength(2);
    expect(await bed.read()).toBe(second(100));
    expect([bed.count("prefetch_total"), bed.count("misses_total")]).toEqual([1, 1]);
    expect(bed.count("entries", "success")).toBe(1);
  });

  test.each([
    ["off by itself", "cache 100", [30_000, 30_000, 35_000], 0],
    ["one question too few", "cache 100 {\nprefetch 4\n}", [30_000, 30_000, 35_000], 0],
    ["enough", "cache 100 {\nprefetch 3\n}", [30_000, 30_000, 35_000], 1],
    [
      "a pause longer than DURATION starts the count again",
      "cache 100 {\nprefetch 3 20s\n}",
      [30_000, 30_000, 35_000],
      0,
    ],
    ["a greater PERCENTAGE", "cache 100 {\nprefetch 3 1m 40%\n}", [30_000, 15_000, 15_000], 1],
    ["the same with the usual one", "cache 100 {\nprefetch 3\n}", [30_000, 15_000, 15_000], 0],
  ])("%s", async (_what, lines, pauses, renewals) => {
    const bed = await openBed(lines);
    await bed.ask();
    for (const pause of pauses) {
      bed.pass(pause);
      await bed.ask();
    }
    await settled();
    expect(bed.asked).toHaveLength(1 + renewals);
  });

  test("the new entry is as popular as the old one", async () => {
    const bed = await openBed("cache 30 {\nprefetch 3\n}");
    await bed.ask();
    for (let round = 0; round < 3; round++) {
      bed.pass(28_000);
      await bed.ask();
      await bed.ask();
      await bed.ask();
      await settled();
      expect(bed.asked).toHaveLength(2 + round);
    }
  });

  test("one renewal at a time; a failed one is not tried again soon and takes nothing away", async () => {
    const bed = await openBed("cache 100 {\nprefetch 1\n}");
    await bed.ask();
    bed.pass(92_000);
    let fail = (): void => undefined;
    bed.say(
      () =>
        new Promise((resolve) => {
          fail = () => resolve(TIMEOUT);
        }),
    );
    expect([await bed.read(), await bed.read()]).toEqual([first(8), first(8)]);
    await settled();
    expect(bed.asked).toHaveLength(2);
    fail();
    await settled();
    bed.say(A2);
    bed.pass(4_999);
    expect(await bed.read()).toBe(first(4));
    await settled();
    expect(bed.asked).toHaveLength(2);
    bed.pass(1);
    await bed.read();
    await settled();
    expect(await bed.read()).toBe(second(100));
  });

  test("renews denials as well, and takes over that there is data now", async () => {
    const bed = await openBed("cache 30 {\nprefetch 1\n}");
    bed.say(NXDOMAIN);
    await bed.ask();
    bed.pass(28_000);
    bed.say(A2);
    expect(await bed.read()).toContain("NXDOMAIN");
    await settled();
    expect(await bed.read()).toBe(second(30));
    expect([bed.count("entries", "success"), bed.count("entries", "denial")]).toEqual([1, 0]);
  });

  test("keeps a failure's time as it is", async () => {
    const bed = await openBed("cache {\nprefetch 1\n}");
    bed.say(TIMEOUT);
    for (const pause of [0, 0, 4_900]) {
      bed.pass(pause);
      await bed.ask();
      await settled();
    }
    expect(bed.asked).toHaveLength(1);
  });
});

test("a name that was rewritten is renewed as it was rewritten", async () => {
  const bed = await openBed("cache 30 {\nprefetch 1\n}");
  const answer: Said = { answer: ["b.example.net. 300 A 192.0.2.7"] };
  bed.say((exchange) => said(exchange, answer));
  await bed.ask();
  const [plain] = bed.asked;
  if (plain === undefined) throw new Error("nothing was asked");
  const raw = "\x01B\x07example\x03net";
  const rewritten = { ...plain, asked: { ...plain.asked, key: raw.toLowerCase(), raw } };
  await bed.serve(rewritten);
  bed.pass(28_000);
  await bed.serve(rewritten);
  await settled();
  const own = bed.asked.at(-1);
  expect(bed.asked).toHaveLength(3);
  expect([own?.asked.key, own?.message.toString("latin1", 12, 26)]).toEqual([raw.toLowerCase(), raw]);
});
