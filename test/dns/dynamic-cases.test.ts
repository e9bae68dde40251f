import { globSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { topologyOf as topologyOfFixture } from "./support/conformance.ts";
import { askDns } from "./support/dns-process.ts";
import {
  dynamicCases,
  type EgressWorld,
  type EgressWorldInput,
  type FixtureObject,
  objectsOf,
  startEgressWorld,
  titleOf,
  withGateway,
  zoneOf,
} from "./support/dynamic-cases.ts";
import { extendedErrors } from "./support/reply-text.ts";
import { startTestResolver } from "./support/resolver.ts";
import { startTestUpstream } from "./support/test-upstream.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(input: EgressWorldInput = {}): Promise<EgressWorld> {
  const world = await startEgressWorld(input);
  cleanups.push(() => world.close());
  return world;
}

/** The cases allow 1 s from a change to its answer; the rest is for a busy machine. */
const WITHIN = { timeout: 4_000, interval: 20 };

const withAddresses = (...values: string[]) =>
  withGateway((gateway) => ({
    ...gateway,
    status: { ...gateway.status, addresses: values.map((value) => ({ type: "IPAddress", value })) },
  }));

/** The egress Gateway with one more listener, and a route on it. */
function withListener(hostname: string): readonly FixtureObject[] {
  const objects = withGateway(({ spec, status, ...gateway }) => ({
    ...gateway,
    spec: { ...spec, listeners: [...(spec.listeners ?? []), { ...spec.listeners?.[0], name: "more", hostname }] },
    status: {
      ...status,
      listeners: [...((status as never)["listeners"] as object[]), { name: "more", attachedRoutes: 1 }],
    },
  }));
  const route = objects.find(({ kind }) => kind === "HTTPRoute") as FixtureObject;
  return [
    ...objects,
    { ...route, metadata: { ...route.metadata, name: "more" }, spec: { ...route.spec, hostnames: [hostname] } },
  ];
}

test("every dynamic case has a test", () => {
  const files = globSync(["test/dns/dynamic-*.test.ts", "test/cluster/resolver-*.test.ts"]);
  const text = files.map((file) => readFileSync(file, "utf8")).join("\n");
  expect(dynamicCases).toHaveLength(18);
  expect(dynamicCases.filter(({ id }) => !text.includes(`titleOf("${id}")`)).map(({ id }) => id)).toEqual([]);
});

describe("what a change of the objects changes", () => {
  test(titleOf("DY-001"), async () => {
    const { ask, sluice } = await start({ lines: "cache 300" });
    expect((await ask("api.openai.com")).answer).toEqual(["api.openai.com. 5 A 10.96.10.10"]);
    expect((await ask("alias.example.com")).answer.at(-1)).toBe("api.openai.com. 5 A 10.96.10.10");
    await sluice.writeObjects(withAddresses("10.96.10.99"));
    await expect
      .poll(async () => (await ask("api.openai.com")).answer, WITHIN)
      .toEqual(["api.openai.com. 5 A 10.96.10.99"]);
    expect((await ask("alias.example.com")).answer.map((record) => record.replace(/ \d+ /, " "))).toEqual([
      "alias.example.com. CNAME api.openai.com.",
      "api.openai.com. A 10.96.10.99",
    ]);
  });

  test(titleOf("DY-002"), async () => {
    const { ask, sluice } = await start();
    expect((await ask("api.openai.com")).answer).toEqual(["api.openai.com. 5 A 10.96.10.10"]);
    await sluice.writeObjects(objectsOf("egress").filter(({ kind }) => kind !== "Gateway"));
    await expect
      .poll(async () => (await ask("api.openai.com")).answer, WITHIN)
      .toEqual(["api.openai.com. 300 A 162.159.140.245"]);
    await sluice.wrote(/"hostnames":\[[^\]]*"api\.openai\.com"[^\]]*\].*no longer claimed: they are forwarded/);
  });

  test(titleOf("DY-003"), async () => {
    const { ask, sluice, upstream } = await start({ lines: "cache 300" });
    await sluice.writeObjects(withAddresses());
    await expect.poll(async () => (await ask("api.openai.com")).rcode, WITHIN).toBe("SERVFAIL");
    const closed = await ask("api.openai.com");
    expect([closed.answer, extendedErrors(closed)]).toEqual([[], [14]]);
    await sluice.writeObjects(withAddresses("10.96.10.10"));
    await expect
      .poll(async () => (await ask("api.openai.com")).answer, WITHIN)
      .toEqual(["api.openai.com. 5 A 10.96.10.10"]);
    expect(upstream.seen.filter(({ name }) => name.startsWith("api.openai.com"))).toEqual([]);
  });

  test(titleOf("DY-007"), async () => {
    const { ask, sluice } = await start({ lines: "cache 300", zone: ["new.example.org. 300 A 192.0.2.77"] });
    expect((await ask("new.example.org")).answer).toEqual(["new.example.org. 300 A 192.0.2.77"]);
    await sluice.writeObjects(withListener("new.example.org"));
    await expect
      .poll(async () => (await ask("new.example.org")).answer, WITHIN)
      .toEqual(["new.example.org. 5 A 10.96.10.10"]);
  });

  test(titleOf("DY-008"), async () => {
    const zone = ["x.example.org. 300 CNAME y.example.org.", "y.example.org. 300 A 192.0.2.78"];
    const { ask, sluice } = await start({ lines: "cache 300", zone });
    expect((await ask("x.example.org")).answer.at(-1)).toBe("y.example.org. 300 A 192.0.2.78");
    await sluice.writeObjects(withListener("y.example.org"));
    await expect
      .poll(async () => (await ask("x.example.org")).answer.map((record) => record.replace(/ \d+ /, " ")), WITHIN)
      .toEqual(["x.example.org. CNAME y.example.org.", "y.example.org. A 10.96.10.10"]);
  });
});

test(titleOf("DY-017"), async () => {
  const upstream = await startTestUpstream({ zone: zoneOf("two") });
  cleanups.push(() => upstream.close());
  const objects = objectsOf("two");
  const owners = [];
  for (const kubernetes of [objects, objects.toReversed()]) {
    const view = topologyOfFixture({
      kubernetes: kubernetes as never,
      corefile: ". {\nsluice\nwhoami\n}",
      upstream: { zone: "", behaviours: {} },
    });
    const replica = await startTestResolver([upstream.port], { view });
    cleanups.push(() => replica.close());
    const contested = view.egressHostnames.find(({ losers }) => losers.length > 0)?.hostname ?? "";
    owners.push((await askDns({ name: contested }, { port: replica.port })).answer);
  }
  expect(owners[0]).toEqual([expect.stringMatching(/ 5 A 10\.96\.10\.10$/)]);
  expect(owners[1]).toEqual(owners[0]);
});

test(titleOf("DY-018"), async () => {
  const { ask } = await start();
  const names = [...new Set(zoneOf("egress").map((record) => record.split(" ")[0] ?? ""))];
  for (const name of names) {
    for (const [type, other] of [
      ["AAAA", " A "],
      ["A", " AAAA "],
    ] as const) {
      const { answer } = await ask(name, type);
      expect(answer.filter((record) => record.includes(other))).toEqual([]);
    }
  }
  expect((await ask("api.openai.com", "AAAA")).answer).toEqual([]);
});
