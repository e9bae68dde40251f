import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { KINDS } from "../../src/model/kinds.ts";
import { currentCluster } from "./cluster.ts";
import { normalise } from "./normalise.ts";
import { startTranscript } from "./transcript.ts";
import { until } from "./wait.ts";

const CONTROL_PLANE = join(import.meta.dirname, "control-plane");
const scratch = mkdtempSync(join(tmpdir(), "sluice-harness-"));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Runs a module's export in a process of its own, whose environment or end the test decides. */
const inProcess = (code: string, env: Record<string, string>) =>
  execFile(process.execPath, ["--input-type=module-typescript", "-e", code], { env });

describe("the binaries", () => {
  test("cannot be built without Go, and the error says what to install", async () => {
    const code = `import { findBinaries } from ${JSON.stringify(join(CONTROL_PLANE, "binaries.ts"))};
      await findBinaries(() => {}).catch((error) => { console.log(error.message); process.exitCode = 1; });`;
    const env = { PATH: scratch, HOME: scratch };
    const run = promisify(execFile)(process.execPath, ["--input-type=module-typescript", "-e", code], { env });
    await expect(run).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/need 'go'.*install.*golang-go/),
    });
  });
});

describe("child processes", () => {
  test("and their folder are gone when the process that started them is killed", async () => {
    const code = `import { startChildren } from ${JSON.stringify(join(CONTROL_PLANE, "children.ts"))};
      const children = await startChildren("harness");
      const child = children.start("sleeper", "sleep", ["600"]);
      console.log(JSON.stringify({ pid: child.pid, folder: children.folder }));
      setInterval(() => {}, 1000);`;
    const parent = inProcess(code, { PATH: process.env["PATH"] ?? "" });
    const line = await new Promise<string>((resolve) => parent.stdout?.once("data", resolve));
    const { pid, folder } = JSON.parse(line) as { pid: number; folder: string };
    expect(isRunning(pid)).toBe(true);
    parent.kill("SIGKILL");
    await until("the child is gone", () => !isRunning(pid));
    await until("the folder is gone", () => !existsSync(folder));
  });
});

/** Whether the process runs; one that ended and waits for its parent to look does not. SOURCE: proc_pid_stat(5). */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, "utf8"));
}

describe("our own definitions of Kuadrant's kinds", () => {
  const documents = parseAllDocuments(readFileSync(join(CONTROL_PLANE, "kuadrant-crds.yaml"), "utf8"));
  type Crd = { spec: { group: string; names: { kind: string; plural: string }; versions: { name: string }[] } };
  const served = documents.map((document) => {
    const { group, names, versions } = (document.toJS() as Crd).spec;
    return { group, kind: names.kind, plural: names.plural, versions: versions.map(({ name }) => name).sort() };
  });

  test("serve every kind and version that Sluice reads, and no other", () => {
    const read = Object.entries(KINDS)
      .filter(([, { group }]) => group.endsWith("kuadrant.io"))
      .map(([kind, { group, plural, versions }]) => ({ group, kind, plural, versions: [...versions].sort() }));
    const byKind = (a: { kind: string }, b: { kind: string }) => a.kind.localeCompare(b.kind);
    expect(served.sort(byKind)).toEqual(read.sort(byKind));
  });
});

describe("a transcript", () => {
  test("keeps the command, what it printed on both streams in order, and the exit code", async () => {
    const user = startTranscript("harness/streams", currentCluster());
    await user.run("echo one; echo two >&2; echo three; exit 3");
    user.note("a note");
    await user.matchesGolden();
  });

  test("without its golden file is an error, outside a recording run", async () => {
    const user = startTranscript("harness/recorded-by-nobody", currentCluster());
    const compared = user.matchesGolden({ recording: false });
    await expect(compared).rejects.toThrow(/recorded-by-nobody\.txt does not exist: record it with/);
  });

  test.each([
    ["web-7df9fc76b5-x2kfm   1/1   Running", "web-<hash>-<random>   1/1   Running"],
    ["once-bcd2f   0/1   Pending   0   12s", "once-<random>   0/1   Pending   0   <age>"],
    ["pod/apple created", "pod/apple created"],
    ["uid 40e2482b-7f22-4b95-9c05-03cf504ddfad at 2026-11-21T04:40:51Z", "uid <uid> at <time>"],
    ["https://127.0.0.1:41234/mutate", "https://127.0.0.1:<port>/mutate"],
    ["nameservers [10.96.0.53]", "nameservers [10.96.0.53]"],
  ])("shows %j as %j", (line, shown) => expect(normalise(line)).toBe(shown));
});
