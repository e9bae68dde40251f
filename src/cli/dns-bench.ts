import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import { networksOf } from "../dns/networks.ts";
import { formatUpstream, parseUpstream, type UpstreamAddress } from "../dns/upstream/address.ts";
import { rcodeName, typeCode } from "../dns/wire/codes.ts";
import { canonicalAddress, PRIVATE_NETWORKS } from "../model/address.ts";
import { SluiceError } from "../model/errors.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT } from "./exit-codes.ts";
import { createQuestionSource, type LoadQuestion, parseQuestions, type QuestionSource } from "./load-questions.ts";
import { repeatable } from "./read-topology.ts";
import { type LoadInput, type LoadResult, runLoad } from "./run-load.ts";
import type { Terminal } from "./terminal.ts";

type BenchFlags = {
  readonly name?: readonly string[];
  readonly file?: string;
  readonly type: string;
  readonly seconds: number;
  readonly clients: number;
  readonly outstanding?: number;
  readonly rate?: number;
  readonly tcp?: boolean;
  readonly randomPrefix?: boolean;
  readonly timeout: number;
  readonly maxLoss: number;
  readonly anywhere?: boolean;
  readonly format: "text" | "json";
};

const MAX_CLIENTS = 1_000;
/** Of one client; a question's ID has 16 bits, and an ID must come back late. */
const MAX_OUTSTANDING = 16_384;
const DEFAULT_OUTSTANDING = 100;

const EXAMPLES = `
Examples:
  $ sluice dns bench 127.0.0.1:5353 --name api.openai.com --seconds 5
  $ sluice dns bench 10.96.0.53 --file names.txt --rate 5000 --format json
  $ sluice dns bench 127.0.0.1:5353 --name example.org --random-prefix --tcp

Without --rate each answer makes room for the next question: the figure is what the server can do. With --rate questions
are due at fixed times, and a question that is sent late because the server stalls counts from when it was due.
One thread sends; above some 50000 questions a second it is the sender that is measured.
Exit codes: 0 all is well, 1 more was lost than --max-loss allows, 2 wrong usage.`;

/** `sluice dns bench HOST:PORT`: questions at a server, and how it stands them. */
export function dnsBenchCommand({ terminal }: CommandContext, onExit: (code: number) => void): Command {
  return new Command("bench")
    .description("put a load on a DNS server and measure its answers")
    .argument("<ip[:port]>", "the server; only loopback and private addresses without --anywhere")
    .option("--name <name>", "a name to ask for; repeatable, asked in turn", repeatable)
    .option("--file <file>", "names to ask for, 'NAME TYPE' lines")
    .option("--type <type>", "record type of --name, and of lines without one", "A")
    .option("--seconds <n>", "how long questions are sent", numberFrom(0.1, 86_400), 10)
    .option("--clients <n>", "sockets, or connections with --tcp", integerFrom(1, MAX_CLIENTS), 20)
    .option("--outstanding <n>", "most questions under way; default: 100, or what --rate needs", integerFrom(1, 1e7))
    .option("--rate <n>", "questions per second at fixed times", numberFrom(0.1, 1e6))
    .option("--tcp", "ask over TCP")
    .option("--random-prefix", "ask below each name for a label that is used once, past every cache")
    .addOption(
      new Option("--timeout <duration>", "when a question counts as lost: 2s, 500ms")
        .argParser(parseDuration)
        .default(2_000, "2s"),
    )
    .option("--max-loss <percent>", "how much may be lost", numberFrom(0, 100), 0)
    .option("--anywhere", "whatever the server's address: ask first whoever it belongs to")
    .addOption(new Option("--format <name>", "output format").choices(["text", "json"]).default("text"))
    .addHelpText("after", EXAMPLES)
    .action(async (target: string, flags: BenchFlags) => {
      onExit(await bench(readTarget(target, flags), flags, terminal));
    });
}

const numberFrom = (least: number, most: number) => (text: string) => {
  const value = /^\d{1,8}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  return value;
};

