/**
 * The linter's speed beside its peers', on the same files. `npm run bench:lint`; `-- --quick` for one short round that
 * writes nothing. Exits with 1 when a figure is not what it should be or is missing.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { objectTexts, writeObjects } from "./lint/objects.ts";
import { reviewTimes } from "./lint/reviews.ts";
import { type ProcessCost, runProcess } from "./lint/run-process.ts";
import { writeSchemas } from "./lint/schemas.ts";
import { median } from "./load/statistics.ts";
import { lintPeerBinary, lintPeerVersion } from "./peers/lint-binaries.ts";
import { markdown, verdict, writeReport } from "./report.ts";
import type { Row } from "./workloads/workload.ts";

const ROOT = join(import.meta.dirname, "..");
/** What the figures are asked of. */
const OBJECTS = 10_000;
const FULL = { rounds: 5, sizes: [1_000, 5_000, OBJECTS, 25_000, 50_000], reviews: 5_000 };
const QUICK = { rounds: 1, sizes: [1_000, OBJECTS], reviews: 500 };
/** Findings and sound files alike are a success here; 2 would be files that cannot be read. */
const JUDGED = [0, 1];
/** istioctl's code for files with warnings of its own. */
const ISTIOCTL_JUDGED = [0, 79];

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const settings = values.quick ? QUICK : FULL;
const say = (line: string): void => console.error(line);
const folder = await mkdtemp(join(tmpdir(), "sluice-bench-lint-"));
const rows: Row[] = [];
const troubles: string[] = [];

type Contestant = { readonly name: string; readonly command: readonly string[]; readonly codes: readonly number[] };

/** Runs every program once a round, so that a slow moment of the machine meets all of them. */
async function inTurns(contestants: readonly Contestant[]): Promise<ReadonlyMap<string, ProcessCost>> {
  const costs = new Map<string, ProcessCost[]>();
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const { name, command, codes } of contestants) {
      const cost = await runProcess(command, codes);
      say(`  ${name}: ${cost.seconds.toFixed(2)} s, ${Math.round(cost.peakMebibytes)} MiB`);
      costs.set(name, [...(costs.get(name) ?? []), cost]);
    }
  }
  const middle = (all: readonly ProcessCost[], field: keyof ProcessCost): number =>
    median(all.map((one) => one[field]));
  return new Map(
    [...costs].map(([name, all]) => [
      name,
      {
        seconds: middle(all, "seconds"),
        cpuSeconds: middle(all, "cpuSeconds"),
        peakMebibytes: middle(all, "peakMebibytes"),
      },
    ]),
  );
}

/** A peer that can be built; one that cannot is named and left out. */
async function peer(name: "kubeconform" | "istioctl", argumentsFor: () => Promise<readonly string[]>) {
  try {
    const command = [await lintPeerBinary(name), ...(await argumentsFor())];
    return [{ name, command, codes: name === "istioctl" ? ISTIOCTL_JUDGED : JUDGED }];
  } catch (error) {
    troubles.push(`${name}: ${(error as Error).message}`);
    return [];
  }
}

