/** `npm run check`: types, format and lint, dead code, documents, tests; ends with one line of counts for the whole run. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const report = join(mkdtempSync(join(tmpdir(), "sluice-check-")), "tests.json");

/** Commands run through the shell that npm set up, so that the pinned Node and the local tools are first on PATH. */
const STEPS: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: "types", command: ["tsc"] },
  { name: "format and lint", command: ["biome", "ci", "--colors=off", "."] },
  { name: "dead code", command: ["knip"] },
  { name: "documents up to date", command: ["node", "scripts/docs.ts", "--check"] },
  {
    name: "tests",
    command: ["npm", "test", "--", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
  },
];

type Counts = { passed: number; failed: number; skipped: number };

function testCounts(): Counts {
  try {
    const result = JSON.parse(readFileSync(report, "utf8")) as {
      numPassedTests: number;
      numFailedTests: number;
      numPendingTests: number;
      numTodoTests: number;
      numFailedTestSuites: number;
    };
    return {
      passed: result.numPassedTests,
      failed: Math.max(result.numFailedTests, result.numFailedTestSuites > 0 ? 1 : 0),
      skipped: result.numPendingTests + result.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

const failed: string[] = [];
for (const { name, command } of STEPS) {
  const started = performance.now();
  process.stdout.write(`\n== ${name}\n`);
  const [program = "", ...args] = command;
  const { status } = spawnSync(program, args, { stdio: "inherit" });
  process.stdout.write(
    `== ${name}: ${status === 0 ? "ok" : "FAILED"} (${((performance.now() - started) / 1000).toFixed(1)} s)\n`,
  );
  if (status !== 0) failed.push(name);
}

const tests = testCounts();
rmSync(join(report, ".."), { recursive: true, force: true });
const otherFailures = failed.filter((name) => name !== "tests").length;
if (failed.length > 0) process.stdout.write(`\nfailed: ${failed.join(", ")}\n`);
process.stdout.write(
  `\n${tests.passed + STEPS.length - 1 - otherFailures} passed, ${tests.failed + otherFailures} failed, ${tests.skipped} skipped\n`,
);
process.exitCode = failed.length > 0 || tests.failed > 0 ? 1 : 0;
