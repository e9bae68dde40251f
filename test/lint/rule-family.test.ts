import { describe, expect, test } from "vitest";
import { problemFinding } from "../../src/cli/lint-schemas.ts";
import { familyOf, RULE_FAMILIES } from "../../src/lint/rule-family.ts";
import { rules } from "../../src/lint/rules/index.ts";
import { objectsOfText } from "../../src/sources/manifests.ts";

describe.each(RULE_FAMILIES)("$id", ({ id, title, why, fix, bad, severity }) => {
  test("says what, why and what to do, in the form of rules", () => {
    expect(title.length).toBeLessThanOrEqual(80);
    expect(title).not.toMatch(/\.$/);
    for (const sentence of [why, fix]) expect(sentence).toMatch(/\.$/);
    expect(rules.map((rule) => rule.id)).not.toContain(id);
  });

  test("is what its example gives, once or more, and nothing else", () => {
    const { problems } = objectsOfText(bad ?? "", "a.yaml");
    const found = problems.map(problemFinding).map(({ finding }) => familyOf(finding.rule)?.id);
    // A text that shows a trap of YAML need be no object.
    const own = [...new Set(found)].filter((rule) => rule !== "object-invalid" || id === "object-invalid");
    expect(own).toEqual(bad === undefined ? [] : [id]);
    const levels = problems.filter(({ rule }) => familyOf(rule)?.id === id).map((problem) => problem.severity);
    expect(levels.every((level) => level === severity)).toBe(true);
  });
});

test("every kind has an id of the schema family, and nothing else has", () => {
  expect(familyOf("schema-gateway")?.id).toBe("schema-<kind>");
  expect(["schema-", "schema-Gateway", "rlp-counter-credential"].map(familyOf)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
