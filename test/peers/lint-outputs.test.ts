import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ValidateFunction } from "ajv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { exampleText } from "../../src/lint/example-text.ts";
import type { JsonReport } from "../../src/lint/formats/json.ts";
import { junitFormat } from "../../src/lint/formats/junit.ts";
import { sarifFormat } from "../../src/lint/formats/sarif.ts";
import { rules } from "../../src/lint/rules/index.ts";
import { findingWith, lintTexts, optionsOf, policyCounting, reportOf } from "../lint/formats/linted-texts.ts";
import { openShellDesk, type ShellDesk } from "../support/shell-desk.ts";
import { errorformatBinary, preCommit, sarifSchema, xmlElements } from "./lint-outputs/consumers.ts";
import { need } from "./support/needed.ts";

const example = (name: string): string => readFileSync(join("docs", "examples", name), "utf8");

let scratch: string;
let isSarif: ValidateFunction;
let errorformat: string;
let preCommitProgram: string;

beforeAll(async () => {
  need("git", "python3");
  scratch = mkdtempSync(join(tmpdir(), "sluice-consumers-"));
  [isSarif, errorformat, preCommitProgram] = await Promise.all([
    sarifSchema(scratch),
    errorformatBinary(),
    preCommit(scratch),
  ]);
});
afterAll(() => rmSync(scratch, { recursive: true }));

describe("SARIF", () => {
  const check = (text: string): void => {
    const valid = isSarif(JSON.parse(text));
    expect([valid, isSarif.errors]).toEqual([true, null]);
  };

  test.each(rules.map((rule) => [rule.id, rule] as const))(
    "of the bad examples of %s keeps to the schema",
    (_id, rule) => {
      for (const { yaml } of rule.bad) {
        const { report, options } = lintTexts({ "an example/ü.yaml": exampleText(yaml) });
        check(sarifFormat(report, options));
      }
    },
  );

  test("of everything that a finding can have keeps to the schema", () => {
    const object = { apiVersion: "v1", kind: "AuthPolicy", namespace: "g", name: "y" };
    const place = { file: "b.yaml", line: 3, column: 1, endLine: 4, endColumn: 5 };
    const full = findingWith({
      mend: { title: "Write it", edits: [] },
      related: [
        { object, path: [], message: "here" },
        { path: [], message: "there" },
      ],
    });
    const { object: _object, ...textual } = findingWith({ rule: "yaml-tab", severity: "info", path: [] }).finding;
    const report = {
      ...reportOf([
        { ...full, related: [place] },
        { finding: textual, file: "<stdin>" },
        { finding: textual, file: "out" },
      ]),
      problems: [{ severity: "warning", message: "odd", hint: "mend it", file: "x.yaml", place }] as const,
      exitCode: 2,
    };
    const options = {
      ...optionsOf({}),
      replacementsOf: () => [{ place, text: "x" }],
      fileOf: (path: string) =>
        ({ kind: path === "out" ? "outside" : path === "<stdin>" ? "stream" : "inside", path }) as const,
    };
    check(sarifFormat(report, options));
  });

  test("that is not keeping to the schema would be noticed", () => {
    const { report, options } = lintTexts({ "a.yaml": policyCounting("one") });
    expect(isSarif({ ...(JSON.parse(sarifFormat(report, options)) as object), version: "2.0.0" })).toBe(false);
  });
});

test("JUnit of the bad examples of every rule is well-formed to Python's XML parser", async () => {
  const files = rules.flatMap(({ id, bad }) =>
    bad.map(({ yaml }, index) => [`${id}-${index}.yaml`, exampleText(yaml)]),
  );
  const { report, options } = lintTexts(Object.fromEntries(files) as Record<string, string>);
  const hostile = findingWith({ title: "]]> & < \u0000 \ud800 \ufffe", message: "\u001b[31m\r\n" });
  const file = join(scratch, "report.xml");
  writeFileSync(file, junitFormat({ ...report, findings: [...report.findings, hostile] }, options));
  const names = await xmlElements(file);
  expect(names.slice(0, 3)).toEqual(["testsuites", "testsuite", "testcase"]);
  const errors = report.findings.filter(({ finding }) => finding.severity === "error").length;
  expect(names.filter((name) => name === "failure")).toHaveLength(errors + 1);
});

