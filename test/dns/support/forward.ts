import { createForwardHandler } from "../../../src/dns/directives/forward/handler.ts";
import type { ForwardSettings } from "../../../src/dns/directives/forward/setup.ts";
import type { Answer } from "../../../src/dns/pipeline/answer.ts";
import { failed } from "../../../src/dns/pipeline/answer.ts";
import type { Handler, HandlerContext, Serve } from "../../../src/dns/pipeline/serve.ts";
import { clientOf } from "../../../src/dns/server/client.ts";
import { type LoadOptions, settingsOf } from "../directives/load.ts";
import type { TestQuery } from "./dns-client.ts";
import { contextOf, delivered, exchangeOf, type TestContext } from "./exchange.ts";
import type { ReplyText } from "./reply-text.ts";
import { startTestUpstream, type TestUpstream, type TestUpstreamInput } from "./test-upstream.ts";

/** A second and a third attempt soon, so that tests of silence are quick. */
export const QUICK = { attemptsAtMilliseconds: [0, 100, 250], giveUpAtMilliseconds: 600 };

export type Forwarding = {
  readonly context: TestContext;
  readonly serve: Serve;
  /** The answer as it leaves `forward`. */
  readonly answer: (query: TestQuery | string, protocol?: "udp" | "tcp") => Promise<Answer>;
  /** The answer as the client reads it; undefined when nothing is sent. */
  readonly ask: (query: TestQuery | string, protocol?: "udp" | "tcp") => Promise<ReplyText | undefined>;
  readonly count: (series: string) => number | undefined;
};

/** Starts things that are all closed again by `close`, the last first. */
export function createForwardBench() {
  const cleanups: (() => unknown)[] = [];
  const handlers: Handler[] = [];
  const bench = {
    later: (cleanup: () => unknown): void => void cleanups.push(cleanup),

    async upstream(
      behaviours: TestUpstreamInput["behaviours"] = {},
      zone: readonly string[] = ["x.example. 60 A 192.0.2.1", "y.example. 60 A 192.0.2.2"],
    ): Promise<TestUpstream> {
      const upstream = await startTestUpstream({ zone, behaviours });
      cleanups.push(() => upstream.close());
      return upstream;
    },

    /** A loopback port on which nothing listens. */
    async deadPort(): Promise<number> {
      const upstream = await startTestUpstream({ zone: [] });
      await upstream.close();
      return upstream.port;
    },

    /** The `forward` lines of a Corefile, one behind the other; behind them nothing answers. */
    async forward(lines: string, overrides: Partial<HandlerContext> = {}, load?: LoadOptions): Promise<Forwarding> {
      const context = contextOf(overrides);
      const chain: Handler[] = [];
      for (const settings of settingsOf(lines, load)) {
        chain.push(await createForwardHandler(settings as ForwardSettings, context));
      }
      handlers.push(...chain);
      const end: Serve = () => failed("", 0, "end of chain");
      const serve = chain.reduceRight((next, handler) => handler.wrap(next), end);
      const exchangeFor = (query: TestQuery | string, protocol: "udp" | "tcp") =>
        exchangeOf(typeof query === "string" ? { name: query } : query, {
          client: clientOf("127.0.0.1", 4242, protocol, "127.0.0.1"),
        });
      return {
        context,
        serve,
        answer: async (query, protocol = "udp") => serve(exchangeFor(query, protocol)),
        ask: async (query, protocol = "udp") => {
          const exchange = exchangeFor(query, protocol);
          return delivered(exchange, await serve(exchange));
        },
        count: (series) => context.counts.get(series),
      };
    },

    closeHandlers(): void {
      for (const handler of handlers.splice(0)) handler.close?.();
    },

    async close(): Promise<void> {
      bench.closeHandlers();
      for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
    },
  };
  return bench;
}
