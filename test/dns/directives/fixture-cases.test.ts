import { describe, expect, test } from "vitest";
import { createAnyHandler } from "../../../src/dns/directives/any/handler.ts";
import { createChaosHandler } from "../../../src/dns/directives/chaos/handler.ts";
import { createHostsHandler } from "../../../src/dns/directives/hosts/handler.ts";
import { createLocalHandler } from "../../../src/dns/directives/local/handler.ts";
import { createSluiceHandler } from "../../../src/dns/directives/sluice/handler.ts";
import { createTemplateHandler } from "../../../src/dns/directives/template/handler.ts";
import { createWhoamiHandler } from "../../../src/dns/directives/whoami/handler.ts";
import { refusal } from "../../../src/dns/pipeline/answer.ts";
import type { CreateHandler, Serve } from "../../../src/dns/pipeline/serve.ts";
import { compileTable } from "../../../src/dns/table.ts";
import { mismatches, readCases, topologyOf } from "../support/conformance.ts";
import { contextOf, delivered, exchangeOf } from "../support/exchange.ts";
import { load } from "./load.ts";

const CREATE: Readonly<Record<string, CreateHandler<never>>> = {
  any: createAnyHandler,
  chaos: createChaosHandler,
  hosts: createHostsHandler,
  local: createLocalHandler,
  sluice: createSluiceHandler,
  template: createTemplateHandler,
  whoami: createWhoamiHandler,
};

const FIXTURES = ["hosts-ft", "hosts-noft", "hosts-egress", "tmpl", "any", "who", "local", "chaos"];
/** What the upstream answers is the upstream's business. */
const GOES_ON = new Set(["PL-003"]);
const NEXT = refusal("next", 3);
const { cases, fixtures } = readCases();

/** The directives of a fixture's server block up to `forward`. */
async function serveOf(name: string): Promise<{ serve: Serve; close: () => void }> {
  const fixture = fixtures[name];
  const { servers, problems } = load((fixture?.corefile ?? "").replaceAll("@UPSTREAM@", "127.0.0.1"));
  if (fixture === undefined || servers === undefined) throw new Error(problems.join("\n"));
  const table = compileTable(topologyOf(fixture));
  const context = contextOf({ table: () => table });
  let serve: Serve = () => NEXT;
  const closing: (() => void)[] = [];
  for (const directive of servers.flatMap(({ directives }) => directives).toReversed()) {
    const handler = await CREATE[directive.name]?.(directive.settings as never, context);
    serve = handler?.wrap(serve) ?? serve;
    closing.push(() => handler?.close?.());
  }
  return { serve, close: () => closing.forEach((close) => void close()) };
}

describe.each(cases.filter(({ fixture }) => FIXTURES.includes(fixture)))(
  "$id of $fixture:",
  ({ id, fixture, query, expected, title }) => {
    test(title, async () => {
      const { serve, close } = await serveOf(fixture);
      const exchange = exchangeOf(query);
      const answer = await serve(exchange);
      close();
      if (GOES_ON.has(id)) return expect(answer).toBe(NEXT);
      const reply = delivered(exchange, answer);
      expect(
        mismatches(expected, { reply, elapsedSeconds: 0, questionEchoed: true, distinctOrders: 0, seen: [] }),
      ).toEqual([]);
      return expect(answer).not.toBe(NEXT);
    });
  },
);

test("every fixture has a case", () => {
  expect(FIXTURES.filter((name) => !cases.some(({ fixture }) => fixture === name))).toEqual([]);
});