describe("the reader of efm-langserver and the patterns of Vim", () => {
  let desk: ShellDesk;
  beforeAll(() => {
    desk = openShellDesk();
    mkdirSync(join(desk.folder, "manifests"));
    writeFileSync(join(desk.folder, "manifests", "a.yaml"), policyCounting("one", "two"));
  });
  afterAll(() => desk.close());

  type Config = { tools: Record<string, { "lint-formats": string[] }> };
  const config = parse(example("efm-langserver.yaml"), { merge: true }) as Config;

  test.each([
    ["efm-langserver.yaml", config.tools["sluice-lint"]?.["lint-formats"] ?? []],
    ["sluice.vim", /errorformat = '(.*)'/.exec(example("sluice.vim"))?.[1]?.split(",") ?? []],
  ])("docs/examples/%s finds every finding of a real run", async (_name, formats) => {
    const quoted = formats.map((format) => `'${format}'`).join(" ");
    const { stdout } = await desk.run(`{ sluice lint manifests/ || true; } | ${errorformat} -w jsonl ${quoted}`);
    type Entry = { filename: string; lnum: number; col: number; type: number; text: string };
    const entries = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Entry);
    const json = await desk.run("sluice lint manifests/ --format json || true");
    const { findings } = JSON.parse(json.stdout) as JsonReport;
    expect(findings.length).toBeGreaterThanOrEqual(2);
    expect(
      entries.map(({ filename, lnum, col, type, text }) => [filename, lnum, col, String.fromCharCode(type), text]),
    ).toEqual(
      findings.map(({ file, line, column, severity, rule, title }) => [
        file,
        line,
        column,
        severity[0],
        `[${rule}]: ${title}`,
      ]),
    );
  });
});

describe("pre-commit", () => {
  let desk: ShellDesk;
  const env = () => ({
    PRE_COMMIT_HOME: join(scratch, "pre-commit"),
    PRE_COMMIT_COLOR: "never",
    GIT_CONFIG_GLOBAL: join(scratch, "gitconfig"),
  });
  const run = (lines: string) => desk.run(lines, { env: env() });
  const write = (name: string, text: string): void => writeFileSync(join(desk.folder, name), text);

  beforeAll(async () => {
    desk = openShellDesk();
    writeFileSync(
      join(scratch, "gitconfig"),
      "[user]\nname = Tester\nemail = tester@example.org\n[init]\ndefaultBranch = main\n",
    );
    const hooks = join(scratch, "hooks");
    mkdirSync(hooks);
    cpSync(".pre-commit-hooks.yaml", join(hooks, ".pre-commit-hooks.yaml"));
    cpSync(join("manifests", "examples", "openai"), join(desk.folder, "manifests"), { recursive: true });
    write(".pre-commit-config.yaml", example("pre-commit-config.yaml").replace(/https:\S+/, hooks));
    const made = await run(
      `(cd ${hooks} && git init -q && git add . && git commit -q -m hooks && git tag v0.1.0)
      git init -q && git add . && git commit -q -m start
      ${preCommitProgram} install`,
    );
    expect([made.exitCode, made.stderr]).toEqual([0, ""]);
  });
  afterAll(() => desk.close());

  test("lets clean manifests be committed", async () => {
    const { exitCode, stdout } = await run(`${preCommitProgram} run --all-files`);
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^sluice lint\.+Passed$/m)]);
  });

  test("stops a commit of a policy that cannot work, and shows why", async () => {
    write("manifests/bad.yaml", policyCounting("one"));
    const { exitCode, stdout, stderr } = await run("git add . && git commit -m bad");
    expect([exitCode, stdout + stderr]).toEqual([1, expect.stringMatching(/^sluice lint\.+Failed$/m)]);
    expect(stdout + stderr).toContain("error[rlp-source-address-counter]");
  });

  test("judges what is staged, all of it, and passes over commits without YAML", async () => {
    write("notes.txt", "nothing to lint\n");
    await run("git reset -q");
    const { exitCode, stdout, stderr } = await run("git add notes.txt && git commit -m notes");
    expect([exitCode, stdout + stderr]).toEqual([
      0,
      expect.stringMatching(/^sluice lint\.+\(no files to check\)Skipped$/m),
    ]);
  });
});
