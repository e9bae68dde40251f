import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXECUTION_ORDER } from "../../../src/dns/directives/registry.ts";
import { load } from "./load.ts";

const FOLDER = "src/dns/directives";
/** The folder of a directive has its name; the test of paths does not let one be called as the superuser's home is. */
const folderOf = (name: string): string => (name === "root" ? "root-path" : name);

test("every directive has a folder, and every folder is a directive's", () => {
  const folders = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual(EXECUTION_ORDER.map(folderOf).sort());
});

describe.each(EXECUTION_ORDER)("the manual page of %s", (name) => {
  const text = readFileSync(join(FOLDER, folderOf(name), "README.md"), "utf8");

  test("has a description and a syntax that begins with the directive", () => {
    expect(text).toMatch(/\n## Description\n\S/);
    expect(text).toMatch(new RegExp(`\n## Syntax\n\`\`\`\n${name}\\b`));
  });

  test("has an example that loads and uses it", () => {
    const example = /```corefile\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
    const { problems, servers } = load(example);
    expect(problems).toEqual([]);
    expect(servers?.[0]?.directives.map((directive) => directive.name)).toEqual([name]);
  });
});
