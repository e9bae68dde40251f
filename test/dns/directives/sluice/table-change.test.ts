import { expect, test } from "vitest";
import { createSluiceHandler } from "../../../../src/dns/directives/sluice/handler.ts";
import type { SluiceSettings } from "../../../../src/dns/directives/sluice/setup.ts";
import type { Answer } from "../../../../src/dns/pipeline/answer.ts";
import type { Exchange } from "../../../../src/dns/pipeline/exchange.ts";
import { compileTable, type EgressTable } from "../../../../src/dns/table.ts";
import { TYPE } from "../../../../src/dns/wire/codes.ts";
import { nameText } from "../../../../src/dns/wire/name.ts";
import { upstreamAnswer } from "../../support/answers.ts";
import { contextOf, delivered, exchangeOf } from "../../support/exchange.ts";
import { claim, unresolved, viewOf } from "../../support/views.ts";
import { settingsOf } from "../load.ts";

const STEERED = claim("api.openai.com", unresolved("lb.example.net"));
const BEFORE = compileTable(viewOf(STEERED));
const AFTER = compileTable(viewOf(STEERED, claim("b.test")));

const ZONE: Readonly<Record<string, readonly string[]>> = {
  "lb.example.net.": ["lb.example.net. 20 CNAME b.test.", "b.test. 20 A 6.6.6.6"],
  "a.test.": ["a.test. 20 CNAME api.openai.com.", "api.openai.com. 20 A 6.6.6.9"],
  "c.test.": ["c.test. 20 CNAME b.test.", "b.test. 20 A 6.6.6.6"],
};

/** What `sluice` stands before answers when it is let; by then the table may be another one. */
async function start(name: string) {
  let table: EgressTable = BEFORE;
  const waiting: (() => void)[] = [];
  const next = (exchange: Exchange): Promise<Answer> =>
    new Promise((resolve) => {
      const answer = exchange.asked.type === TYPE.A ? (ZONE[nameText(exchange.asked.key)] ?? []) : [];
      waiting.push(() => resolve(upstreamAnswer(exchange, { answer })));
    });
  const context = contextOf({ table: () => table });
  const serve = (await createSluiceHandler(settingsOf("sluice")[0] as SluiceSettings, context)).wrap(next);
  const exchange = exchangeOf({ name });
  const answer = Promise.resolve(serve(exchange)).then((late) => delivered(exchange, late));
  return {
    answer,
    become(newest: EgressTable) {
      table = newest;
    },
    /** Lets everything through that is asked until the answer is there. */
    async finish() {
      let settled = false;
      void answer.finally(() => {
        settled = true;
      });
      while (!settled) {
        for (const pass of waiting.splice(0)) pass();
        await new Promise((done) => setImmediate(done));
      }
      return answer;
    },
    async untilAsked() {
      while (waiting.length === 0) await new Promise((done) => setImmediate(done));
    },
    letThrough() {
      for (const pass of waiting.splice(0)) pass();
    },
  };
}

test("an address of the gateway that is looked up is not shown when it is an egress hostname's own by then", async () => {
  const question = await start("api.openai.com");
  await question.untilAsked();
  question.become(AFTER);
  const reply = await question.finish();
  expect([reply?.rcode, reply?.answer]).toEqual(["SERVFAIL", []]);
});

test("nor is it at the end of an alias", async () => {
  const question = await start("a.test");
  await question.untilAsked();
  question.letThrough();
  await question.untilAsked();
  question.become(AFTER);
  const reply = await question.finish();
  expect([reply?.rcode, reply?.answer]).toEqual(["SERVFAIL", []]);
});

test("an answer that comes when an alias in it leads to an egress hostname ends at the gateway", async () => {
  const question = await start("c.test");
  await question.untilAsked();
  question.become(AFTER);
  expect((await question.finish())?.answer).toEqual(["c.test. 20 CNAME b.test.", "b.test. 5 A 10.96.10.10"]);
});

test("a table that changes nothing for a question changes nothing of its answer", async () => {
  const question = await start("api.openai.com");
  await question.untilAsked();
  question.become(compileTable(viewOf(STEERED, claim("other.test"))));
  expect((await question.finish())?.answer).toEqual(["api.openai.com. 5 A 6.6.6.6"]);
});
