import type { RecordZones } from "../directives/kuadrant/record-zones.ts";
import type { Meter } from "../metrics/meter.ts";
import type { RateVerdict } from "../server/client-rate.ts";
import type { EgressTable } from "../table.ts";
import type { RandomInteger } from "../upstream/random.ts";
import type { Schedule } from "../upstream/schedule.ts";
import type { Answer } from "./answer.ts";
import type { Exchange } from "./exchange.ts";

/** Answers an exchange: at once where nothing has to be waited for. A promise rejects only for a fault of ours. */
export type Serve = (exchange: Exchange) => Answer | Promise<Answer>;

/** A directive at work in one server block of one worker. */
export type Handler = {
  /** Called once. `next` is everything behind this directive; a handler may answer instead, or change what comes back. */
  wrap(next: Serve): Serve;
  /** Classes besides IN that this directive answers; questions of other classes are refused before any handler. */
  readonly classes?: readonly number[];
  /** Called once, when no exchange uses the handler any more. */
  close?(): void;
};

/** A line of the log that the main thread writes. */
export type LogLine = {
  readonly level: "debug" | "info" | "warning" | "error";
  /** As CoreDNS writes it, without the level: `plugin/errors: 2 example.org. A: …`, or a query's line. */
  readonly text: string;
  /** The same as fields, for JSON. Names are allowed here, unlike in labels. */
  readonly fields?: Readonly<Record<string, string | number | boolean>>;
};

/** Lines that are counted together for a while, over all workers, instead of being logged one by one. */
export type AlikeLines = {
  /** Which they are: the same in all workers, and behind a reload that leaves their directive as it was. */
  readonly key: string;
  readonly level: LogLine["level"];
  /** What they have in common, as the Corefile has it. */
  readonly pattern: string;
  readonly periodMs: number;
  /** Whether the first one is logged at once. */
  readonly showFirst: boolean;
};

/** How much may be under way at once. */
export type RunningLimit = {
  full(): boolean;
  /** 1 when something starts, -1 when it has ended. */
  change(by: 1 | -1): void;
};

/** What a handler may use besides its settings. All of one worker; one context for each server block. */
export type HandlerContext = {
  /** The block's place in the Corefile, its zones as text (absolute, lower case) and its first listener's label. */
  readonly index: number;
  readonly zones: readonly string[];
  readonly server: string;
  /** The block's egress table: read anew for every question. Undefined in a block without `sluice`. */
  readonly table: () => EgressTable;
  /** The DNSRecords' zones, for `kuadrant`: read anew for every question. */
  readonly recordZones: () => RecordZones;
  readonly meter: Meter;
  readonly log: (line: LogLine) => void;
  /** Counts a line with those that are alike; the whole process logs one summary of them. */
  readonly consolidate: (group: AlikeLines, line: Pick<LogLine, "text" | "fields">) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: RandomInteger;
  /** This worker's part of a limit that holds for the whole process; at least 1. */
  readonly share: (total: number) => number;
  /** A limit on what is under way in all workers together. Each call in a block stands for another thing. */
  readonly runningLimit: (most: number) => RunningLimit;
  /** Questions that we forward come back to us: nothing is forwarded until that ends. */
  readonly looping: () => boolean;
  /** How much one client may have forwarded. */
  readonly clientRate: (address: string) => RateVerdict;
  /** The `loop` directive's probe: an unguessable name; `onLoopProbe` is called when it is seen. */
  readonly loopProbe: string;
  readonly onLoopProbe: () => void;
  /**
   * Asks the whole server anew, as if the client had asked the block's listener for the exchange's name: for the target
   * of an alias. Answered by "" where no directive of any block serves the name.
   */
  readonly reenter: Serve;
  /** Attempts and patience towards upstreams. */
  readonly schedule: Schedule;
  /**
   * What this block's handlers keep over a reload, by a name of their choice. A handler takes what its predecessor left
   * when it is created, and puts in what the next one may use.
   */
  readonly kept: Map<string, unknown>;
};

/** Makes a handler of a directive's settings; one for each line, in each worker. May read files and look names up. */
export type CreateHandler<S> = (settings: S, context: HandlerContext) => Handler | Promise<Handler>;
