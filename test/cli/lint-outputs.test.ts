import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { Log } from "sarif";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonReport } from "../../src/lint/formats/json.ts";
import { FORMAT_NAMES } from "../../src/lint/formats/registry.ts";
import { policyCounting, policyWithSecret, SECRET } from "../lint/formats/linted-texts.ts";
import { runSluice } from "../support/run-sluice.ts";

let folder: string;
const inFolder = (name: string): string => join(folder, name);
const read = (name: string): string => readFileSync(inFolder(name), "utf8");

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-outputs-"));
  mkdirSync(inFolder("manifests"));
  writeFileSync(inFolder("manifests/a.yaml"), policyCounting("one"));
  writeFileSync(inFolder("manifests/b.yaml"), policyWithSecret);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("--output", () => {
  test("writes every format to its file, beside what goes to stdout, in one run", async () => {
    const outputs = FORMAT_NAMES.flatMap((name) => ["--output", `${name}=${inFolder(`out.${name}`)}`]);
    const { exitCode, stdout } = await runSluice(["lint", inFolder("manifests"), "--format", "json", ...outputs]);
    expect(exitCode).toBe(1);
    expect(read("out.json")).toBe(stdout);
    for (const name of FORMAT_NAMES) {
      const alone = await runSluice(["lint", inFolder("manifests"), "--format", name]);
      expect(read(`out.${name}`)).toBe(alone.stdout);
    }
  });

  test("shows a credential in no format", async () => {
    for (const name of FORMAT_NAMES) {
      const { stdout } = await runSluice(["lint", inFolder("manifests"), "--format", name]);
      expect([name, stdout.includes("auth-literal-credential"), stdout.includes(SECRET)]).toEqual([name, true, false]);
    }
  });

  test("carries what --fix would do as fixes of SARIF", async () => {
    writeFileSync(inFolder("one.yaml"), policyCounting("one").replace(/expression: .*/, "expression: source.address"));
    const { stdout } = await runSluice(["lint", inFolder("one.yaml"), "--format", "sarif"]);
    const result = (JSON.parse(stdout) as Log).runs[0]?.results?.find(
      ({ ruleId }) => ruleId === "rlp-source-address-counter",
    );
    expect(result?.fixes?.[0]?.artifactChanges[0]?.replacements).toEqual([
      {
        deletedRegion: { startLine: 9, startColumn: 30, endLine: 9, endColumn: 30 },
        insertedContent: { text: "remote_" },
      },
    ]);
  });

  test("has no colours in a file", async () => {
    const before = process.env["FORCE_COLOR"];
    process.env["FORCE_COLOR"] = "1";
    try {
      await runSluice(["lint", inFolder("manifests"), "--output", `text=${inFolder("plain.txt")}`]);
    } finally {
      if (before === undefined) delete process.env["FORCE_COLOR"];
      else process.env["FORCE_COLOR"] = before;
    }
    expect(read("plain.txt")).not.toContain("\u001b");
  });

  test.each([
    ["xml=out", "'xml' is no format; write FORMAT=FILE with one of text, json, sarif, github, junit"],
    ["sarif", "it names no file; write sarif=FILE"],
    ["sarif=", "it names no file; write sarif=FILE"],
    ["json=-", "standard output is --format json"],
  ])("%s is refused before anything is read", async (value, reason) => {
    const { exitCode, stderr } = await runSluice(["lint", "/nonexistent", "--output", value]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(reason)]);
  });

  test("is refused for one file twice", async () => {
    const twice = ["--output", "json=./one", "--output", "text=one"];
    const { exitCode, stderr } = await runSluice(["lint", "/nonexistent", ...twice]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("one is given twice")]);
  });

  test("to a place that cannot be written ends with 2 and says which", async () => {
    const file = inFolder("no-such-folder/out.sarif");
    const { exitCode, stdout, stderr } = await runSluice(["lint", inFolder("manifests"), "--output", `sarif=${file}`]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`SLUICE_OUTPUT_FAILED`)]);
    expect(stderr).toContain(file);
    expect(stdout).toContain("rlp-source-address-counter");
  });

  test("of a run with --quiet holds errors only", async () => {
    const output = ["--quiet", "--format", "json"];
    const { stdout } = await runSluice(["lint", inFolder("manifests"), "--profile", "strict", ...output]);
    const { findings } = JSON.parse(stdout) as JsonReport;
    expect(new Set(findings.map(({ severity }) => severity))).toEqual(new Set(["error"]));
  });
});

describe("--stdin-filename", () => {
  const lint = async (file: string, text: string, ...paths: readonly string[]) => {
    const args = ["lint", ...paths, "-", "--stdin-filename", file, "--format", "json"];
    const { stdout, stderr } = await runSluice(args, text);
    return { report: JSON.parse(stdout) as JsonReport, stderr };
  };
  const GOOD = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n";

  test("puts the buffer in the place of the file, by whatever path the file is found", async () => {
    symlinkSync(inFolder("manifests"), inFolder("link"));
    const names = [
      inFolder("manifests/a.yaml"),
      relative(process.cwd(), inFolder("manifests/a.yaml")),
      inFolder("link/a.yaml"),
    ];
    for (const file of names) {
      const { report, stderr } = await lint(file, GOOD, inFolder("manifests"));
      expect(report.findings.map(({ rule }) => rule)).not.toContain("rlp-source-address-counter");
      expect([report.summary.files, stderr]).toEqual([2, ""]);
    }
  });

  test("names the buffer as it was given, with places in the buffer's text", async () => {
    const file = inFolder("manifests/a.yaml");
    const { report } = await lint(file, `\n\n${policyCounting("one")}`, inFolder("manifests"));
    expect(report.findings.find(({ rule }) => rule === "rlp-source-address-counter")).toMatchObject({ file, line: 11 });
    const text = await runSluice(
      ["lint", inFolder("manifests"), "-", "--stdin-filename", file],
      `\n\n${policyCounting("one")}`,
    );
    expect(text.stdout).toContain("11 |         - expression: \"'client ' + source.address\"");
  });

  test("adds a file that is not on disk yet", async () => {
    const file = inFolder("manifests/new.yaml");
    const { report } = await lint(file, "a: [1\nb: 2\n", inFolder("manifests"));
    expect(report.summary.files).toBe(3);
    const broken = report.findings.find(({ rule }) => rule.startsWith("yaml-"));
    expect(broken).toMatchObject({
      file,
      line: expect.any(Number),
      severity: "error",
      why: expect.stringMatching(/./),
    });
  });

  test("without - among the paths is refused", async () => {
    const { exitCode, stderr } = await runSluice(["lint", inFolder("manifests"), "--stdin-filename", "x.yaml"]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("add - to the paths")]);
  });
});
