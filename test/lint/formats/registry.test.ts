import { describe, expect, test } from "vitest";
import { FORMAT_NAMES, FORMATS, isFormatName } from "../../../src/lint/formats/registry.ts";
import { lintTexts, policyCounting, policyWithSecret } from "./linted-texts.ts";

const linted = () => lintTexts({ "a.yaml": policyCounting("one"), "b.yaml": policyWithSecret });

describe.each(FORMAT_NAMES)("format %s", (name) => {
  test("gives the same bytes for the same input, ends with a line break and names every rule that found something", () => {
    const { report, options } = linted();
    const text = FORMATS[name](report, options);
    const again = linted();
    expect(FORMATS[name](again.report, again.options)).toBe(text);
    expect(text.endsWith("\n")).toBe(true);
    const found = report.findings.map(({ finding }) => finding.rule);
    expect(found.filter((rule) => !text.includes(rule))).toEqual([]);
  });

  test("is written for a run that found nothing", () => {
    const { report, options } = lintTexts({ "ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n" });
    expect(report.findings).toEqual([]);
    expect(FORMATS[name](report, options)).not.toBe("");
  });
});

test("only listed names are formats", () => {
  expect([isFormatName("sarif"), isFormatName("xml"), isFormatName("toString")]).toEqual([true, false, false]);
});

test("quiet text has no notes and no count, else both are there", () => {
  const { report, options } = linted();
  const noted = { ...options, notes: ["namespace x is not in the input"] };
  expect(FORMATS.text(report, noted)).toMatch(/note: namespace x is not in the input\n\d+ errors, .*\n$/);
  expect(FORMATS.text(report, { ...noted, quiet: true })).not.toMatch(/note: |\d+ errors, /);
});
