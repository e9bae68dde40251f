/**
 * `npm run mutation [-- FILE[,FILE…]]`: changes the CEL part and the rules in thousands of small ways and counts how many of
 * the changes their tests notice. The tools have a package of their own, which is installed at the first run. Runs of
 * different files do not meet.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const HOME = join("scripts", "mutation");
const PROGRAM = join(HOME, "node_modules", "@stryker-mutator", "core", "bin", "stryker.js");

/** The folder that each part's files are in. scripts/mutation/parts.js says more of them. */
const FOLDERS = { cel: "src/cel/", rules: "src/lint/rules/" } as const;

function run(command: string, args: readonly string[], variables: Readonly<Record<string, string>> = {}): number {
  const { status, error } = spawnSync(command, args, { stdio: "inherit", env: { ...process.env, ...variables } });
  if (error !== undefined) process.stderr.write(`${command}: ${error.message}\n`);
  return status ?? 1;
}

/** The exit status; files that are not of this part are left out, and a part without files is not run. */
function measure(part: keyof typeof FOLDERS, files: readonly string[]): number {
  const own = files.filter((file) => file.startsWith(FOLDERS[part]));
  if (files.length > 0 && own.length === 0) return 0;
  const chosen = own.length === 0 ? [] : ["--mutate", own.join(",")];
  const name = own.length === 0 ? part : `${part}-${process.pid}`;
  return run(process.execPath, [PROGRAM, "run", join(HOME, "stryker.config.js"), ...chosen], {
    MUTATION_PART: part,
    MUTATION_RUN: name,
  });
}

function main(files: readonly string[]): number {
  const stray = files.filter((file) => !Object.values(FOLDERS).some((folder) => file.startsWith(folder)));
  if (stray.length > 0) {
    process.stderr.write(`neither in ${Object.values(FOLDERS).join(" nor in ")}: ${stray.join(", ")}\n`);
    return 2;
  }
  if (!existsSync(PROGRAM)) {
    const installed = run("npm", ["ci", "--prefix", HOME, "--ignore-scripts", "--no-audit", "--no-fund"]);
    if (installed !== 0) return installed;
  }
  return Math.max(measure("cel", files), measure("rules", files));
}

process.exitCode = main(process.argv.slice(2).flatMap((argument) => argument.split(",")));
