import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DIRECTIVES } from "../src/dns/directives/registry.ts";
import { EDE } from "../src/dns/wire/codes.ts";
import { startTestUpstream, type TestUpstream } from "./dns/support/test-upstream.ts";
import { runSluice } from "./support/run-sluice.ts";
import { type SpawnedSluice, spawnSluice } from "./support/spawn-sluice.ts";

/** The blocks of docs/dns.md: a reader writes the Corefiles and types the commands, from top to bottom. */
const GUIDE = readFileSync("docs/dns.md", "utf8");
const blocks = [...GUIDE.matchAll(/```(\w*)\n([\s\S]*?)```/g)].map(([, language = "", text = ""]) => ({
  language,
  text,
}));
const corefiles = blocks.filter(({ language }) => language === "corefile").map(({ text }) => text);
const commands = blocks
  .filter(({ language }) => language === "sh")
  .flatMap(({ text }) => text.split("\n"))
  .map((line) => line.replace(/\s+#.*$/, "").trim())
  .filter((line) => line !== "");
const SERVE = "npx sluice dns serve ";

let folder: string;
let upstream: TestUpstream;
let running: SpawnedSluice;
let port: number;

/** Files, servers and ports of the guide as they are in this test. */
const inTest = (text: string): string =>
  text
    .replaceAll(/\bCorefile\b(?! *\{)/g, join(folder, "Corefile"))
    .replaceAll("10.96.0.10", `127.0.0.1:${upstream.port}`)
    .replaceAll("127.0.0.1:5353", `127.0.0.1:${port}`);

const argsOf = (command: string): readonly string[] => inTest(command).split(/\s+/).slice(2);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-guide-"));
  port = 0;
  upstream = await startTestUpstream({ zone: ["example.org. 300 A 192.0.2.1"] });
  writeFileSync(join(folder, "Corefile"), (corefiles[0] ?? "").replace("10.96.0.10", `127.0.0.1:${upstream.port}`));
  running = spawnSluice(argsOf(commands.find((command) => command.startsWith(SERVE)) ?? ""));
  ({ port } = (await running.logged("resolver is listening")) as unknown as { readonly port: number });
});
afterAll(async () => {
  expect(await running.stop()).toBe(0);
  await upstream.close();
  rmSync(folder, { recursive: true });
});

describe("docs/dns.md", () => {
  test("has only blocks that are run here", () => {
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(["corefile", "sh"]));
    expect(commands.filter((command) => !command.startsWith("npx sluice dns "))).toEqual([]);
    expect(commands.filter((command) => command.startsWith(SERVE))).toHaveLength(1);
  });

  test.each(commands.filter((command) => !command.startsWith(SERVE)))("%s does what it says", async (command) => {
    const { exitCode, stdout, stderr } = await runSluice(argsOf(command));
    expect([exitCode, stderr]).toEqual([0, ""]);
    if (!command.includes(" dns check ")) expect(stdout).not.toBe("");
  });

  test.each(corefiles.map((text) => [text.trim().split("\n")[1]?.trim(), text]))(
    "the Corefile with '%s' can be served",
    async (_line, text) => {
      const file = join(folder, "checked");
      writeFileSync(file, text ?? "");
      const { exitCode, stderr } = await runSluice(["dns", "check", file]);
      expect([exitCode, stderr.split("\n").filter((line) => line.includes("rror"))]).toEqual([0, []]);
    },
  );

  test("lists every extended error that is sent", () => {
    const listed = [...GUIDE.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
    expect([...new Set(listed)].toSorted((a, b) => a - b)).toEqual(Object.values(EDE).toSorted((a, b) => a - b));
  });

  test("names every directive", () => {
    const names = Object.keys(DIRECTIVES);
    expect(names.length).toBeGreaterThan(25);
    expect(names.filter((name) => !GUIDE.includes(`\`${name}\``))).toEqual([]);
  });

  test("names only own metrics that there are", () => {
    const catalogue = readFileSync("src/dns/metrics/catalogue.ts", "utf8");
    const named = [...GUIDE.matchAll(/`(sluice_[a-z_]+)/g)].map(([, name]) => name ?? "");
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !catalogue.includes(`"${name}"`))).toEqual([]);
  });
});
