import { describe, expect, test } from "vitest";
import { createRewriteHandlers } from "../../../../src/dns/directives/rewrite/handler.ts";
import type { RewriteSettings } from "../../../../src/dns/directives/rewrite/setup.ts";
import { createSluiceHandler } from "../../../../src/dns/directives/sluice/handler.ts";
import type { SluiceSettings } from "../../../../src/dns/directives/sluice/setup.ts";
import { compileTable } from "../../../../src/dns/table.ts";
import { nameText } from "../../../../src/dns/wire/name.ts";
import { serveThrough, upstreamAnswer } from "../../support/answers.ts";
import { contextOf, delivered, exchangeOf } from "../../support/exchange.ts";
import { claim, viewOf } from "../../support/views.ts";
import { settingsOf } from "../load.ts";

const table = compileTable(viewOf(claim("api.openai.com")));

/** The real chain: `rewrite` in front of `sluice`, an upstream that knows a real address for every name behind. */
async function ask(rule: string, name: string) {
  const context = contextOf({ table: () => table });
  const [sluice] = settingsOf("sluice") as readonly SluiceSettings[];
  if (sluice === undefined) throw new Error("no settings for sluice");
  const behind = await serveThrough(
    createSluiceHandler,
    [sluice],
    (asked) => upstreamAnswer(asked, { answer: [`${nameText(asked.asked.key)} 300 A 162.159.140.245`] }),
    context,
  );
  const serve = createRewriteHandlers(settingsOf(rule) as readonly RewriteSettings[], context).wrap(behind);
  const exchange = exchangeOf({ name });
  return delivered(exchange, await serve(exchange));
}

describe("rewrite never leads past the egress table", () => {
  test.each([
    ["into an egress name", "rewrite name exact cheap.test api.openai.com", "cheap.test"],
    ["into an egress name by suffix", "rewrite name suffix .alias.test .openai.com answer auto", "api.alias.test"],
    ["into an egress name by regexp", "rewrite name regex (.*)-gw[.]test {1}.openai.com", "api-gw.test"],
    ["out of an egress name", "rewrite name exact api.openai.com new.test", "api.openai.com"],
  ])("%s: the gateway answers, under the name that was asked for", async (_what, rule, name) => {
    expect((await ask(rule, name))?.answer).toEqual([`${name}. 5 A 10.96.10.10`]);
  });

  test("another name gets what the upstream says", async () => {
    expect((await ask("rewrite name exact old.test new.test", "old.test"))?.answer).toEqual([
      "old.test. 300 A 162.159.140.245",
    ]);
  });
});
