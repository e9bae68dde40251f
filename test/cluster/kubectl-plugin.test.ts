import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonReport } from "../../src/lint/formats/json.ts";
import { policyCounting } from "../lint/formats/linted-texts.ts";
import { openShellDesk, type ShellDesk } from "../support/shell-desk.ts";
import { currentCluster } from "./cluster.ts";

const { binaryFolder, kubeconfig } = currentCluster();
let desk: ShellDesk;

beforeAll(() => {
  desk = openShellDesk();
  symlinkSync(join(binaryFolder, "kubectl"), join(desk.programs, "kubectl"));
  cpSync(join("manifests", "examples", "openai"), join(desk.folder, "manifests"), { recursive: true });
});
afterAll(() => desk.close());

const run = (lines: string) => desk.run(lines, { env: { KUBECONFIG: kubeconfig } });

describe("kubectl sluice", () => {
  test("is found by kubectl as a plugin", async () => {
    const { stdout } = await run("kubectl plugin list");
    expect(stdout).toContain(join(desk.programs, "kubectl-sluice"));
  });

  test("is the command line of Sluice: flags, exit code, standard input", async () => {
    const version = await run("kubectl sluice --version");
    expect([version.exitCode, version.stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
    const clean = await run("kubectl sluice lint manifests/");
    expect([clean.exitCode, clean.stderr, clean.stdout]).toEqual([0, "", expect.stringMatching(/^0 errors, /)]);
    const found = await desk.run("kubectl sluice lint -", { stdin: policyCounting("one") });
    expect([found.exitCode, found.stdout]).toEqual([1, expect.stringContaining("error[rlp-source-address-counter]")]);
    const wrong = await run("kubectl sluice lint manifests/ --no-such-flag");
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining("--no-such-flag")]);
  });
});

test("what kustomize builds is linted from the pipe", async () => {
  const folder = join(desk.folder, "overlay");
  mkdirSync(folder);
  writeFileSync(join(folder, "bad.yaml"), policyCounting("one"));
  writeFileSync(
    join(folder, "namespace.yaml"),
    readFileSync(join("manifests", "examples", "openai", "00-namespaces.yaml")),
  );
  const kustomization =
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [bad.yaml, namespace.yaml]\n";
  writeFileSync(join(folder, "kustomization.yaml"), kustomization);
  const { exitCode, stdout, stderr } = await run(`kubectl kustomize ${folder} | sluice lint - --format json`);
  expect([exitCode, stderr, dirname(folder)]).toEqual([1, "", desk.folder]);
  const { findings, summary } = JSON.parse(stdout) as JsonReport;
  expect(findings.find(({ rule }) => rule === "rlp-source-address-counter")).toMatchObject({ file: "<stdin>" });
  expect(summary.objects).toBe(3);
});
