import { expect, test } from "vitest";
import type { LintConfig } from "../../src/cli/lint-config.ts";
import { applyIgnores } from "../../src/cli/lint-ignores.ts";
import type { LocatedFinding } from "../../src/lint/located-finding.ts";

const FOUND: LocatedFinding = {
  finding: {
    ...{ rule: "cel-syntax-error", severity: "error", scope: "object", title: "t", message: "m", hint: "h", path: [] },
    object: { apiVersion: "kuadrant.io/v1", kind: "AuthPolicy", namespace: "a", name: "b" },
  },
};

const config: LintConfig = {
  ...{ file: "sluice.yaml", folder: "/repository", placeOf: () => undefined },
  ignores: [{ rule: "cel-syntax-error", reason: "known", until: "2026-02-28" }],
};

test.each([
  ["2026-02-27", []],
  ["2026-02-28", []],
  ["2026-03-01", ["cel-syntax-error", "ignore-without-effect"]],
  ["2027-01-01", ["cel-syntax-error", "ignore-without-effect"]],
])("an ignore until 2026-02-28 leaves on %s %j", (today, rules) => {
  const { kept, ignored } = applyIgnores([FOUND], config, { objects: [], whole: true, today });
  expect(kept.map(({ finding }) => finding.rule)).toEqual(rules);
  expect(ignored).toBe(rules.length === 0 ? 1 : 0);
});

test("without a settings file nothing is ignored", () => {
  const linted = { objects: [], whole: true, today: "2026-01-01" };
  expect(applyIgnores([FOUND], undefined, linted)).toEqual({ kept: [FOUND], ignored: 0 });
});
