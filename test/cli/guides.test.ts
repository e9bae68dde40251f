import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { JsonFinding } from "../../src/lint/formats/json.ts";
import { runSluice } from "../support/run-sluice.ts";

type GuideSet = {
  readonly set: string;
  readonly files: readonly string[];
  /** Rules whose findings another row is about. */
  readonly ignore?: readonly string[];
  readonly default: readonly string[];
  readonly strict?: readonly string[];
};

const FOLDER = "test/fixtures/";
const sets = parse(readFileSync(`${FOLDER}guide-sets.yaml`, "utf8")) as readonly GuideSet[];

async function findingsOf({ files, ignore = [] }: GuideSet, profile: string): Promise<readonly string[]> {
  const paths = files.map((file) => FOLDER + file);
  const { stdout, stderr } = await runSluice(["lint", ...paths, "--format", "json", "--profile", profile]);
  expect(stderr.split("\n").filter((line) => line.includes("error"))).toEqual([]);
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly JsonFinding[] };
  return findings
    .filter(({ rule }) => !ignore.includes(rule))
    .map(
      ({ severity, rule, file = "", line, column }) =>
        `${severity} ${rule} ${file.replace(FOLDER, "")}:${line}:${column}`,
    );
}

/** `ANY` stands for a place that the rule's own tests pin. */
const withoutPlace = (finding: string): string => finding.split(" ").slice(0, 2).join(" ");

function compare(found: readonly string[], expected: readonly string[]): void {
  const open = new Set(expected.filter((finding) => finding.endsWith(" ANY")).map(withoutPlace));
  const shown = found.map((finding) => (open.has(withoutPlace(finding)) ? `${withoutPlace(finding)} ANY` : finding));
  expect(shown.sort()).toEqual([...expected].sort());
}

describe.each(sets)("$set", (row) => {
  test("gives what is listed in profile default", async () => {
    compare(await findingsOf(row, "default"), row.default);
  });

  test("gives what is listed in profile strict", async () => {
    if (row.strict === undefined) {
      // Nothing may go missing in the stricter profile; severities may rise.
      const rules = (findings: readonly string[]) => findings.map((finding) => finding.split(" ")[1]).sort();
      expect(rules(await findingsOf(row, "strict"))).toEqual(rules(row.default));
    } else compare(await findingsOf(row, "strict"), row.strict);
  });
});

test.each(["openai", "httpbin", "ambient-waypoint"])(
  "our own example %s is clean in profile strict",
  async (example) => {
    const { exitCode, stdout, stderr } = await runSluice([
      "lint",
      `manifests/examples/${example}`,
      "--profile",
      "strict",
    ]);
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^0 errors, 0 warnings in \d+ objects of \d+ files?\n$/);
  },
);
