import { formatPath } from "../../model/field-path.ts";
import { formatRef, identityOf } from "../../model/object-ref.ts";
import type { LocatedFinding } from "../located-finding.ts";
import { fileOfFinding, sentence } from "./described.ts";
import type { Format, FormatOptions, InputProblem, LintReport } from "./format.ts";
import { element, xmlText } from "./xml.ts";

/** One object, or the text of one file. */
type Case = {
  readonly name: string;
  readonly findings: LocatedFinding[];
  readonly problems: InputProblem[];
};

/** Cases by key, by file. */
type Suites = Map<string, Map<string, Case>>;

/** Findings of objects that come from no file. */
const NO_FILE = "cluster";
const FILE_CASE = "the file itself";

function caseOf(suites: Suites, file: string, key: string, name: string): Case {
  const suite = suites.get(file) ?? new Map<string, Case>();
  suites.set(file, suite);
  const known = suite.get(key) ?? { name, findings: [], problems: [] };
  suite.set(key, known);
  return known;
}

function suitesOf({ objects, findings, problems }: LintReport): Suites {
  const suites: Suites = new Map();
  for (const { ref, file } of objects) caseOf(suites, file, identityOf(ref), formatRef(ref));
  for (const problem of problems) caseOf(suites, problem.file, "", FILE_CASE).problems.push(problem);
  for (const located of findings) {
    const { object } = located.finding;
    const file = fileOfFinding(located) ?? NO_FILE;
    const [key, name] = object === undefined ? ["", FILE_CASE] : [identityOf(object), formatRef(object)];
    caseOf(suites, file, key, name).findings.push(located);
  }
  return suites;
}

function detail({ finding, place }: LocatedFinding, fileOf: FormatOptions["fileOf"]): string {
  const path = formatPath(finding.path);
  const where = place === undefined ? "" : `${fileOf(place.file).path}:${place.line}:${place.column}`;
  return [where, path, sentence(finding.message), sentence(finding.hint)].filter((line) => line !== "").join("\n");
}

const isError = ({ finding }: LocatedFinding): boolean => finding.severity === "error";

function writeCase(unit: Case, file: string, fileOf: FormatOptions["fileOf"]): string {
  const failures = unit.findings.filter(isError).map((located) => {
    const { rule, title } = located.finding;
    return element("failure", { message: `${rule}: ${title}`, type: rule }, xmlText(detail(located, fileOf)));
  });
  const errors = unit.problems
    .filter(({ severity }) => severity === "error")
    .map(({ message, hint }) => element("error", { message, type: "input" }, xmlText(sentence(hint))));
  const asides = [
    ...unit.problems
      .filter(({ severity }) => severity === "warning")
      .map(({ message, hint }) => `warning: ${message}; ${hint}`),
    ...unit.findings
      .filter((located) => !isError(located))
      .map((located) => {
        const { severity, rule, title } = located.finding;
        return `${severity}[${rule}]: ${title}\n${detail(located, fileOf)}`;
      }),
  ];
  const output = asides.length === 0 ? "" : element("system-out", {}, xmlText(asides.join("\n\n")));
  const line = unit.findings.find(isError)?.place?.line;
  const attributes = { name: unit.name, classname: file, file, ...(line === undefined ? {} : { line }), time: "0" };
  return element("testcase", attributes, `${errors.join("")}${failures.join("")}${output}`);
}

const countCases = (cases: readonly Case[]) => ({
  tests: cases.length,
  failures: cases.filter(({ findings }) => findings.some(isError)).length,
  errors: cases.filter(({ problems }) => problems.some(({ severity }) => severity === "error")).length,
  skipped: 0,
  time: "0",
});

/** For CI servers that show test results: a suite for each file, a case for each object, a failure for each error. */
export const junitFormat: Format = (report, { fileOf }) => {
  const suites = [...suitesOf(report)].map(([file, cases]) => ({
    file: fileOf(file).path,
    cases: [...cases.values()],
  }));
  const written = suites.map(({ file, cases }) =>
    element(
      "testsuite",
      { name: file, ...countCases(cases) },
      cases
        .map((unit) => `\n    ${writeCase(unit, file, fileOf)}`)
        .join("")
        .concat("\n  "),
    ),
  );
  const all = countCases(suites.flatMap(({ cases }) => cases));
  const body = written
    .map((suite) => `\n  ${suite}`)
    .join("")
    .concat("\n");
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element("testsuites", { name: "sluice lint", ...all }, body)}\n`;
};
