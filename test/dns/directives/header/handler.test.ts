import { describe, expect, test } from "vitest";
import { createHeaderHandler } from "../../../../src/dns/directives/header/handler.ts";
import type { HeaderRule, HeaderSettings } from "../../../../src/dns/directives/header/setup.ts";
import { type Answer, refusal } from "../../../../src/dns/pipeline/answer.ts";
import type { Exchange } from "../../../../src/dns/pipeline/exchange.ts";
import { FLAG, RCODE } from "../../../../src/dns/wire/codes.ts";
import { serveThrough } from "../../support/answers.ts";
import { delivered, exchangeOf } from "../../support/exchange.ts";

const rule = (of: HeaderRule["of"], action: HeaderRule["action"], ...flags: HeaderRule["flags"]): HeaderRule => ({
  of,
  action,
  flags,
});
const lines = (...rules: readonly (readonly HeaderRule[])[]): readonly HeaderSettings[] =>
  rules.map((one) => ({ rules: one }));

const exchange = exchangeOf({ name: "example.org" });

async function flagsBehind(settings: readonly HeaderSettings[]) {
  const serve = await serveThrough(createHeaderHandler, settings, () => refusal("forward", RCODE.NOERROR));
  return delivered(exchange, await serve(exchange))?.flags;
}

describe("header of responses", () => {
  test.each([
    ["nothing", [], ["qr", "aa", "rd", "ra"]],
    ["clear aa ra", [rule("response", "clear", "aa", "ra")], ["qr", "rd"]],
    ["clear rd", [rule("response", "clear", "rd")], ["qr", "aa", "ra"]],
    ["clear, then set", [rule("response", "clear", "aa"), rule("response", "set", "aa")], ["qr", "aa", "rd", "ra"]],
    ["set, then clear", [rule("response", "set", "aa"), rule("response", "clear", "aa")], ["qr", "rd", "ra"]],
  ] as const)("%s", async (_what, rules, flags) => {
    expect(await flagsBehind(lines(rules))).toEqual(flags);
  });

  test("of two lines the later one counts", async () => {
    const [set, clear] = [[rule("response", "set", "ra")], [rule("response", "clear", "ra")]];
    expect(await flagsBehind(lines(set, clear))).not.toContain("ra");
    expect(await flagsBehind(lines(clear, set))).toContain("ra");
  });

  test("what is not sent has no header", async () => {
    const dropped: Answer = { form: "dropped", by: "acl", rcode: 0 };
    const serve = await serveThrough(createHeaderHandler, lines([rule("response", "set", "aa")]), () => dropped);
    expect(serve(exchange)).toBe(dropped);
  });

  test("an answer that comes later is changed as well", async () => {
    const answer = async (): Promise<Answer> => refusal("forward", RCODE.NOERROR);
    const serve = await serveThrough(createHeaderHandler, lines([rule("response", "clear", "aa")]), answer);
    expect(delivered(exchange, await serve(exchange))?.flags).not.toContain("aa");
  });
});

describe("header of queries", () => {
  async function passedOn(settings: readonly HeaderSettings[], asked: Exchange): Promise<Exchange | undefined> {
    let seen: Exchange | undefined;
    const next = (one: Exchange): Answer => {
      seen = one;
      return refusal("forward", RCODE.NOERROR);
    };
    const serve = await serveThrough(createHeaderHandler, settings, next);
    await serve(asked);
    return seen;
  }

  test("RD is cleared for what lies behind, and the client still sees its own", async () => {
    const settings = lines([rule("query", "clear", "rd")]);
    const seen = await passedOn(settings, exchange);
    expect((seen?.query.flags ?? 0) & FLAG.RD).toBe(0);
    expect(await flagsBehind(settings)).toContain("rd");
  });

  test("RD is set, and nothing else of the question changes", async () => {
    const asked = exchangeOf({ name: "example.org", flags: ["cd"] });
    const seen = await passedOn(lines([rule("query", "set", "rd")]), asked);
    expect(seen).toEqual({ ...asked, query: { ...asked.query, flags: FLAG.RD | FLAG.CD } });
  });

  test("a question that has the bits already is passed on as it is", async () => {
    expect(await passedOn(lines([rule("query", "set", "rd")]), exchange)).toBe(exchange);
  });
});
