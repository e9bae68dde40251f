import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** What the suites call, and the Debian package that brings it. */
const PACKAGES = {
  dig: "bind9-dnsutils",
  drill: "ldnsutils",
  gcc: "gcc",
  git: "git",
  ip: "iproute2",
  kdig: "knot-dnsutils",
  "musl-gcc": "musl-tools",
  nsenter: "util-linux",
  python3: "python3-venv",
  unshare: "util-linux",
} as const;

const isOnPath = (program: string): boolean =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));

/** Ends the run with one clear line when a program is missing: nothing is skipped in silence. */
export function need(...programs: readonly (keyof typeof PACKAGES)[]): void {
  const missing = programs.filter((program) => !isOnPath(program));
  if (missing.length === 0) return;
  const advice = missing.map((program) => `'${program}' (Debian: ${PACKAGES[program]})`).join(", ");
  throw new Error(`the peer tests need on the PATH: ${advice}`);
}
