import { afterEach, expect, test } from "vitest";
import { askDns } from "../../support/dns-process.ts";
import { startTestResolver } from "../../support/resolver.ts";
import { startTestUpstream } from "../../support/test-upstream.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

test("a question that is given up has its line of log and its line of errors, and no second one", async () => {
  const upstream = await startTestUpstream({
    zone: ["slow.example. 60 A 192.0.2.2"],
    behaviours: { "slow.example.": { delay: 0.3 } },
  });
  cleanups.push(() => upstream.close());
  const resolver = await startTestResolver([upstream.port], { lines: 'cancel 100ms\nlog . "{name} {rcode}"' });
  cleanups.push(() => resolver.close());
  const reply = await askDns({ name: "slow.example" }, { port: resolver.port });
  expect(reply.rcode).toBe("SERVFAIL");
  const told = ["plugin/errors: 2 slow.example. A: context deadline exceeded", "slow.example. SERVFAIL"];
  await expect.poll(() => resolver.lines.map(({ text }) => text)).toEqual(told);
  // What the upstream says in the end tells nothing more: the next question comes behind it.
  await askDns({ name: "slow.example" }, { port: resolver.port });
  await expect.poll(() => resolver.lines.map(({ text }) => text)).toEqual([...told, ...told]);
});
