import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reportedFile, sourceRoot } from "../../src/cli/reported-file.ts";

let top: string;
const at = (...names: readonly string[]): string => join(top, ...names);

beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), "sluice-root-"));
  mkdirSync(at("repository", ".git"), { recursive: true });
  mkdirSync(at("repository", "deep", "folder"), { recursive: true });
  mkdirSync(at("worktree"));
  writeFileSync(at("worktree", ".git"), "gitdir: elsewhere\n");
  mkdirSync(at("bare"));
});
afterAll(() => rmSync(top, { recursive: true }));

test("the root of the sources is the repository around the folder, a worktree too, else the folder", () => {
  expect(sourceRoot(at("repository", "deep", "folder"))).toBe(at("repository"));
  expect(sourceRoot(at("worktree"))).toBe(at("worktree"));
  expect(sourceRoot(at("bare"))).toBe(at("bare"));
});

describe("a file is named", () => {
  test.each([
    ["from the root of the repository, wherever the command runs", "a.yaml", "inside", "deep/folder/a.yaml"],
    ["without dots", "../x/./b.yaml", "inside", "deep/x/b.yaml"],
    ["by its name, also when that begins with two dots", "../../..hidden.yaml", "inside", "..hidden.yaml"],
  ])("%s", (_what, file, kind, path) => {
    expect(reportedFile(at("repository", "deep", "folder"))(file)).toEqual({ kind, path });
  });

  test("absolutely when it is outside of the repository", () => {
    const fileOf = reportedFile(at("repository"));
    expect(fileOf("../bare/c.yaml")).toEqual({ kind: "outside", path: at("bare", "c.yaml") });
    expect(fileOf(at("repository", "d.yaml"))).toEqual({ kind: "inside", path: "d.yaml" });
  });

  test("as a stream when it is standard input", () => {
    expect(reportedFile(top)("<stdin>")).toEqual({ kind: "stream", path: "<stdin>" });
  });
});
