import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Machine } from "./setup/machine.ts";
import type { Row, Wanted } from "./workloads/workload.ts";

export type Report = {
  readonly title: string;
  readonly date: string;
  readonly machine: Machine;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly rows: readonly Row[];
  /** What could not be measured, and why. */
  readonly troubles: readonly string[];
};

const holds = (value: number, wanted: Wanted): boolean =>
  "least" in wanted ? value >= wanted.least : value <= wanted.most;
const wantedText = (wanted: Wanted): string => ("least" in wanted ? `≥ ${wanted.least}` : `≤ ${wanted.most}`);

/** Sluice's figure divided by the peer's. */
const ratioOf = ({ sluice, peer }: Row): number | undefined => (peer === undefined ? undefined : sluice / peer.value);

const number = (value: number): string =>
  value >= 1_000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(3)));

/** Whether a row is what it should be; undefined where nothing is asked. */
export function verdict(row: Row): boolean | undefined {
  const ratio = ratioOf(row);
  const asked = [
    ...(row.wanted === undefined ? [] : [holds(row.sluice, row.wanted)]),
    ...(row.wantedRatio === undefined ? [] : [ratio !== undefined && holds(ratio, row.wantedRatio)]),
  ];
  return asked.length === 0 ? undefined : asked.every(Boolean);
}

function cells(row: Row): string[] {
  const ratio = ratioOf(row);
  const wanted = [
    ...(row.wantedRatio === undefined ? [] : [`${wantedText(row.wantedRatio)} ×`]),
    ...(row.wanted === undefined ? [] : [`${wantedText(row.wanted)} ${row.unit}`]),
  ];
  return [
    row.workload,
    `${number(row.sluice)} ${row.unit}`,
    row.peer === undefined ? "" : row.peer.name,
    row.peer === undefined ? "" : `${number(row.peer.value)} ${row.unit}`,
    ratio === undefined ? "" : ratio.toFixed(2),
    wanted.join(", "),
    { true: "yes", false: "NO", undefined: "" }[String(verdict(row)) as "true" | "false" | "undefined"],
  ];
}

const HEAD = ["Workload", "Sluice", "Peer", "Its figure", "Ratio", "Wanted", "Holds"];

/** The report as a page. */
export function markdown({ title, date, machine, settings, rows, troubles }: Report): string {
  const line = (texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
  return [
    `# ${title}`,
    "",
    date,
    "",
    ...[...Object.entries(machine), ...Object.entries(settings)].map(([name, value]) => `- ${name}: ${value}`),
    "",
    line(HEAD),
    line(HEAD.map(() => "---")),
    ...rows.map((row) => line(cells(row))),
    "",
    ...troubles.map((trouble) => `Not measured: ${trouble.split("\n").join("\n    ")}\n`),
  ].join("\n");
}

/** Writes NAME.json and NAME.md into `bench/results`. */
export async function writeReport(name: string, report: Report): Promise<void> {
  const folder = join(import.meta.dirname, "results");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
  await writeFile(join(folder, `${name}.md`), markdown(report));
}