async function measureSizes(program: string): Promise<void> {
  const folders = new Map<number, string>();
  for (const size of settings.sizes) folders.set(size, await writeObjects(join(folder, String(size)), size));
  const lint = (name: string, start: string, size: number): Contestant => ({
    name,
    command: [process.execPath, start, "lint", folders.get(size) ?? "", "--no-config", "--format", "json"],
    codes: JUDGED,
  });
  const files = folders.get(OBJECTS) ?? "";
  const schemas = ["-summary", "-ignore-missing-schemas", "-schema-location"];
  const costs = await inTurns([
    ...settings.sizes.map((size) => lint(`${size} objects`, program, size)),
    lint("source", join(ROOT, "src", "main.ts"), OBJECTS),
    ...(await peer("kubeconform", async () => [...schemas, await writeSchemas(join(folder, "schemas")), files])),
    ...(await peer("istioctl", async () => ["analyze", "--use-kube=false", files])),
  ]);
  const seconds = (name: string): number => costs.get(name)?.seconds ?? Number.NaN;
  const memory = (name: string): number => costs.get(name)?.peakMebibytes ?? Number.NaN;
  const own = `${OBJECTS} objects`;
  const peers = ["kubeconform", "istioctl"].filter((name) => costs.has(name));
  rows.push(
    { workload: `lint ${own}`, unit: "s", sluice: seconds(own), wanted: { most: 2 } },
    { workload: `lint ${own}, processor time`, unit: "s", sluice: costs.get(own)?.cpuSeconds ?? Number.NaN },
    { workload: `lint ${own}, most memory`, unit: "MiB", sluice: memory(own), wanted: { most: 400 } },
    { workload: `lint ${own}, started from source`, unit: "s", sluice: seconds("source") },
    ...peers.flatMap((name): Row[] => [
      { workload: `lint ${own}`, unit: "s", sluice: seconds(own), peer: { name, value: seconds(name) } },
      { workload: `lint ${own}, most memory`, unit: "MiB", sluice: memory(own), peer: { name, value: memory(name) } },
    ]),
    ...settings.sizes.map(
      (size): Row => ({ workload: `lint ${size} objects`, unit: "s", sluice: seconds(`${size} objects`) }),
    ),
    ...growth((size) => seconds(`${size} objects`)),
  );
}

/** Time for one more object, in microseconds: above ten thousand objects as below, when it grows linearly. */
function growth(secondsAt: (size: number) => number): Row[] {
  const [smallest = 0] = settings.sizes;
  const between = (from: number, to: number): number => ((secondsAt(to) - secondsAt(from)) / (to - from)) * 1e6;
  const largest = settings.sizes.at(-1) ?? OBJECTS;
  const below = between(smallest, OBJECTS);
  const first: Row = { workload: `each object from ${smallest} to ${OBJECTS}`, unit: "µs", sluice: below };
  if (largest === OBJECTS) return [first];
  const above = between(OBJECTS, largest);
  return [
    first,
    { workload: `each object from ${OBJECTS} to ${largest}`, unit: "µs", sluice: above },
    { workload: "the second beside the first", unit: "times", sluice: above / below, wanted: { most: 1.5 } },
  ];
}

async function measureReviews(): Promise<void> {
  for (const operation of ["CREATE", "UPDATE"] as const) {
    say(`reviews: ${operation} …`);
    const { first, p50, p99 } = await reviewTimes(join(folder, String(OBJECTS)), operation, settings.reviews);
    const workload = `review of ${operation}, ${OBJECTS} objects in view`;
    rows.push(
      { workload: `${workload}, median`, unit: "ms", sluice: p50 },
      { workload: `${workload}, 99th percentile`, unit: "ms", sluice: p99, wanted: { most: 2 } },
      { workload: `${workload}, the first of a picture`, unit: "ms", sluice: first },
    );
  }
}

try {
  const program = join(folder, "program");
  await promisify(execFile)(process.execPath, [join(ROOT, "scripts", "build.ts"), program]);
  await measureSizes(join(program, "sluice.mjs"));
  await measureReviews();
  const report = {
    title: "The linter beside its peers",
    date: new Date().toISOString().slice(0, 10),
    machine: {
      processor: `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores`,
      kernel: release(),
      node: process.version,
      kubeconform: `${await lintPeerVersion("kubeconform")}, schemas of Gateway API's and Istio's CRDs, other kinds skipped`,
      istioctl: `${await lintPeerVersion("istioctl")}, analyze --use-kube=false`,
    },
    settings: { rounds: settings.rounds, reviews: settings.reviews, bytes: objectTexts(OBJECTS).join("---\n").length },
    rows,
    troubles,
  };
  if (!values.quick) await writeReport("lint", report);
  console.log(markdown(report));
  if (troubles.length > 0 || rows.some((row) => verdict(row) === false)) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
