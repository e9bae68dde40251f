import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { JsonReport } from "../src/lint/formats/json.ts";
import { FORMAT_NAMES } from "../src/lint/formats/registry.ts";
import { policyCounting } from "./lint/formats/linted-texts.ts";
import { openShellDesk, type ShellDesk } from "./support/shell-desk.ts";

/** The blocks of docs/integrations.md: a reader has clean manifests in manifests/ and types the commands. */
const GUIDE = readFileSync("docs/integrations.md", "utf8");
const blocksOf = (language: string): readonly string[] =>
  [...GUIDE.matchAll(/```(\w*)\n([\s\S]*?)```/g)].flatMap(([, name, text = ""]) => (name === language ? [text] : []));
const commands = blocksOf("sh").flatMap((text) => text.trimEnd().split("\n"));
const example = (name: string): string => readFileSync(join("docs", "examples", name), "utf8");

const ROOT = process.cwd();
const CLEAN = ["00-namespaces", "credential", "dns", "gateway", "limits"];
const textOf = (name: string): string => readFileSync(join("manifests", "examples", "openai", `${name}.yaml`), "utf8");
/** As Helm prints templates: a comment before each, empty ones too. */
const HELM_OUTPUT = ["empty", ...CLEAN]
  .map((name) => `---\n# Source: shop/templates/${name}.yaml\n${name === "empty" ? "" : textOf(name)}`)
  .join("");
const BAD = "manifests/zz-bad.yaml";

let desk: ShellDesk;
const inDesk = (name: string): string => join(desk.folder, name);
const read = (name: string): string => readFileSync(inDesk(name), "utf8");
const putBad = (text = policyCounting("one")): void => writeFileSync(inDesk(BAD), text);
const shows = (text: string) => `cat <<'END_OF_OUTPUT'\n${text}\nEND_OF_OUTPUT`;

beforeAll(() => {
  desk = openShellDesk();
  cpSync(join("manifests", "examples", "openai"), inDesk("manifests"), { recursive: true });
  mkdirSync(inDesk("platform"));
  writeFileSync(inDesk("platform/shop.yaml"), "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n");
  desk.program("kustomize", shows(CLEAN.map(textOf).join("---\n")));
  desk.program("helm", shows(HELM_OUTPUT));
  // As kubectl does it: the program kubectl-NAME, with what follows NAME.
  desk.program("kubectl", 'plugin=$1\nshift\nexec "kubectl-$plugin" "$@"');
  desk.program("npm", "exit 0");
  desk.program("git", `ln -s ${JSON.stringify(ROOT)} .sluice`);
});
afterAll(() => desk.close());

describe("docs/integrations.md", () => {
  test("has only blocks that are run here, and names every format", () => {
    const languages = [...GUIDE.matchAll(/```(\w+)\n/g)].map(([, name]) => name);
    expect(new Set(languages)).toEqual(new Set(["sh", "yaml"]));
    expect(commands.length).toBeGreaterThanOrEqual(10);
    expect(FORMAT_NAMES.filter((name) => !GUIDE.includes(`| \`${name}\` |`))).toEqual([]);
  });

  test.each(commands)("%s does what it says", async (command) => {
    const { exitCode, stdout, stderr } = await desk.run(command);
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).not.toBe("");
    for (const [, file = ""] of command.matchAll(/--output \w+=(\S+)/g)) {
      expect(read(file)).not.toBe("");
      rmSync(inDesk(file));
    }
  });

  test("shows the example of pre-commit as it is", () => {
    expect(blocksOf("yaml").map((text) => parse(text) as unknown)).toEqual([parse(example("pre-commit-config.yaml"))]);
  });
});

describe("manifests from a pipe", () => {
  test("are judged like files, whatever comments and empty documents Helm prints", async () => {
    desk.program("helm", shows(`${HELM_OUTPUT}---\n# Source: shop/templates/bad.yaml\n${policyCounting("one")}`));
    const { exitCode, stdout } = await desk.run("helm template shop chart | sluice lint - --format json");
    desk.program("helm", shows(HELM_OUTPUT));
    const { findings, problems, summary } = JSON.parse(stdout) as JsonReport;
    const found = findings.find(({ rule }) => rule === "rlp-source-address-counter");
    const line = HELM_OUTPUT.split("\n").length + 10;
    expect([exitCode, problems, found]).toEqual([1, [], expect.objectContaining({ file: "<stdin>", line })]);
    const files = JSON.parse((await desk.run("sluice lint manifests/ --format json")).stdout) as JsonReport;
    expect(summary.objects).toBe(files.summary.objects + 1);
  });
});

type Workflow = { jobs: { lint: { steps: { name?: string; uses?: string; run?: string; with?: object }[] } } };

