import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { rules } from "../../src/lint/rules/index.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { formatPath } from "../../src/model/field-path.ts";
import { textUnderCaret } from "../support/told-findings.ts";
import { topologyOf } from "../support/topology-of.ts";

/** The examples of every rule there will ever be: each is run alone, in the strict profile. */
describe("the registry", () => {
  test("lists every rule file under its own name, sorted", () => {
    const files = readdirSync("src/lint/rules").filter((file) => file.endsWith(".ts") && file !== "index.ts");
    expect(rules.map(({ id }) => `${id}.ts`)).toEqual(files.sort());
  });
});

describe.each(rules)("$id", (rule) => {
  test("says what, why and how to mend it", () => {
    expect(rule.title.length).toBeLessThanOrEqual(80);
    expect(rule.title).not.toMatch(/\.$/);
    expect(rule.why).toMatch(/\.$/);
    expect(rule.fix).toMatch(/\.$/);
    expect(rule.sources.length).toBeGreaterThan(0);
    expect(rule.bad.length).toBeGreaterThan(0);
    expect(rule.good.length).toBeGreaterThan(0);
  });

  test.each(rule.bad)("reports $name", ({ yaml, finds }) => {
    const topology = topologyOf(yaml);
    const found = lintTopology(topology, { rules: [rule], profile: "strict" });
    const expected = finds.map(({ path, text, severity = rule.severity }) => ({ path, text, severity }));
    const actual = found.map((finding, index) => ({
      path: formatPath(finding.path),
      text: expected[index]?.text === undefined ? undefined : textUnderCaret(finding, topology),
      severity: finding.severity,
    }));
    expect(actual).toEqual(expected);
  });

  test.each(rule.good)("accepts $name", ({ yaml }) => {
    expect(lintTopology(topologyOf(yaml), { rules: [rule], profile: "strict" })).toEqual([]);
  });

  test.each(rule.bad)("points at something that is written, in $name", ({ yaml }) => {
    const topology = topologyOf(yaml);
    for (const finding of lintTopology(topology, { rules: [rule], profile: "strict" })) {
      if (finding.range === undefined) continue;
      expect(textUnderCaret(finding, topology)).not.toBe("");
      expect(finding.range.end).toBeGreaterThan(finding.range.start);
    }
  });
});
