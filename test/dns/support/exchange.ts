import { createConsolidation } from "../../../src/dns/directives/errors/consolidate.ts";
import { NO_RECORD_ZONES } from "../../../src/dns/directives/kuadrant/record-zones.ts";
import type { Labels, Meter } from "../../../src/dns/metrics/meter.ts";
import { type Answer, refusal } from "../../../src/dns/pipeline/answer.ts";
import type { BlockFacts } from "../../../src/dns/pipeline/block-facts.ts";
import { deliver } from "../../../src/dns/pipeline/deliver.ts";
import type { Exchange } from "../../../src/dns/pipeline/exchange.ts";
import { localLimit } from "../../../src/dns/pipeline/local-limit.ts";
import type { HandlerContext, LogLine } from "../../../src/dns/pipeline/serve.ts";
import { type Client, clientOf } from "../../../src/dns/server/client.ts";
import { compileTable } from "../../../src/dns/table.ts";
import { createRandomInteger } from "../../../src/dns/upstream/random.ts";
import { DEFAULT_SCHEDULE } from "../../../src/dns/upstream/schedule.ts";
import { RCODE } from "../../../src/dns/wire/codes.ts";
import { gate } from "../../../src/dns/wire/gate.ts";
import { encodeQuery, type TestQuery } from "./dns-client.ts";
import { type ReplyText, replyText } from "./reply-text.ts";
import { viewOf } from "./views.ts";

const BLOCK: BlockFacts = {
  index: 0,
  zone: "",
  zoneText: ".",
  server: "dns://:53",
  maxUdpOctets: 1232,
  nsid: undefined,
};

export type ExchangeOptions = { readonly client?: Client; readonly block?: Partial<BlockFacts> };

/** A question as a handler gets it, through the real gate. */
export function exchangeOf(query: TestQuery, { client, block }: ExchangeOptions = {}): Exchange {
  const message = encodeQuery(query);
  const gated = gate(message);
  if (gated.verdict !== "question") throw new Error(`the gate does not let this pass: ${JSON.stringify(query)}`);
  const { key, type, class: klass } = gated.query;
  return {
    client: client ?? clientOf("127.0.0.1", 4242, "udp", "127.0.0.1"),
    message,
    query: gated.query,
    asked: { key, type, class: klass },
    block: { ...BLOCK, ...block },
    startedAt: performance.now(),
  };
}

/** What the client of `exchange` would read; undefined when nothing is sent. Decoded by a codec that is not ours. */
export function delivered(exchange: Exchange, answer: Answer): ReplyText | undefined {
  const bytes = deliver(exchange, answer, Buffer.alloc(2048), 0);
  return bytes === undefined ? undefined : replyText(bytes);
}

export type TestContext = HandlerContext & {
  /** What was counted, by `name{label="value"}`: of a histogram the number of observations. */
  readonly counts: Map<string, number>;
  readonly lines: LogLine[];
};

const seriesName = (name: string, labels: Labels = {}): string => {
  const pairs = Object.keys(labels)
    .toSorted()
    .map((label) => `${label}="${labels[label]}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
};

function countingMeter(counts: Map<string, number>): Meter {
  const adder = (name: string, labels?: Labels) => {
    const series = seriesName(name, labels);
    return (amount: number) => void counts.set(series, (counts.get(series) ?? 0) + amount);
  };
  return {
    counter: (name, labels) => {
      const add = adder(name, labels);
      return { add: (amount = 1) => add(amount) };
    },
    gauge: (name, labels) => ({
      add: adder(name, labels),
      set: (value) => void counts.set(seriesName(name, labels), value),
    }),
    histogram: (name, labels) => {
      const add = adder(name, labels);
      return { observe: () => add(1) };
    },
  };
}

/** A handler's context whose counts and lines can be looked at. */
export function contextOf(overrides: Partial<HandlerContext> = {}): TestContext {
  const counts = new Map<string, number>();
  const lines: LogLine[] = [];
  const table = compileTable(viewOf());
  const consolidation = createConsolidation((line) => lines.push(line));
  return {
    index: 0,
    zones: ["."],
    server: "dns://:53",
    table: () => table,
    recordZones: () => NO_RECORD_ZONES,
    meter: countingMeter(counts),
    log: (line) => void lines.push(line),
    consolidate: (group, line) => consolidation.count(group, 1, line),
    now: () => Date.now(),
    random: createRandomInteger(),
    share: (total) => total,
    runningLimit: localLimit,
    looping: () => false,
    clientRate: () => "pass",
    loopProbe: "\x05probe\x04loop",
    onLoopProbe: () => undefined,
    reenter: () => refusal("", RCODE.REFUSED),
    schedule: DEFAULT_SCHEDULE,
    kept: new Map(),
    ...overrides,
    counts,
    lines,
  };
}
