import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonReport } from "../../src/lint/formats/json.ts";
import { runSluice } from "../support/run-sluice.ts";

const DEFINITION = (spec: string, kind = "Toy", group = "example.com"): string => `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ${kind.toLowerCase()}s.${group}}
spec:
  group: ${group}
  scope: Namespaced
  names: {kind: ${kind}, plural: ${kind.toLowerCase()}s}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: ${spec}}}}}
`;

const SIZE = "{type: object, properties: {size: {type: integer, maximum: 9}}}";
const TOY = (spec: string): string =>
  `apiVersion: example.com/v1\nkind: Toy\nmetadata: {name: t, namespace: team}\nspec: ${spec}\n`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-schemas-"));
  await mkdir(join(folder, "crds"));
  await writeFile(
    join(folder, "crds", "toy.yaml"),
    `${DEFINITION(SIZE)}---\napiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

const write = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

async function lint(args: readonly string[], stdin?: string) {
  const run = await runSluice(["lint", ...args, "--format", "json", "--no-config"], stdin);
  const report = run.stdout === "" ? undefined : (JSON.parse(run.stdout) as JsonReport);
  return {
    ...run,
    summary: report?.summary,
    findings: report?.findings.map(({ rule, path, line }) => [rule, path, line]),
  };
}

describe("lint --crd-dir", () => {
  test("checks objects of kinds that Sluice does not read, and fails the run", async () => {
    const run = await lint(["-", "--crd-dir", join(folder, "crds")], TOY("{size: 10, sise: 1}"));
    expect(run.findings).toEqual([
      ["schema-toy", "spec.size", 4],
      ["schema-toy", "spec.sise", 4],
    ]);
    expect([run.exitCode, run.summary]).toMatchObject([1, { errors: 2, warnings: 0 }]);
  });

  test("is not needed for definitions that stand among the manifests", async () => {
    const run = await lint(["-"], `${DEFINITION(SIZE)}---\n${TOY("{size: 10}")}`);
    expect(run.findings).toEqual([["schema-toy", "spec.size", 14]]);
  });

  test("wins over those, and may be given several times", async () => {
    const wide = await write("wide.yaml", DEFINITION("{type: object, x-kubernetes-preserve-unknown-fields: true}"));
    const text = `${DEFINITION(SIZE)}---\n${TOY("{size: 10}")}`;
    expect((await lint(["-", "--crd-dir", join(folder, "crds"), "--crd-dir", wide], text)).findings).toEqual([]);
  });

  test("reports a wrong type once, in the words of the schema where there is one", async () => {
    const gateway =
      "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: team}\nspec: {listeners: 7}\n";
    const definition = DEFINITION(
      "{type: object, properties: {listeners: {type: array}}}",
      "Gateway",
      "gateway.networking.k8s.io",
    );
    const bare = await runSluice(["lint", "-"], gateway);
    const checked = await runSluice(["lint", "-", "--crd-dir", await write("gateway.yaml", definition)], gateway);
    expect(bare.stdout).toContain("= spec.listeners must be a list, got a number");
    expect(checked.stdout).toContain("= must be a list, and is the number `7`");
    for (const run of [bare, checked]) {
      expect([run.exitCode, run.stdout.match(/error\[schema-gateway\]/g)?.length]).toEqual([1, 1]);
    }
  });

  test("takes levels: off hides, warning does not fail", async () => {
    const args = ["-", "--crd-dir", join(folder, "crds")];
    const off = await lint([...args, "--rule", "schema-toy=off"], TOY("{size: 10}"));
    const warning = await lint([...args, "--rule", "schema-toy=warning"], TOY("{size: 10}"));
    expect([off.exitCode, off.summary?.errors, warning.exitCode, warning.summary?.warnings]).toEqual([0, 0, 0, 1]);
  });

  test.each([
    ["a folder that is not there", "nowhere", undefined, "SLUICE_INPUT_UNREADABLE"],
    [
      "a file without a definition",
      "ns.yaml",
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n",
      "holds no CustomResourceDefinition",
    ],
    ["a file that is no YAML", "bad.yaml", "a: [\n", "bad.yaml:2:1:"],
    [
      "a definition of an old version",
      "old.yaml",
      DEFINITION(SIZE).replace("io/v1\n", "io/v1beta1\n"),
      "only v1 can be read",
    ],
    [
      "a definition without versions",
      "none.yaml",
      DEFINITION(SIZE).split("  versions")[0] ?? "",
      "none.yaml:3:18: the definition lacks spec.versions",
    ],
  ])("refuses %s", async (_title, name, text, expected) => {
    const path = text === undefined ? join(folder, name) : await write(name, text);
    const run = await runSluice(["lint", "-", "--crd-dir", path], TOY("{}"));
    expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining(expected)]);
  });

  test("says what of a definition it does not check", async () => {
    const path = await write("ref.yaml", DEFINITION("{type: object, properties: {size: {$ref: '#/a'}}}"));
    const run = await runSluice(["lint", "-", "--crd-dir", path], TOY("{size: x}"));
    expect([run.exitCode, run.stdout]).toEqual([0, expect.stringContaining("note: Toy: the schema uses `$ref`")]);
  });
});

describe("what is wrong with the text of a file is a finding:", () => {
  test.each([
    ["yaml-ambiguous-scalar", "warning", "labels: {a: yes}", 4],
    ["yaml-duplicate-key", "warning", "labels: {a: b}\n  labels: {a: c}", 5],
    ["yaml-tag", "warning", "labels: {a: !auth.x}", 4],
  ])("%s, of level %s", async (rule, severity, metadata, line) => {
    const text = `apiVersion: v1\nkind: Pod\nmetadata:\n  ${metadata}\n  name: x\n`;
    const { stdout, exitCode } = await runSluice(["lint", "-", "--format", "json"], text);
    const { findings } = JSON.parse(stdout) as JsonReport;
    expect(findings).toMatchObject([{ rule, severity, file: "<stdin>", line, path: "" }]);
    expect(exitCode).toBe(0);
  });

  test.each([
    ["yaml-tab", "a:\n\tb: 1\n"],
    ["yaml-indentation", "a:\n  b: 1\n c: 2\n"],
    ["yaml-syntax", "a: [1\n"],
    ["yaml-anchor", "a: *b\n"],
    ["object-invalid", "a: 1\n"],
  ])("%s, which hides what it stands in: exit code 2", async (rule, text) => {
    const { stdout, stderr, exitCode } = await runSluice(["lint", "-"], text);
    expect([exitCode, stderr, stdout]).toEqual([2, "", expect.stringContaining(`error[${rule}]`)]);
  });

  test("object-repeated, with the place of the first", async () => {
    const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: team}\n";
    const { stdout, exitCode } = await runSluice(["lint", "-"], `${pod}---\n${pod}`);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /warning\[object-repeated\][\s\S]*--> <stdin>:7:18[\s\S]*it is first defined here at <stdin>:3:18/,
    );
  });

  test("a level for it counts", async () => {
    const text = "apiVersion: v1\nkind: Pod\nmetadata: {name: x, labels: {a: yes}}\n";
    const run = await lint(["-", "--rule", "yaml-ambiguous-scalar=error"], text);
    expect([run.exitCode, run.summary?.errors]).toEqual([1, 1]);
  });
});
