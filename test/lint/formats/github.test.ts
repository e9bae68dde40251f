import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { githubFormat } from "../../../src/lint/formats/github.ts";
import { findingWith, lintTexts, optionsOf, reportOf } from "./linted-texts.ts";

const linesOf = (findings: Parameters<typeof reportOf>[0]): readonly string[] =>
  githubFormat(reportOf(findings), optionsOf({})).trimEnd().split("\n");

describe("an annotation", () => {
  test("has level, place, title, object, what happens and what to do", () => {
    expect(linesOf([findingWith()])).toEqual([
      "::error file=a.yaml,line=3,col=5,endLine=3,endColumn=9,title=policy-target-missing%3A The target is not there::AuthPolicy g/x: The policy does nothing. Correct the name.",
      "sluice lint: 1 error, 0 warnings in 1 object of 1 file",
    ]);
  });

  test.each([
    ["error", "::error "],
    ["warning", "::warning "],
    ["info", "::notice "],
  ] as const)("of a finding of level %s starts with %s", (severity, start) => {
    expect(linesOf([findingWith({ severity })])[0]?.startsWith(start)).toBe(true);
  });

  test("escapes what would end a property, a line or the command", () => {
    const finding = findingWith({ title: "50%, a: b", message: "one\r\ntwo 100% ::error::x" });
    const place = { file: "a,b:c%.yaml", line: 1, column: 1, endLine: 1, endColumn: 2 };
    expect(linesOf([{ ...finding, place }])[0]).toBe(
      "::error file=a%2Cb%3Ac%25.yaml,line=1,col=1,endLine=1,endColumn=2,title=policy-target-missing%3A 50%25%2C a%3A b::AuthPolicy g/x: One%0D%0Atwo 100%25 ::error::x. Correct the name.",
    );
  });

  test("of several lines has no columns, which GitHub takes for one line only", () => {
    const place = { file: "a.yaml", line: 3, column: 5, endLine: 6, endColumn: 9 };
    expect(linesOf([{ ...findingWith(), place }])[0]).toContain(" file=a.yaml,line=3,endLine=6,title=");
  });

  test("of standard input, or of a file outside of the repository, has no place", () => {
    const place = { file: "<stdin>", line: 3, column: 5, endLine: 6, endColumn: 9 };
    expect(linesOf([{ ...findingWith(), place }])[0]).toMatch(/^::error title=/);
  });
});

test("input that cannot be read is annotated where it is wrong", () => {
  const { report, options } = lintTexts({ "x.yaml": "a: [1\nb: 2\n" });
  expect(githubFormat(report, options)).toMatch(
    /^::error file=x\.yaml,line=\d+.*,title=sluice lint%3A input::x\.yaml: /,
  );
});

test("errors come first, ten of a level are annotated, the rest is in the log, and the last line counts all", () => {
  const many = [
    ...Array.from({ length: 12 }, () => findingWith({ severity: "warning" })),
    ...Array.from({ length: 11 }, () => findingWith()),
  ];
  const lines = linesOf(many);
  expect(lines.map((line) => line.split(" ")[0])).toEqual([
    ...Array(10).fill("::error"),
    "-",
    ...Array(10).fill("::warning"),
    "-",
    "-",
    "sluice",
  ]);
  expect(lines[10]).toBe(
    "- a.yaml:3:5: error: policy-target-missing: The target is not there: AuthPolicy g/x: The policy does nothing. Correct the name.",
  );
  expect(lines.at(-1)).toBe("sluice lint: 11 errors, 12 warnings in 1 object of 1 file");
});

test("whatever names and messages hold, each finding is one line, and no line is a command of theirs", () => {
  const text = fc.string({ unit: "binary" });
  const hostile = fc.oneof(text, fc.constantFrom("\n::add-mask::x", "\r::stop-commands::y", "::error::z", "##[group]"));
  fc.assert(
    fc.property(fc.array(fc.tuple(hostile, hostile, hostile), { maxLength: 14 }), (texts) => {
      const findings = texts.map(([title, message, file]) => ({
        ...findingWith({ title, message }),
        place: { file, line: 1, column: 1, endLine: 1, endColumn: 2 },
      }));
      const lines = githubFormat(reportOf(findings), optionsOf({})).split(/\r\n|\n|\r/);
      expect(lines).toHaveLength(findings.length + 2);
      expect(lines.filter((line) => !/^(?:::error file=[^,:\r\n]*,line=1,|- |sluice lint: |$)/.test(line))).toEqual([]);
    }),
  );
});
