import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { runCommand } from "../../src/cli/program.ts";
import { temporaryFolder } from "../sources/temporary-folder.ts";
import { runSluice } from "../support/run-sluice.ts";

const GATEWAY = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: egress, namespace: gateways}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
`;
const limits = (name = "limits", counter = "source.address"): string => `# limits of ${name}
apiVersion: kuadrant.io/v1
kind: RateLimitPolicy
metadata: {name: ${name}, namespace: gateways}
spec:
  targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}
  limits:
    per-client:
      rates: [{limit: 10, window: 10s}]
      counters:
      - expression: ${counter} # the pod
`;
const FIXED = limits("limits", "source.remote_address");
const ONLY = ["--no-config", "--rule", "egress-gateway-class=off"];

const fixture = (files: Readonly<Record<string, string>>): string =>
  realpathSync(temporaryFolder({ "gateway.yaml": GATEWAY, ...files }));
const read = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8");
const lint = (paths: readonly string[], flags: readonly string[], stdin = "") =>
  runSluice(["lint", ...paths, ...ONLY, ...flags], stdin);

describe("lint --fix", () => {
  test("mends files, says how many findings, and judges what is left", async () => {
    const folder = fixture({ "limits.yaml": limits() });
    const run = await lint([folder], ["--fix"]);
    expect(read(folder, "limits.yaml")).toBe(FIXED);
    expect(run.stdout).toMatch(/^fixed 1 finding in 1 file\n/);
    expect(run.stdout).not.toContain("rlp-source-address-counter");
    expect(run).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test("changes nothing the second time", async () => {
    const folder = fixture({ "limits.yaml": limits() });
    await lint([folder], ["--fix"]);
    const { mtimeMs, ino } = statSync(join(folder, "limits.yaml"));
    const run = await lint([folder], ["--fix"]);
    expect(run.stdout).toMatch(/^fixed 0 findings in 0 files\n/);
    expect(statSync(join(folder, "limits.yaml"))).toMatchObject({ mtimeMs, ino });
  });

  test("fails by what is left, and still writes what could be mended", async () => {
    const folder = fixture({ "limits.yaml": limits().replace("name: egress}", "name: nowhere}") });
    const run = await lint([folder], ["--fix"]);
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toContain("policy-target-missing");
    expect(read(folder, "limits.yaml")).toContain("source.remote_address # the pod");
  });

  test.each([
    ["a rule that is off", ["--rule", "rlp-source-address-counter=off"]],
    ["a warning, with --quiet", ["--rule", "rlp-source-address-counter=warning", "--quiet"]],
  ])("leaves %s alone", async (_, flags) => {
    const folder = fixture({ "limits.yaml": limits() });
    await lint([folder], ["--fix", ...flags]);
    expect(read(folder, "limits.yaml")).toBe(limits());
  });

  test("leaves findings alone that the settings file ignores", async () => {
    const ignores = "ignores:\n- rule: rlp-source-address-counter\n  reason: the pods are clients\n";
    const folder = fixture({ "limits.yaml": limits(), "sluice.yaml": ignores });
    const run = await runSluice(["lint", folder, "--config", join(folder, "sluice.yaml"), "--fix"]);
    expect(run.stdout).toContain("fixed 0 findings in 0 files");
    expect(read(folder, "limits.yaml")).toBe(limits());
  });

  test("leaves findings alone that an annotation exempts", async () => {
    const exempt = limits().replace(
      "namespace: gateways}",
      'namespace: gateways, annotations: {sluice.dev/ignore: "rlp-source-address-counter: meant"}}',
    );
    const folder = fixture({ "limits.yaml": exempt });
    await lint([folder], ["--fix"]);
    expect(read(folder, "limits.yaml")).toBe(exempt);
  });

  test("keeps a file's mode, its byte order mark and its line breaks", async () => {
    const windows = `\ufeff${limits().replaceAll("\n", "\r\n")}`;
    const folder = fixture({ "limits.yaml": windows });
    chmodSync(join(folder, "limits.yaml"), 0o640);
    await lint([folder], ["--fix"]);
    expect(read(folder, "limits.yaml")).toBe(`\ufeff${FIXED.replaceAll("\n", "\r\n")}`);
    expect(statSync(join(folder, "limits.yaml")).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder).sort()).toEqual(["gateway.yaml", "limits.yaml"]);
  });

  test("follows a symbolic link, which stays one, and mends a file once that is given twice", async () => {
    const folder = fixture({ "real/limits.txt": limits() });
    symlinkSync(join(folder, "real/limits.txt"), join(folder, "limits.yaml"));
    const run = await lint([folder, join(folder, "real/limits.txt"), join(folder, "limits.yaml")], ["--fix"]);
    expect(run.stdout).toMatch(/^fixed 1 finding in 1 file\n/);
    expect(read(folder, "real/limits.txt")).toBe(FIXED);
    expect(lstatSync(join(folder, "limits.yaml")).isSymbolicLink()).toBe(true);
  });

  test("mends standard input to standard output, with the findings beside it", async () => {
    const run = await lint(["-"], ["--fix"], `\ufeff${limits()}`);
    expect(run.stdout).toBe(`\ufeff${FIXED}`);
    expect(run.stderr).toMatch(/^fixed 1 finding in 1 file\n/);
    expect(run.stderr).toContain("policy-target-missing");
    expect(run.exitCode).toBe(1);
  });

  test("gives standard input back as it is when there is nothing to mend", async () => {
    const text = `${GATEWAY}---\n${FIXED}`;
    const run = await lint(["-"], ["--fix"], text);
    expect(run).toMatchObject({ stdout: text, exitCode: 0 });
  });

  test("leaves stdout to a program's format, and says what it did on stderr", async () => {
    const folder = fixture({ "limits.yaml": limits() });
    const run = await lint([folder], ["--fix", "--format", "json"]);
    expect(JSON.parse(run.stdout)).toMatchObject({ findings: [] });
    expect(run.stderr).toBe("fixed 1 finding in 1 file\n");
  });

  test("says why a mend is not made: the field is written once for several places", async () => {
    const shared = limits().replace(
      "- expression: source.address # the pod\n",
      "- &pod {expression: source.address}\n    other:\n      rates: [{limit: 1, window: 1s}]\n      counters: [*pod]\n",
    );
    const folder = fixture({ "limits.yaml": shared });
    const run = await lint([folder], ["--fix"]);
    expect(read(folder, "limits.yaml")).toBe(shared);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain(`is written once for several places, at ${join(folder, "limits.yaml")}:11\n`);
    expect(run.stderr).toContain(`not mended: ${join(folder, "limits.yaml")}:11:`);
  });

  test("changes no file when one of them may not be written", async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "sluice-fix-")));
    onTestFinished(() => {
      execFileSync("rm", ["-rf", folder]);
    });
    execFileSync("cp", ["-r", `${fixture({ "a/limits.yaml": limits("a"), "b/limits.yaml": limits("b") })}/.`, folder]);
    // Root may write anywhere, so the test steps down for a moment.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) execFileSync("chown", ["-R", "65534:65534", folder]);
    chmodSync(join(folder, "b/limits.yaml"), 0o444);
    if (isRoot) process.seteuid?.(65534);
    try {
      const run = await lint([folder], ["--fix"]);
      expect(run.exitCode).toBe(2);
      expect(run.stderr).toContain("error SLUICE_OUTPUT_FAILED: ");
      expect(run.stderr).toContain("may not be written by this user; no file was changed");
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
    expect(read(folder, "a/limits.yaml")).toBe(limits("a"));
    expect(readdirSync(join(folder, "a"))).toEqual(["limits.yaml"]);
  });

  test("is refused together with --fix-dry-run", async () => {
    const run = await lint(["."], ["--fix", "--fix-dry-run"]);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain("'--fix' cannot be used with option '--fix-dry-run'");
  });
});

describe("lint --fix-dry-run", () => {
  const files = {
    "sub/my limits.yaml": limits(),
    "win.yaml": limits("win").replaceAll("\n", "\r\n"),
    "end.yaml": limits("end").trimEnd(),
  };

  test("prints a diff that gives the bytes of --fix, and changes nothing", async () => {
    const folder = fixture(files);
    const run = await lint([folder], ["--fix-dry-run"]);
    for (const [name, text] of Object.entries(files)) expect(read(folder, name)).toBe(text);
    expect(run.stderr).toMatch(/^would fix 3 findings in 3 files\n/);
    expect(run.exitCode).toBe(0);
    const strip = `-p${folder.split("/").length}`;
    execFileSync("git", ["apply", "--whitespace=nowarn", strip, "-"], { cwd: folder, input: run.stdout });
    const fixed = fixture(files);
    await lint([fixed], ["--fix"]);
    for (const name of Object.keys(files)) expect(read(folder, name)).toBe(read(fixed, name));
    expect(read(fixed, "win.yaml")).toContain("source.remote_address # the pod\r\n");
  });

  test("prints a diff of standard input", async () => {
    const run = await lint(["-"], ["--fix-dry-run"], limits());
    expect(run.stdout).toBe(
      "--- a/stdin\n+++ b/stdin\n@@ -8,4 +8,4 @@\n     per-client:\n       rates: [{limit: 10, window: 10s}]\n       counters:\n" +
        "-      - expression: source.address # the pod\n+      - expression: source.remote_address # the pod\n",
    );
  });

  test("is coloured for a terminal", async () => {
    const folder = fixture({ "limits.yaml": limits() });
    let shown = "";
    const write = (chunk: unknown, _encoding: unknown, done: () => void) => {
      shown += String(chunk);
      done();
    };
    const terminal = {
      stdout: Object.assign(new Writable({ write }), { isTTY: true }),
      stderr: new Writable({ write: (_chunk, _encoding, done) => done() }),
      stdin: Readable.from([""]),
    };
    await runCommand(["lint", folder, ...ONLY, "--fix-dry-run"], { terminal, workerUrl: new URL("file:///none") });
    expect(shown).toContain("\u001b[32m+      - expression: source.remote_address # the pod\u001b[39m\n");
    expect(shown).toContain("\u001b[31m-      - expression: source.address # the pod\u001b[39m\n");
  });

  test("prints nothing when there is nothing to mend", async () => {
    const run = await lint([fixture({ "limits.yaml": FIXED })], ["--fix-dry-run"]);
    expect(run).toMatchObject({ stdout: "", exitCode: 0 });
  });
});
