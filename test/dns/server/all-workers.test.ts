import { afterEach, expect, test } from "vitest";
import { askUdp, encodeQuery } from "../support/dns-client.ts";
import { replyText } from "../support/reply-text.ts";
import { startTestResolver, type TestResolver } from "../support/resolver.ts";
import { startTestUpstream } from "../support/test-upstream.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const QUESTIONS = 60;

/** Response codes of questions from as many ports: the system spreads them over the workers. */
async function askMany({ port }: TestResolver): Promise<readonly string[]> {
  const asked = Array.from({ length: QUESTIONS }, () => askUdp(encodeQuery({ name: "x.example" }), { port }));
  return (await Promise.all(asked)).map((bytes) => (bytes === undefined ? "" : replyText(bytes).rcode));
}

test("a client's rate holds for all workers together", async () => {
  const upstream = await startTestUpstream({ zone: ["x.example. 60 A 192.0.2.1"] });
  cleanups.push(() => upstream.close());
  const resolver = await startTestResolver([upstream.port], { workers: 4, clientRate: { perSecond: 0, burst: 10 } });
  cleanups.push(() => resolver.close());
  const rcodes = await askMany(resolver);
  expect(rcodes.filter((rcode) => rcode === "NOERROR")).toHaveLength(10);
  expect(rcodes.filter((rcode) => rcode === "REFUSED")).toHaveLength(QUESTIONS - 10);
});

test("errors of all workers that are alike are one line", async () => {
  const resolver = await startTestResolver([], {
    workers: 4,
    corefile: ". {\nerrors {\nconsolidate 1h refused\n}\nsluice\nforward . 127.0.0.1:1\n}",
  });
  expect(new Set(await askMany(resolver))).toEqual(new Set(["SERVFAIL"]));
  await resolver.close();
  expect(resolver.lines.map(({ text }) => text)).toEqual([
    `plugin/errors: ${QUESTIONS} errors like 'refused' occurred in last 1h0m0s`,
  ]);
});
