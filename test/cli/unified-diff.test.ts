import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { unifiedDiff } from "../../src/cli/unified-diff.ts";
import { temporaryFolder } from "../sources/temporary-folder.ts";

const plain = (_part: string, line: string): string => line;
const diff = (before: string, after: string, path = "f.yaml"): string => unifiedDiff({ path, before, after }, plain);

/** The text after git has applied the diff to it. */
function appliedByGit(before: string, after: string, path = "f.yaml"): string {
  const folder = temporaryFolder({ [path]: before });
  const input = diff(before, after, path);
  execFileSync("git", ["apply", "--whitespace=nowarn", "-"], { cwd: folder, input, stdio: ["pipe", "pipe", "pipe"] });
  return readFileSync(join(folder, path), "utf8");
}

const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join("");

describe("a unified diff", () => {
  test("has three lines around each change, and joins changes that are close", () => {
    const before = numbered(1, 30);
    const after = before.replace("5\n", "five\n").replace("11\n", "").replace("25\n", "25\nnew\n");
    expect(diff(before, after)).toBe(
      "--- a/f.yaml\n+++ b/f.yaml\n@@ -2,13 +2,12 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n 9\n 10\n-11\n 12\n 13\n 14\n" +
        "@@ -23,6 +22,7 @@\n 23\n 24\n 25\n+new\n 26\n 27\n 28\n",
    );
  });

  test("says when a last line has no line break", () => {
    expect(diff("a\nb", "a\nc\n")).toBe(
      "--- a/f.yaml\n+++ b/f.yaml\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n",
    );
  });

  test("is nothing when nothing changes", () => {
    expect(diff("a\n", "a\n")).toBe("");
  });

  test("of a large change in a large text is found in a moment, and is no larger than the change", () => {
    const before = numbered(1, 150_000);
    const after = before.replaceAll(/(?<=\n)(\d+)7\n/g, "$1seven\n");
    const lines = diff(before, after).split("\n");
    expect(lines.filter((line) => line.startsWith("-")).length).toBe(15_000);
  });
});

describe("git apply takes a diff", () => {
  test.each([
    ["with CRLF", "a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\n", "f.yaml"],
    ["without a line break at the end", "a\nb", "a\nb\nc", "f.yaml"],
    ["of a name with blanks", "a\n", "b\n", "my file.yaml"],
    ["of a name with quotes and umlauts", "a\n", "b\n", 'x/ä"\\.yaml'],
  ])("%s", (_, before, after, path) => {
    expect(appliedByGit(before, after, path)).toBe(after);
  });

  test("of any two texts", () => {
    const line = fc.constantFrom("a", "b", "c", "", "d\r", "\\", "-e", "+f", "@@");
    const text = fc
      .tuple(fc.array(line, { minLength: 1, maxLength: 25 }), fc.constantFrom("", "\n"))
      .map(([lines, end]) => lines.join("\n") + end)
      .filter((each) => each !== "");
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after);
        expect(appliedByGit(before, after)).toBe(after);
      }),
      { numRuns: 40 },
    );
  });
});
