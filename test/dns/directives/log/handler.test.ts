import { describe, expect, test } from "vitest";
import { createLogHandler } from "../../../../src/dns/directives/log/handler.ts";
import type { LogSettings } from "../../../../src/dns/directives/log/setup.ts";
import { type Answer, failed, messageAnswer, refusal } from "../../../../src/dns/pipeline/answer.ts";
import { composeMessage, type NewRecord } from "../../../../src/dns/pipeline/compose.ts";
import { deliver } from "../../../../src/dns/pipeline/deliver.ts";
import type { Exchange } from "../../../../src/dns/pipeline/exchange.ts";
import type { LogLine, Serve } from "../../../../src/dns/pipeline/serve.ts";
import { clientOf } from "../../../../src/dns/server/client.ts";
import { RCODE, TYPE } from "../../../../src/dns/wire/codes.ts";
import { foldKey } from "../../../../src/dns/wire/name.ts";
import type { TestQuery } from "../../support/dns-client.ts";
import { contextOf, type ExchangeOptions, exchangeOf } from "../../support/exchange.ts";
import { rawName } from "../../support/zone.ts";
import { settingsOf } from "../load.ts";

type Asked = TestQuery & ExchangeOptions;

const udp = clientOf("127.0.0.1", 4242, "udp", "127.0.0.1");
const tcp = clientOf("127.0.0.1", 4242, "tcp", "127.0.0.1");

const address: NewRecord = {
  section: "answer",
  owner: rawName("example.org"),
  type: TYPE.A,
  ttlSeconds: 60,
  data: Buffer.from([192, 0, 2, 1]),
};
const soa: NewRecord = {
  section: "authority",
  owner: rawName("org"),
  type: TYPE.SOA,
  ttlSeconds: 60,
  data: Buffer.concat([Buffer.from("\0\0"), Buffer.alloc(20)]),
};
const composed = (exchange: Exchange, rcode: number, pieces: readonly NewRecord[]): Answer => {
  const message = composeMessage(exchange, { rcode, pieces });
  if (message === undefined) throw new Error("the message does not compose");
  return messageAnswer("forward", message, 0);
};

const OUTCOMES = {
  found: (exchange) => composed(exchange, RCODE.NOERROR, [address]),
  "no data": (exchange) => composed(exchange, RCODE.NOERROR, [soa]),
  "no name": (exchange) => composed(exchange, RCODE.NXDOMAIN, [soa]),
  empty: (exchange) => composed(exchange, RCODE.NOERROR, []),
  failed: () => failed("forward", 23, "no upstream answers"),
  refused: () => refusal("acl", RCODE.REFUSED),
  dropped: () => ({ form: "dropped", by: "acl", rcode: RCODE.NOERROR }),
} as const satisfies Record<string, Serve>;

/** What several `log` lines write about one answer, as the server's edge makes them write it. */
async function logged(lines: string, asked: Asked, serve: Serve = OUTCOMES.found): Promise<readonly LogLine[]> {
  const { client, block, ...query } = asked;
  const context = contextOf();
  const exchange = exchangeOf(query, { client: client ?? udp, ...(block && { block }) });
  const handlers = settingsOf(lines).map((settings) => createLogHandler(settings as LogSettings, context));
  let chain = serve;
  for (const handler of handlers.toReversed()) chain = (await handler).wrap(chain);
  const answer = await chain(exchange);
  answer.onSent?.(deliver(exchange, answer, Buffer.alloc(2048), 0), 0.000_123_4);
  return context.lines;
}

const textOf = async (lines: string, asked: Asked, serve?: Serve) => (await logged(lines, asked, serve))[0]?.text;

