import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A real repository in a folder of its own. */
export type GitRepository = {
  readonly folder: string;
  path(name: string): string;
  write(name: string, text: string): string;
  remove(name: string): void;
  move(from: string, to: string): void;
  /** Runs git with a fixed author and without the machine's settings; gives what it printed. */
  git(...args: readonly string[]): string;
  /** Commits everything that is there. */
  commit(message?: string): void;
  close(): void;
};

const ENVIRONMENT = {
  ...process.env,
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_AUTHOR_NAME: "Test",
  GIT_AUTHOR_EMAIL: "test@example.com",
  GIT_COMMITTER_NAME: "Test",
  GIT_COMMITTER_EMAIL: "test@example.com",
};

/** Makes an empty repository, or a clone. */
export function gitRepository(clone?: { readonly of: string; readonly args: readonly string[] }): GitRepository {
  const folder = mkdtempSync(join(tmpdir(), "sluice-git-"));
  const path = (name: string): string => join(folder, name);
  const git = (...args: readonly string[]): string =>
    execFileSync("git", args, { cwd: folder, env: ENVIRONMENT, encoding: "utf8", stdio: "pipe" });
  if (clone === undefined) git("init", "--quiet", "--initial-branch=main");
  else git("clone", "--quiet", ...clone.args, `file://${clone.of}`, ".");
  const made = (name: string): string => {
    mkdirSync(dirname(path(name)), { recursive: true });
    return path(name);
  };
  return {
    folder,
    path,
    git,
    write(name, text) {
      writeFileSync(made(name), text);
      return path(name);
    },
    remove: (name) => rmSync(path(name), { recursive: true }),
    move: (from, to) => renameSync(path(from), made(to)),
    commit(message = "change") {
      git("add", "--all");
      git("commit", "--quiet", "--allow-empty", "--message", message);
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
