import { expect, test } from "vitest";
import { rules } from "../../src/lint/rules/index.ts";
import { runSluice } from "../support/run-sluice.ts";

const mended = rules
  .filter(({ bad }) => bad.some(({ finds }) => finds.some((find) => find.mended !== undefined)))
  .map(({ id }) => id);

test("sluice rules marks the rules of which lint --fix mends something", async () => {
  const { stdout, exitCode } = await runSluice(["rules"]);
  const marked = stdout.split("\n").filter((line) => / {2}--fix {2}/.test(line));
  expect(exitCode).toBe(0);
  expect(stdout.split("\n").length).toBeGreaterThan(rules.length);
  expect(marked.map((line) => line.split(" ")[0])).toEqual(mended);
});

test("sluice rules says of one rule whether and where it is mended", async () => {
  const [fixed, left] = await Promise.all([
    runSluice(["rules", "rlp-source-address-counter"]),
    runSluice(["rules", "auth-no-authorization"]),
  ]);
  expect(fixed.stdout).toContain("Mended    by `sluice lint --fix`, where marked below");
  expect(fixed.stdout).toContain("Bad: source.address itself (--fix mends it)");
  expect(fixed.stdout).toMatch(/Bad: the part after the colon, under defaults\n/);
  expect(left.stdout).toContain("Mended    by a person: there is more than one right way");
  expect(left.stdout).not.toContain("(--fix mends it)");
});
