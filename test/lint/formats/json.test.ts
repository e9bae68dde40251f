import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { exampleText } from "../../../src/lint/example-text.ts";
import { type JsonReport, jsonFormat } from "../../../src/lint/formats/json.ts";
import { familyOf } from "../../../src/lint/rule-family.ts";
import { rules } from "../../../src/lint/rules/index.ts";
import {
  findingWith,
  type Linted,
  lintTexts,
  optionsOf,
  policyCounting,
  policyWithSecret,
  reportOf,
  SECRET,
} from "./linted-texts.ts";

const matches = new Ajv({ strict: true, strictTypes: false, allErrors: true }).compile(
  JSON.parse(readFileSync("docs/schema/lint-output.json", "utf8")) as object,
);

/** The document, which has the documented shape. */
function documentOf({ report, options }: Linted): JsonReport {
  const document = JSON.parse(jsonFormat(report, options)) as JsonReport;
  expect([matches(document), matches.errors]).toEqual([true, null]);
  return document;
}

describe("every bad example of every rule", () => {
  test.each(rules.map((rule) => [rule.id, rule] as const))("%s is written in the documented shape", (id, rule) => {
    for (const { yaml } of rule.bad) {
      const { findings } = documentOf(lintTexts({ "example.yaml": exampleText(yaml) }));
      expect(findings.some((finding) => finding.rule === id)).toBe(true);
    }
  });
});

test("a finding has what the rule says, what happens here, the object and the place", () => {
  const { findings, summary } = documentOf(lintTexts({ "a.yaml": policyCounting("per-ip") }));
  const rule = rules.find(({ id }) => id === "rlp-source-address-counter");
  expect(findings.find((finding) => finding.rule === rule?.id)).toEqual({
    rule: "rlp-source-address-counter",
    severity: "error",
    scope: "object",
    title: rule?.title,
    message: expect.stringMatching(/./),
    why: rule?.why,
    hint: expect.stringMatching(/./),
    fixable: expect.any(Boolean),
    object: { apiVersion: "kuadrant.io/v1", kind: "RateLimitPolicy", namespace: "gateway-system", name: "limits" },
    path: 'spec.limits["per-ip"].counters[0].expression',
    file: "a.yaml",
    line: 9,
    column: 36,
    endLine: 9,
    endColumn: 50,
  });
  expect(summary).toMatchObject({ objects: 1, files: 1 });
});

test("related places have their file, lines and columns", () => {
  const object = { apiVersion: "v1", kind: "AuthPolicy", namespace: "g", name: "y" };
  const finding = findingWith({
    related: [
      { object, path: ["spec"], message: "it is here" },
      { path: [], message: "m" },
    ],
  });
  const place = { file: "b.yaml", line: 3, column: 1, endLine: 3, endColumn: 5 };
  const { findings } = documentOf({ report: reportOf([{ ...finding, related: [place] }]), options: optionsOf({}) });
  expect(findings[0]?.related).toEqual([
    { object, path: "spec", message: "it is here", ...place },
    { path: "", message: "m" },
  ]);
});

test("a finding that can be mended says so, one about the text of a file has the file and no object", () => {
  const mendable = findingWith({ mend: { title: "Write it", edits: [] } });
  const { object: _object, ...textual } = findingWith({ path: [], rule: "yaml-tab" }).finding;
  const { findings } = documentOf({
    report: reportOf([mendable, { finding: textual, file: "t.yaml" }]),
    options: optionsOf({}),
  });
  expect(findings.map(({ fixable, object, file }) => [fixable, object === undefined, file])).toEqual([
    [true, false, "a.yaml"],
    [false, true, "t.yaml"],
  ]);
  expect(findings[1]?.why).toBe(familyOf("yaml-tab")?.why);
});

test("a finding that neither a rule nor a family of them makes gives no reason of a rule", () => {
  const { findings } = documentOf({
    report: reportOf([findingWith({ rule: "exemption-without-effect" })]),
    options: optionsOf({}),
  });
  expect(findings[0]).not.toHaveProperty("why");
});

test("input that cannot be read is told with its place", () => {
  const { problems } = documentOf(lintTexts({ "x.yaml": "a: [1\nb: 2\n" }));
  expect(problems[0]).toMatchObject({ severity: "error", file: "x.yaml", line: expect.any(Number) });
});

test("a credential is never shown", () => {
  const { report, options } = lintTexts({ "a.yaml": policyWithSecret });
  expect(jsonFormat(report, options)).toContain("auth-literal-credential");
  expect(jsonFormat(report, options)).not.toContain(SECRET);
});

test("the documented example has the documented shape", () => {
  const page = readFileSync("docs/lint-json.md", "utf8");
  const example = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? "null") as unknown;
  expect([matches(example), matches.errors]).toEqual([true, null]);
});

test.each(["version", "findings", "problems", "summary"])("the schema refuses a document without %s", (field) => {
  const { report, options } = lintTexts({ "a.yaml": policyCounting("one") });
  const document = JSON.parse(jsonFormat(report, options)) as Record<string, unknown>;
  expect(matches({ ...document, [field]: undefined })).toBe(false);
});
