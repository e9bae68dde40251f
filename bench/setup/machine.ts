import { execFile } from "node:child_process";
import { cpus, release } from "node:os";
import { promisify } from "node:util";
import { corednsBinary } from "../peers/coredns-binary.ts";

/** What the figures depend on. */
export type Machine = Readonly<Record<string, string>>;

/** First line of what a command says about its version; an absent command is told as such. */
async function versionOf(command: string, args: readonly string[], pattern: RegExp): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args);
    return pattern.exec(`${stdout}\n${stderr}`)?.[1] ?? "unknown";
  } catch (cause) {
    const { code, stdout = "", stderr = "" } = cause as { code?: unknown; stdout?: string; stderr?: string };
    return code === "ENOENT" ? "absent" : (pattern.exec(`${stdout}\n${stderr}`)?.[1] ?? "unknown");
  }
}

/** Versions of everything in the comparison, kernel and processor. */
export async function describeMachine(): Promise<Machine> {
  const [first] = cpus();
  return {
    processor: `${first?.model ?? "unknown"}, ${cpus().length} cores`,
    kernel: release(),
    node: process.version,
    coredns: await versionOf(await corednsBinary(), ["-version"], /CoreDNS-(\S+)/),
    knot: await versionOf("knotd", ["--version"], /version (\S+)/),
    unbound: await versionOf("unbound", ["-V"], /Version (\S+)/),
    dnsperf: await versionOf("dnsperf", ["-h"], /Version (\S+)/),
    dns2: (await import("dns2/package.json", { with: { type: "json" } })).default.version,
  };
}
