import { createCacheHandler } from "../../../../src/dns/directives/cache/handler.ts";
import type { CacheSettings } from "../../../../src/dns/directives/cache/setup.ts";
import { type Answer, failed, type MessageAnswer, messageAnswer } from "../../../../src/dns/pipeline/answer.ts";
import { composeMessage } from "../../../../src/dns/pipeline/compose.ts";
import type { Exchange } from "../../../../src/dns/pipeline/exchange.ts";
import type { Handler, HandlerContext, Serve } from "../../../../src/dns/pipeline/serve.ts";
import { EDE, FLAG, RCODE } from "../../../../src/dns/wire/codes.ts";
import type { Section } from "../../../../src/dns/wire/records.ts";
import type { TestQuery } from "../../support/dns-client.ts";
import { contextOf, delivered, exchangeOf, type TestContext } from "../../support/exchange.ts";
import { extendedErrors } from "../../support/reply-text.ts";
import { parseRecord } from "../../support/zone.ts";
import { settingsOf } from "../load.ts";

/** What the next directive says. Records as `name ttl type data`. */
export type Said = {
  readonly rcode?: number;
  readonly flags?: number;
  readonly answer?: readonly string[];
  readonly authority?: readonly string[];
  readonly additional?: readonly string[];
  readonly truncated?: boolean;
};

export const SOA = "example.org. 300 SOA ns.example.org. h.example.org. 1 7200 1800 86400 60";
export const NXDOMAIN: Said = { rcode: RCODE.NXDOMAIN, authority: [SOA] };
export const NODATA: Said = { authority: [SOA] };
export const A: Said = { answer: ["www.example.org. 300 A 192.0.2.1"] };
export const A2: Said = { answer: ["www.example.org. 300 A 192.0.2.2"] };
/** An upstream's SERVFAIL, and one of ours because no upstream answered. */
export const SERVFAIL: Said = { rcode: RCODE.SERVFAIL };
export const TIMEOUT: Answer = failed("forward", EDE.NO_REACHABLE_AUTHORITY, "no upstream answered", "i/o timeout");
export const DROPPED: Answer = { form: "dropped", by: "forward", rcode: RCODE.REFUSED };

/** A message as `forward` gives it. */
export function said(exchange: Exchange, { rcode = RCODE.NOERROR, flags = 0, truncated = false, ...sections }: Said) {
  const pieces = (["answer", "authority", "additional"] as const).flatMap((section: Section) =>
    (sections[section] ?? []).map(parseRecord).map((record) => ({ section, ...record, ttlSeconds: record.ttl })),
  );
  const message = composeMessage(exchange, { rcode, pieces });
  if (message === undefined) throw new Error("a test's records do not fit a message");
  return messageAnswer("forward", { ...message, truncated }, flags);
}

const answerOf = (exchange: Exchange, what: Said | Answer): Answer => ("form" in what ? what : said(exchange, what));

export type Bed = {
  readonly context: TestContext;
  readonly handler: Handler;
  readonly serve: Serve;
  /** Questions that went past the cache. */
  readonly asked: Exchange[];
  /** What the next directive says from now on; a function may take its time. */
  say(what: Said | Answer | Serve): void;
  /** Milliseconds pass. */
  pass(milliseconds: number): void;
  ask(query?: Partial<TestQuery>): Answer | Promise<Answer>;
  /** What a client reads of it: `SERVFAIL`, or `NOERROR name ttl type data` and so on; extended errors behind. */
  read(query?: Partial<TestQuery>): Promise<string>;
  /** A counter without the labels that all have. */
  count(name: string, type?: string): number;
};

export type BedOptions = { readonly context?: Partial<HandlerContext>; readonly clock?: { now: number } };

/** A cache with a clock of its own, before a directive that says what it is told to; at first one address. */
export async function openBed(lines: string, { context: overrides, clock }: BedOptions = {}): Promise<Bed> {
  const time = clock ?? { now: 1_800_000_000_000 };
  const context = contextOf({ now: () => time.now, ...overrides });
  const [settings] = settingsOf(lines.replace(/^cache(?! \d| \.)/, "cache .").replace(/^(cache \d+)(?= \{|$)/, "$1 ."));
  const handler = await createCacheHandler(settings as CacheSettings, context);
  const asked: Exchange[] = [];
  let speak: Serve = (exchange) => said(exchange, A);
  const serve = handler.wrap((exchange) => {
    asked.push(exchange);
    return speak(exchange);
  });
  const exchangeFor = (query: Partial<TestQuery> = {}) => exchangeOf({ name: "www.example.org.", ...query });
  return {
    context,
    handler,
    serve,
    asked,
    say(what) {
      speak = typeof what === "function" ? what : (exchange) => answerOf(exchange, what);
    },
    pass(milliseconds) {
      time.now += milliseconds;
    },
    ask: (query) => serve(exchangeFor(query)),
    async read(query) {
      const exchange = exchangeFor({ edns: {}, ...query });
      const reply = delivered(exchange, await serve(exchange));
      if (reply === undefined) return "nothing";
      const errors = extendedErrors(reply).map((code) => `EDE ${code}`);
      return [reply.rcode, ...reply.answer, ...reply.authority, ...errors].join("; ");
    },
    count(name, type) {
      const typed = type === undefined ? "" : `,type="${type}"`;
      return context.counts.get(`coredns_cache_${name}{server="dns://:53"${typed},view="",zones="."}`) ?? 0;
    },
  };
}

/** The answer, which has come at once and is a message. */
export function atOnce(answer: Answer | Promise<Answer>): MessageAnswer {
  if (answer instanceof Promise || answer.form !== "message") throw new Error("it is no message that has come at once");
  return answer;
}

/** Lets what goes on in the background come to its end. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const AUTHORITATIVE = FLAG.AA;