describe("the line of a question", () => {
  test.each<[string, string, Partial<Asked>, string]>([
    [
      "over UDP",
      "log",
      {},
      '127.0.0.1:4242 - 4660 "A IN example.org. udp 29 false 512" NOERROR qr,rd,ra 45 0.0001234s',
    ],
    [
      "over TCP",
      "log",
      { client: tcp },
      '127.0.0.1:4242 - 4660 "A IN example.org. tcp 29 false 65535" NOERROR qr,rd,ra 45 0.0001234s',
    ],
    [
      "with EDNS and DO",
      "log",
      { edns: { size: 4096, do: true } },
      '127.0.0.1:4242 - 4660 "A IN example.org. udp 40 true 4096" NOERROR qr,rd,ra 56 0.0001234s',
    ],
    [
      "from IPv6",
      "log",
      { client: clientOf("::1", 4242, "udp", "::1") },
      '[::1]:4242 - 4660 "A IN example.org. udp 29 false 512" NOERROR qr,rd,ra 45 0.0001234s',
    ],
    [
      "in the combined format",
      "log . {combined}",
      {},
      '127.0.0.1:4242 - 4660 "A IN example.org. udp 29 false 512" NOERROR qr,rd,ra 45 0.0001234s "0"',
    ],
    [
      "in a format of its own",
      'log . "{type} {local} {/forward/upstream} {bad} {rcode}"',
      {},
      "A 127.0.0.1 - {bad} NOERROR",
    ],
  ])("%s", async (_title, lines, query, text) => {
    expect(await textOf(lines, { name: "example.org", ...query })).toBe(text);
  });

  test.each([
    ["TYPE65280", '"TYPE65280 IN example.org. udp 29 false 512"'],
    ["TYPE29", '"LOC IN example.org. udp 29 false 512"'],
  ])("names the type %s as CoreDNS does", async (type, text) => {
    expect(await textOf("log", { name: "example.org", type })).toContain(text);
  });

  test("has the name in lower case", async () => {
    expect(await textOf("log", { name: "eXample.ORG" })).toContain('"A IN example.org. udp');
  });

  test("has fields for what the text says", async () => {
    const [line] = await logged("log", { name: "example.org" });
    expect(line?.level).toBe("info");
    expect(line?.fields).toEqual({
      remote: "127.0.0.1",
      port: 4242,
      id: 0x1234,
      type: "A",
      class: "IN",
      name: "example.org.",
      proto: "udp",
      size: 29,
      do: false,
      bufsize: 512,
      rcode: "NOERROR",
      rflags: "qr,rd,ra",
      rsize: 45,
      duration: 0.000_123_4,
    });
  });

  test.each([
    [0, "0s"],
    [2, "2s"],
    [10, "10s"],
    [0.1, "0.1s"],
    [0.000_000_001, "0.000000001s"],
    [1.25, "1.25s"],
  ])("writes %d seconds as %s", async (seconds, text) => {
    const context = contextOf();
    const settings = settingsOf('log . "{duration}"')[0] as LogSettings;
    const exchange = exchangeOf({ name: "example.org" });
    const answer = await (await createLogHandler(settings, context)).wrap(OUTCOMES.refused)(exchange);
    answer.onSent?.(undefined, seconds);
    expect(context.lines[0]?.text).toBe(text);
  });

  test("of what is not sent has no flags and no size", async () => {
    expect(await textOf('log . "{rcode} {>rflags} {rsize}"', { name: "example.org" }, OUTCOMES.dropped)).toBe(
      "NOERROR - 0",
    );
  });

  test("of what was replaced at the edge has the code that was sent", async () => {
    const context = contextOf();
    const settings = settingsOf('log . "{rcode} {>rflags}"')[0] as LogSettings;
    const exchange = exchangeOf({ name: "example.org" });
    const answer = await (await createLogHandler(settings, context)).wrap(OUTCOMES.found)(exchange);
    answer.onSent?.(deliver(exchange, OUTCOMES.failed(), Buffer.alloc(512), 0), 0);
    expect(context.lines[0]?.text).toBe("SERVFAIL qr,rd,ra");
  });
});

describe("which answers are logged", () => {
  test.each<[string, readonly (keyof typeof OUTCOMES)[]]>([
    ["success", ["found", "empty"]],
    ["denial", ["no data", "no name"]],
    ["error", ["failed", "refused", "dropped"]],
    ["denial error", ["no data", "no name", "failed", "refused", "dropped"]],
    ["all", ["found", "no data", "no name", "empty", "failed", "refused", "dropped"]],
  ])("those of class %s", async (classes, expected) => {
    const found = [];
    for (const [name, serve] of Object.entries(OUTCOMES)) {
      const lines = await logged(`log {\nclass ${classes}\n}`, { name: "example.org" }, serve);
      if (lines.length > 0) found.push(name);
    }
    expect(found).toEqual(expected);
  });

  test.each([
    ["log example.net", []],
    ["log example.org.", ["a"]],
    ['log example.net "a"\nlog org "b"', ["b"]],
    ['log example.org "a{rcode}"\nlog . "b{rcode}"', ["aNOERROR"]],
    ['log example.org "a{rcode}" {\nclass error\n}\nlog . "b{rcode}"', []],
  ])("by the first line whose names match: %s", async (lines, expected) => {
    const texts = (await logged(lines, { name: "www.example.org" })).map(({ text }) => text);
    expect(texts.length).toBe(expected.length);
    if (lines.includes("{rcode}")) expect(texts).toEqual(expected);
  });

  test("a question of others is passed on as it is, without a promise", async () => {
    const settings = settingsOf("log example.net")[0] as LogSettings;
    const handler = await createLogHandler(settings, contextOf());
    const answer = OUTCOMES.refused();
    expect(handler.wrap(() => answer)(exchangeOf({ name: "example.org" }))).toBe(answer);
  });

  test("late answers too", async () => {
    const late: Serve = async (exchange) => OUTCOMES.found(exchange);
    expect(await logged("log", { name: "example.org" }, late)).toHaveLength(1);
  });

  test("nothing is logged before the answer is sent", async () => {
    const context = contextOf();
    const handler = await createLogHandler(settingsOf("log")[0] as LogSettings, context);
    await handler.wrap(OUTCOMES.refused)(exchangeOf({ name: foldKey("example.org") }));
    expect(context.lines).toEqual([]);
  });
});
