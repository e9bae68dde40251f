import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LINT_CONFIG_SHAPE } from "../src/cli/lint-config-shape.ts";
import { rules } from "../src/lint/rules/index.ts";
import { COMPONENTS } from "../src/model/engine-versions.ts";
import { type GitRepository, gitRepository } from "./support/git-repository.ts";
import { runSluice } from "./support/run-sluice.ts";

const GUIDE = readFileSync("docs/lint.md", "utf8");
const blocks = [...GUIDE.matchAll(/```(\w*)\n([\s\S]*?)```/g)].map(([, language = "", text = ""]) => ({
  language,
  text,
}));
const linesOf = (language: string): readonly string[] =>
  blocks
    .filter((block) => block.language === language)
    .flatMap(({ text }) => text.split("\n"))
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "");
const [config = "", annotated = ""] = blocks.filter(({ language }) => language === "yaml").map(({ text }) => text);

/** Commands that find something of level error on purpose. */
const FAILING = ["npx sluice lint test/fixtures/manifests/000-egress-gateway"];

let repository: GitRepository;
beforeAll(() => {
  repository = gitRepository();
  cpSync("manifests/examples/openai", repository.path("openai"), { recursive: true });
  repository.commit();
});
afterAll(() => repository.close());

/** What the comparison with a commit needs is a repository, whatever this is run in. */
const inTest = (line: string): string =>
  line.includes("--diff-base") ? line.replace("manifests/examples/openai", repository.path("openai")) : line;

/** Rows of the table below a heading, cells trimmed. */
const tableOf = (heading: string): readonly (readonly string[])[] =>
  (GUIDE.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim()));

describe("docs/lint.md", () => {
  test("has only blocks that are run or read here", () => {
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(["sh", "yaml", "console"]));
    expect(linesOf("sh").filter((line) => !line.startsWith("npx sluice "))).toEqual([]);
  });

  test.each(linesOf("sh"))("%s does what it says", async (line) => {
    const { exitCode, stdout, stderr } = await runSluice(inTest(line).split(/\s+/).slice(2));
    expect([exitCode, stderr]).toEqual([FAILING.includes(line) ? 1 : 0, ""]);
    expect(stdout).not.toBe("");
  });

  test.each(linesOf("console"))("%s has only flags that there are", async (line) => {
    const flags = [...line.matchAll(/ (--[a-z-]+)/g)].map(([, flag = ""]) => flag);
    const { stdout } = await runSluice(["lint", "--help"]);
    expect(line).toMatch(/^\$ sluice lint /);
    expect(
      flags.filter((flag) => flag !== "--all" && !stdout.includes(`${flag} `) && !stdout.includes(`${flag}\n`)),
    ).toEqual([]);
  });

  test("shows a settings file that is accepted", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-lint-guide-"));
    const file = join(folder, "sluice.yaml");
    writeFileSync(file, config.replace("crdDirs: [crds]\n", ""));
    const run = await runSluice(["lint", "--config", file, "manifests/examples/openai"]);
    rmSync(folder, { recursive: true });
    expect([run.exitCode, run.stderr]).not.toContain(2);
    expect(run.stderr).not.toContain("SLUICE_CONFIG_INVALID");
  });

  test("shows an annotation that names a rule", () => {
    expect(rules.map(({ id }) => id)).toContain(/^ {6}([a-z-]+): /m.exec(annotated)?.[1]);
  });

  test("lists every key of the settings file, and of an ignore", () => {
    if (LINT_CONFIG_SHAPE.type !== "map") throw new Error("no map");
    const { fields } = LINT_CONFIG_SHAPE;
    const keys = tableOf("Settings of a repository").map((cells) => cells[1]?.replaceAll("`", ""));
    expect(keys.toSorted()).toEqual(Object.keys(fields).toSorted());
    const ignores = fields["ignores"];
    const ignore = ignores?.type === "list" ? ignores.items : undefined;
    const named = tableOf("Findings that are accepted").flatMap((cells) => cells[1]?.match(/[a-z]+/g) ?? []);
    expect(named.toSorted()).toEqual(Object.keys(ignore?.type === "map" ? ignore.fields : {}).toSorted());
  });

  test("names only rules and components that there are, and every component", () => {
    const rows = tableOf("Releases");
    const named = rows.flatMap((cells) => [...(cells[1] ?? "").matchAll(/`([a-z-]+)`/g)].map(([, name]) => name));
    expect([...new Set(named)].toSorted()).toEqual([...COMPONENTS].toSorted());
    const ids = new Set(rules.map(({ id }) => id));
    const told = rows.flatMap((cells) => [...(cells.at(-2) ?? "").matchAll(/`([a-z-]+)`/g)].map(([, id]) => id ?? ""));
    expect(told.filter((id) => !ids.has(id))).toEqual([]);
    expect(told.length).toBeGreaterThan(5);
  });
});