describe("docs/examples/github-workflow.yaml", () => {
  const { steps } = (parse(example("github-workflow.yaml")) as Workflow).jobs.lint;
  const runOf = (name: string): string => steps.find((step) => step.name === name)?.run ?? "";
  const runner = () => ({ RUNNER_TEMP: inDesk("runner"), GITHUB_PATH: inDesk("github-path") });

  test("installs a program that runs, by the folder that it adds to the PATH", async () => {
    symlinkSync(ROOT, inDesk(".sluice"));
    const installed = await desk.run(runOf("Install Sluice"), { env: runner() });
    expect([installed.exitCode, installed.stderr]).toEqual([0, ""]);
    const { exitCode, stdout } = await desk.run(`${read("github-path").trim()}/sluice --version`);
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
    rmSync(inDesk(".sluice"));
  });

  test("fails with annotations of the changed lines, and leaves the SARIF file that it uploads", async () => {
    putBad();
    const { exitCode, stdout } = await desk.run(runOf("Lint"));
    rmSync(inDesk(BAD));
    expect([exitCode, stdout]).toEqual([
      1,
      expect.stringContaining("::error file=manifests/zz-bad.yaml,line=9,col=36,"),
    ]);
    const upload = steps.find(({ uses }) => uses?.startsWith("github/codeql-action/upload-sarif@"));
    expect(upload?.with).toMatchObject({ sarif_file: "sluice.sarif" });
    const sarif = JSON.parse(read("sluice.sarif")) as { runs: { results: { ruleId: string }[] }[] };
    expect(sarif.runs[0]?.results.map(({ ruleId }) => ruleId)).toContain("rlp-source-address-counter");
  });

  test("passes for clean manifests", async () => {
    const { exitCode, stdout } = await desk.run(runOf("Lint"));
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^sluice lint: 0 errors, 0 warnings in /)]);
  });
});

test("docs/examples/gitlab-ci.yaml installs, fails with findings and leaves the report that it names", async () => {
  type Job = { before_script: string[]; script: string[]; artifacts: { reports: { junit: string } } };
  const job = (parse(example("gitlab-ci.yaml")) as { "egress-lint": Job })["egress-lint"];
  putBad();
  const lines = [...job.before_script, ...job.script].join("\n");
  const { exitCode, stderr } = await desk.run(lines, { env: { SLUICE_REPOSITORY: "https://git.example.com/sluice" } });
  rmSync(inDesk(BAD));
  rmSync(inDesk(".sluice"));
  expect([exitCode, stderr]).toEqual([1, ""]);
  expect(read(job.artifacts.reports.junit)).toContain('<failure message="rlp-source-address-counter: ');
});

describe("editors", () => {
  type Pattern = {
    regexp: string;
    severity?: number;
    code?: number;
    message?: number;
    file?: number;
    line?: number;
    column?: number;
  };
  type Tasks = { tasks: { command: string; args: string[]; problemMatcher: { pattern: [Pattern, Pattern] } }[] };

  test("docs/examples/vscode-tasks.json finds every finding of a real run", async () => {
    const [task] = (JSON.parse(example("vscode-tasks.json")) as Tasks).tasks;
    if (task === undefined) throw new Error("no task");
    putBad(policyCounting("one", "two"));
    const { stdout } = await desk.run([task.command, ...task.args].join(" "));
    const { stdout: json } = await desk.run("sluice lint manifests/ --format json");
    rmSync(inDesk(BAD));
    const [first, second] = task.problemMatcher.pattern;
    const lines = stdout.split("\n");
    const matched = lines.flatMap((line, index) => {
      const head = new RegExp(first.regexp).exec(line);
      const place = new RegExp(second.regexp).exec(lines[index + 1] ?? "");
      if (head === null || place === null) return [];
      const at = (match: RegExpExecArray, group = 0) => match[group] ?? "";
      return [
        [
          at(head, first.severity),
          at(head, first.code),
          at(head, first.message),
          at(place, second.file),
          at(place, second.line),
          at(place, second.column),
        ],
      ];
    });
    const { findings } = JSON.parse(json) as JsonReport;
    expect(matched.length).toBeGreaterThanOrEqual(2);
    expect(matched).toEqual(
      findings.map(({ severity, rule, title, file, line, column }) => [
        severity,
        rule,
        title,
        file,
        String(line),
        String(column),
      ]),
    );
  });

  test("docs/examples/efm-langserver.yaml lints the buffer instead of the file", async () => {
    type Config = { tools: Record<string, { "lint-command": string; "lint-stdin": boolean }> };
    const tool = (parse(example("efm-langserver.yaml"), { merge: true }) as Config).tools["sluice-lint"];
    const file = inDesk("manifests/limits.yaml");
    expect(tool?.["lint-stdin"]).toBe(true);
    const buffer = `# one line more\n${policyCounting("one")}`;
    const run = await desk.run(tool?.["lint-command"] ?? "", { stdin: buffer, env: { INPUT: file } });
    expect([run.exitCode, run.stdout]).toEqual([1, expect.stringContaining(`--> ${file}:10:36\n`)]);
    expect(existsSync(file)).toBe(true);
  });

  test("docs/examples/sluice.vim runs a command that is right and uses the patterns of efm-langserver", () => {
    const vim = example("sluice.vim");
    type Config = { tools: Record<string, { "lint-formats": string[] }> };
    const formats = (parse(example("efm-langserver.yaml"), { merge: true }) as Config).tools["sluice-lint"]?.[
      "lint-formats"
    ];
    expect(/errorformat = '(.*)'/.exec(vim)?.[1]).toBe(formats?.join(","));
    expect(/makeprg = '(.*)'/.exec(vim)?.[1]).toBe("sluice lint manifests/");
  });
});
