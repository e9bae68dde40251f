import { expect, test } from "vitest";
import { A, A2, NXDOMAIN, openBed } from "./cache-bed.ts";

const shown = "NOERROR; www.example.org. 30 A 192.0.2.1";

/** A cache with an entry of each half, and its successor after a reload. */
async function reload(before: string, after: string) {
  const clock = { now: 1_800_000_000_000 };
  const first = await openBed(before, { clock });
  await first.ask();
  first.say(NXDOMAIN);
  await first.ask({ name: "nope.example.org." });
  const { kept, meter, counts } = first.context;
  const second = await openBed(after, { clock, context: { kept, meter } });
  second.say(A2);
  return { first, second, entries: () => series(counts) };
}

const series = (counts: ReadonlyMap<string, number>) =>
  Object.fromEntries([...counts].filter(([name]) => name.startsWith("coredns_cache_entries")));
const entriesOf = (zones: string) => ({
  denial: `coredns_cache_entries{server="dns://:53",type="denial",view="",zones="${zones}"}`,
  success: `coredns_cache_entries{server="dns://:53",type="success",view="",zones="${zones}"}`,
});

test.each([
  ["nothing else", "cache 30"],
  ["how it is used", "cache 30 {\nprefetch 3\nserve_stale\n}"],
])("the entries survive a reload that changes %s", async (_what, after) => {
  const { first, second, entries } = await reload("cache 30", after);
  first.handler.close?.();
  expect(await second.read()).toBe(shown);
  expect(await second.read({ name: "nope.example.org." })).toContain("NXDOMAIN");
  expect(second.asked).toEqual([]);
  expect(entries()).toEqual({ [entriesOf(".").success]: 1, [entriesOf(".").denial]: 1 });
});

test.each([
  ["the cap", "cache 20"],
  ["a capacity", "cache 30 {\nsuccess 10 30\n}"],
  ["what is disabled", "cache 30 {\ndisable denial\n}"],
  ["how long failures are kept", "cache 30 {\nservfail 1s\n}"],
])("a reload that changes %s starts with an empty cache", async (_what, after) => {
  const { first, second, entries } = await reload("cache 30", after);
  await second.ask();
  expect(second.asked).toHaveLength(1);
  first.say(A);
  // A question that was still under way in the old one.
  await first.ask({ name: "late.example.org." });
  first.handler.close?.();
  expect(entries()).toEqual({ [entriesOf(".").success]: 1, [entriesOf(".").denial]: 0 });
});

test("after a reload to other zones the old series say 0", async () => {
  const { first, second, entries } = await reload("cache 30", "cache 30 example.net");
  first.handler.close?.();
  expect(entries()).toEqual({
    [entriesOf(".").success]: 0,
    [entriesOf(".").denial]: 0,
    [entriesOf("example.net.").success]: 0,
    [entriesOf("example.net.").denial]: 0,
  });
  second.handler.close?.();
});

test("a cache that is taken out of the file leaves no entries in the figures", async () => {
  const bed = await openBed("cache");
  await bed.ask();
  bed.handler.close?.();
  expect(bed.count("entries", "success")).toBe(0);
});

test("each worker has its part of the capacity, and none at all is none for all", async () => {
  const asked: number[] = [];
  const share = (total: number): number => {
    asked.push(total);
    return Math.max(1, Math.floor(total / 4));
  };
  const bed = await openBed("cache {\nsuccess 8\ndenial 0\n}", { context: { share } });
  for (let index = 0; index < 9; index++) {
    bed.say({ answer: [`n${index}.example.org. 60 A 192.0.2.1`] });
    await bed.ask({ name: `n${index}.example.org.` });
  }
  bed.say(NXDOMAIN);
  await bed.ask();
  expect(asked).toEqual([8]);
  expect([bed.count("entries", "success"), bed.count("entries", "denial")]).toEqual([2, 0]);
});
