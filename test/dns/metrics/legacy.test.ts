import { afterEach, expect, test } from "vitest";
import { askDns } from "../support/dns-process.ts";
import { serversOf, startTestResolver } from "../support/resolver.ts";
import { startTestUpstream } from "../support/test-upstream.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

test("series that CoreDNS has dropped are shown, and not with legacy_metrics off", async () => {
  const upstream = await startTestUpstream({ zone: ["x.example. 60 A 192.0.2.1"] });
  cleanups.push(() => upstream.close());
  const block = (lines: string): string => `. {\n${lines}\nforward . 127.0.0.1:${upstream.port}\n}`;
  const resolver = await startTestResolver([], { corefile: block("prometheus") });
  cleanups.push(() => resolver.close());
  await askDns({ name: "x.example" }, { port: resolver.port });
  const names = (): ReadonlySet<string> => new Set(resolver.samples().map(({ name }) => name));
  await expect.poll(() => names().has("coredns_forward_responses_total")).toBe(true);
  await resolver.reload(serversOf(block("prometheus {\nlegacy_metrics off\n}")));
  expect([...names()].filter((name) => /^coredns_forward_(request|response|conn)/.test(name))).toEqual([]);
  expect(names()).toContain("coredns_proxy_request_duration_seconds");
  expect(names()).toContain("coredns_forward_max_concurrent_rejects_total");
});
