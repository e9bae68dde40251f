/**
 * `node scripts/fuzz-dns.ts`: throws random and mutated packets, over UDP and TCP, at a resolver of two workers that it
 * starts itself. Exits with 1 when something of it was answered wrongly, a worker died, or memory grew.
 */
import { parseArgs } from "node:util";
import { fuzzResolver } from "../test/dns/support/fuzz.ts";

const HELP = `Usage: node scripts/fuzz-dns.ts [--packets NUMBER] [--seed NUMBER]

  --packets NUMBER  datagrams to send (default 1000000); TCP connections come in addition
  --seed NUMBER     repeats the packets of an earlier run (default: a random one, which is printed)
  --help            prints this
`;

/** From the middle of the run on: by then the caches and the buffers of a long run are full. */
const MOST_GROWTH_MEBIBYTES = 128;
const PROGRESS_EVERY = 10_000;

const { values } = parseArgs({
  options: {
    packets: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 32)) },
    help: { type: "boolean", default: false },
  },
});

function readNumber(name: "packets" | "seed"): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  process.stderr.write(`--${name} must be a whole number, not '${values[name]}'\n`);
  process.exit(2);
}

function progress(sent: number, packets: number): void {
  if (process.stderr.isTTY && sent % PROGRESS_EVERY === 0) process.stderr.write(`\r${sent} of ${packets} packets`);
}

if (values.help) process.stdout.write(HELP);
else {
  const [packets, seed] = [readNumber("packets"), readNumber("seed")];
  process.stdout.write(`seed ${seed}\n`);
  const result = await fuzzResolver({ packets, seed, onProgress: (sent) => progress(sent, packets) });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  const [start, half, end] = result.memory;
  const grown = end - half > MOST_GROWTH_MEBIBYTES;
  process.stdout.write(
    `${result.sent} packets and ${result.connections} connections in ${result.seconds.toFixed(1)} s, ` +
      `${result.replies} replies\n` +
      `memory: ${start} MiB warmed up, ${half} MiB half-way, ${end} MiB at the end\n` +
      `panics: ${result.panics}, problems: ${result.problems.length}\n`,
  );
  for (const problem of result.problems) process.stdout.write(`${problem}\n`);
  process.exitCode = result.problems.length > 0 || result.panics > 0 || grown ? 1 : 0;
}
