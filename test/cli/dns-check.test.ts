import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runSluice } from "../support/run-sluice.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-corefile-"));
});
afterAll(() => rm(folder, { recursive: true }));

const write = async (name: string, text: string): Promise<string> => {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
};

const GOOD = ". {\n    sluice\n    forward . 10.96.0.10\n}\n";

describe("dns check", () => {
  test("says nothing of a sound Corefile", async () => {
    const run = await runSluice(["dns", "check", await write("good", GOOD)]);
    expect(run).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  test("names every error with file and line", async () => {
    const file = await write("bad", ". {\n    forwrd . 10.0.0.1\n    kubernetes\n    cache 0\n}\n");
    const run = await runSluice(["dns", "check", file]);
    expect(run.exitCode).toBe(1);
    expect(run.stderr.trimEnd().split("\n")).toEqual([
      `${file}:2 - Error during parsing: Unknown directive 'forwrd', did you mean 'forward'?`,
      `${file}:3 - directive 'kubernetes' is not supported: use 'forward' to the cluster's own DNS, which serves Services`,
      `${file}:4 - Error during parsing: cache: cache TTL can not be zero or negative: 0`,
    ]);
  });

  test("exits with 0 when there are warnings only", async () => {
    const file = await write("warn", ". {\n    sluice\n    geoip x\n    forward . 10.0.0.1\n}\n");
    const run = await runSluice(["dns", "check", file, "--compat", "warn"]);
    expect([run.exitCode, run.stderr]).toEqual([0, expect.stringMatching(/:3 - Warning: directive 'geoip' is not/)]);
  });

  test("lints what can be read", async () => {
    const run = await runSluice(["dns", "check", await write("open", ". {\n    sluice\n    cache\n}\n")]);
    expect([run.exitCode, run.stderr]).toEqual([1, expect.stringContaining("ends without 'forward' or 'whoami'")]);
  });

  test("checks each file, reads imports beside them, and standard input", async () => {
    await mkdir(join(folder, "conf"));
    await write("conf/a.conf", "bogus\n");
    const importing = await write("importing", ". {\n    import conf/*.conf\n    sluice\n    whoami\n}\n");
    const run = await runSluice(["dns", "check", await write("good2", GOOD), importing, "-"], "x..y {\n}\n");
    expect(run.exitCode).toBe(1);
    expect(run.stderr.trimEnd().split("\n")).toEqual([
      `${join(folder, "conf/a.conf")}:1 - Error during parsing: Unknown directive 'bogus'`,
      "<stdin>:1 - Error during parsing: zone is not a valid domain name: x..y",
    ]);
  });

  test("takes variables from the command line only", async () => {
    const file = await write("env", ". {\n    sluice\n    forward . {$UPSTREAM}{$HOME}\n}\n");
    const without = await runSluice(["dns", "check", file]);
    expect([without.exitCode, without.stderr]).toEqual([
      1,
      expect.stringContaining("UPSTREAM, HOME is empty or not set"),
    ]);
    const run = await runSluice(["dns", "check", file, "--env", "UPSTREAM=10.0.0.", "--env", "HOME=1"]);
    expect(run).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  test.each([
    [["dns", "check"], "missing required argument 'file'"],
    [["dns", "check", "/nonexistent"], "/nonexistent: it does not exist"],
    [["dns", "check", "/dev/zero"], "/dev/zero: it is a folder, pipe or device"],
    [["dns", "check", "/"], "SLUICE_INPUT_UNREADABLE"],
    [["dns", "check", "x", "--compat", "loose"], "Allowed choices are strict, warn"],
    [["dns", "check", "x", "--env", "=1"], "It must have the form NAME=VALUE"],
  ])("%j is a wrong command line", async (args, expected) => {
    const run = await runSluice(args);
    expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining(expected)]);
  });
});

describe("dns print-corefile", () => {
  test("prints the default, which passes the check", async () => {
    const printed = await runSluice(["dns", "print-corefile"]);
    expect([printed.exitCode, printed.stderr]).toEqual([0, ""]);
    expect(printed.stdout).toContain(".:{$SLUICE_DNS_PORT} {\n    errors {\n");
    const run = await runSluice(["dns", "check", "-"], printed.stdout);
    expect(run).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });
});

test.each([["check"], ["print-corefile"]])("dns %s has help with examples", async (command) => {
  const run = await runSluice(["dns", command, "--help"]);
  expect([run.exitCode, run.stdout]).toEqual([0, expect.stringContaining("Examples:")]);
});
