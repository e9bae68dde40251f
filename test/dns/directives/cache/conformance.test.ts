import { afterEach, describe, expect, test } from "vitest";
import { createCacheHandler } from "../../../../src/dns/directives/cache/handler.ts";
import { createForwardHandler } from "../../../../src/dns/directives/forward/handler.ts";
import { loadCorefile } from "../../../../src/dns/directives/load-corefile.ts";
import { createSluiceHandler } from "../../../../src/dns/directives/sluice/handler.ts";
import type { Handler, Serve } from "../../../../src/dns/pipeline/serve.ts";
import { compileTable } from "../../../../src/dns/table.ts";
import { memoryFiles } from "../../corefile/memory-files.ts";
import { type Fixture, mismatches, readCases, topologyOf } from "../../support/conformance.ts";
import type { TestQuery } from "../../support/dns-client.ts";
import { contextOf, delivered, exchangeOf } from "../../support/exchange.ts";
import { startTestUpstream } from "../../support/test-upstream.ts";

const { zones, fixtures, cases } = readCases();

const opened: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

/** The directives of a fixture's Corefile, from `sluice` to `forward`. */
async function openChain(fixture: Fixture, port: number): Promise<Serve> {
  const text = fixture.corefile.replace("@UPSTREAM@", `127.0.0.1:${port}`);
  const files = memoryFiles({});
  const { servers } = loadCorefile({ file: "Corefile", text, environment: {}, files, compatibility: "strict" });
  const table = compileTable(topologyOf(fixture));
  const context = contextOf({ table: () => table });
  const handlers: Handler[] = [];
  for (const directive of servers?.[0]?.directives ?? []) {
    if (directive.name === "sluice") handlers.push(await createSluiceHandler(directive.settings, context));
    else if (directive.name === "cache") handlers.push(await createCacheHandler(directive.settings, context));
    else if (directive.name === "forward") handlers.push(await createForwardHandler(directive.settings, context));
    else throw new Error(`no case about the cache has a directive ${directive.name}`);
  }
  opened.push(() => {
    for (const handler of handlers) handler.close?.();
  });
  const end: Serve = () => {
    throw new Error("the end of the chain was asked");
  };
  return handlers.toReversed().reduce<Serve>((next, handler) => handler.wrap(next), end);
}

describe("cases about the cache", () => {
  const about = cases.filter(({ id }) => id.startsWith("CA-"));

  test("are there", () => expect(about.length).toBeGreaterThanOrEqual(17));

  test.each(about)("$id $title", async ({ fixture: id, query, before = [], expected }) => {
    const fixture = fixtures[id];
    if (fixture === undefined) throw new Error(`no fixture ${id}`);
    const { zone, behaviours } = fixture.upstream;
    const upstream = await startTestUpstream({ zone: zones[zone] ?? [], behaviours });
    opened.push(() => upstream.close());
    const serve = await openChain(fixture, upstream.port);
    const ask = async (question: TestQuery) => {
      const exchange = exchangeOf(question);
      return delivered(exchange, await serve(exchange));
    };
    for (const question of before) await ask(question);
    upstream.seen.length = 0;
    const startedAt = performance.now();
    const reply = await ask(query);
    const elapsedSeconds = (performance.now() - startedAt) / 1000;
    const observed = { reply, elapsedSeconds, questionEchoed: true, distinctOrders: 1, seen: upstream.seen };
    expect(mismatches(expected, observed)).toEqual([]);
  });
});