const integerFrom = (least: number, most: number) => (text: string) => {
  const value = numberFrom(least, most)(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError("It must be a whole number.");
  return value;
};

const HOUR_MILLISECONDS = 3_600_000;

function parseDuration(text: string): number {
  const [, digits, unit] = /^(\d{1,7})(ms|s)$/.exec(text) ?? [];
  const milliseconds = Number(digits) * (unit === "s" ? 1_000 : 1);
  if (!(milliseconds >= 1 && milliseconds <= HOUR_MILLISECONDS)) {
    throw new InvalidArgumentError("It must be a time such as 2s or 500ms, at most an hour.");
  }
  return milliseconds;
}

const isPrivate = networksOf(PRIVATE_NETWORKS);

function readTarget(text: string, { anywhere = false }: BenchFlags): UpstreamAddress {
  const target = parseUpstream(text.replace(/^localhost(?=:|$)/, "127.0.0.1"));
  if (!target.ok) {
    throw new SluiceError("SLUICE_USAGE", `'${text}' is no address of a server`, "give IP[:PORT], '[...]' around IPv6");
  }
  if (!anywhere && !isPrivate(canonicalAddress(target.value.host) ?? "")) {
    throw new SluiceError(
      "SLUICE_USAGE",
      `${target.value.host} is neither loopback nor private`,
      "a load on a server of others needs their leave; --anywhere says that you have it",
    );
  }
  return target.value;
}

/** Of a prefix that no other run has used lately. */
const freshPrefix = (): string => `b${Date.now().toString(36).slice(-7)}`;

function readQuestions({ name = [], file, type, randomPrefix = false }: BenchFlags): QuestionSource {
  const code = typeCode(type);
  if (code === undefined) throw new SluiceError("SLUICE_USAGE", `'${type}' is no record type`, "use one such as A");
  const named = name.map((one): LoadQuestion => ({ name: one, type: code }));
  const questions = file === undefined ? named : [...named, ...readFile(file, code)];
  if (questions.length === 0) throw new SluiceError("SLUICE_USAGE", "nothing to ask for", "give --name or --file");
  const source = createQuestionSource(questions, randomPrefix ? freshPrefix() : undefined);
  if (!source.ok) throw new SluiceError("SLUICE_USAGE", source.problems.join("; "), "write names as example.org");
  return source.value;
}

function readFile(file: string, defaultType: number): readonly LoadQuestion[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new SluiceError("SLUICE_INPUT_UNREADABLE", `${file} cannot be read`, "check the path", cause);
  }
  const questions = parseQuestions(text, defaultType);
  if (questions.ok) return questions.value;
  throw new SluiceError("SLUICE_INPUT_INVALID", `${file}: ${questions.problems.join("; ")}`, "write NAME TYPE lines");
}

function outstandingOf({ outstanding, rate, timeout, clients }: BenchFlags): number {
  const needed = rate === undefined ? DEFAULT_OUTSTANDING : Math.ceil((rate * timeout) / 1_000);
  const wanted = outstanding ?? Math.max(DEFAULT_OUTSTANDING, needed);
  return Math.max(clients, Math.min(wanted, clients * MAX_OUTSTANDING));
}

async function bench(target: UpstreamAddress, flags: BenchFlags, { stdout, stderr }: Terminal): Promise<number> {
  const { seconds, clients, rate, timeout, tcp = false } = flags;
  const load: LoadInput = {
    ...{ target, tcp, seconds, clients, rate },
    questions: readQuestions(flags),
    outstanding: outstandingOf(flags),
    timeoutMilliseconds: timeout,
    onProgress: (progress) => {
      if (stderr.isTTY !== true) return;
      stderr.write(`\r${progress.seconds} s: ${progress.answered} answered, ${progress.lost} lost `);
    },
  };
  const result = await runLoad(load);
  if (stderr.isTTY === true) stderr.write("\r\x1b[K");
  const report = reportOf(load, result);
  stdout.write(flags.format === "json" ? `${JSON.stringify(report, null, 2)}\n` : renderReport(report));
  return report.lostPercent > flags.maxLoss ? EXIT.findings : EXIT.clean;
}

const rounded = (value: number): number => Number(value.toFixed(3));

/** The keys are those of the JSON output. */
function reportOf({ target, tcp, rate }: LoadInput, { latency, rcodes, seconds, ...counts }: LoadResult) {
  const wanted = counts.answered + counts.lost;
  const at = (fraction: number): number => rounded(latency.quantile(fraction));
  return {
    target: formatUpstream(target),
    protocol: tcp ? "tcp" : "udp",
    rate: rate ?? null,
    ...counts,
    lostPercent: wanted === 0 ? 100 : rounded((counts.lost * 100) / wanted),
    rcodes: Object.fromEntries(
      rcodes.flatMap((count, code) => (count === 0 ? [] : [[rcodeName(code), count] as const])),
    ),
    seconds: rounded(seconds),
    answersPerSecond: seconds === 0 ? 0 : Math.round(counts.answered / seconds),
    latencyMilliseconds: {
      ...{ p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999) },
      max: rounded(latency.max()),
    },
  };
}

type LoadReport = ReturnType<typeof reportOf>;

function renderReport(report: LoadReport): string {
  const { latencyMilliseconds: latency, rcodes } = report;
  const codes = Object.entries(rcodes).map(([code, count]) => `${code} ${count}`);
  const aim = report.rate === null ? "as fast as answers come" : `at ${report.rate} a second`;
  const rows: readonly (readonly [string, string])[] = [
    ["server", `${report.target} over ${report.protocol}, ${aim}`],
    ["sent", String(report.sent)],
    ["answered", `${report.answered}${codes.length === 0 ? "" : ` (${codes.join(", ")})`}`],
    ["lost", `${report.lost} (${report.lostPercent} %)`],
    ["rate", `${report.answersPerSecond} answers a second over ${report.seconds} s`],
    [
      "latency",
      `p50 ${latency.p50}  p90 ${latency.p90}  p99 ${latency.p99}  p99.9 ${latency.p999}  max ${latency.max} ms`,
    ],
  ];
  return rows.map(([label, text]) => `${label.padEnd(10)}${text}\n`).join("");
}
