import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sluiceYamlSchema } from "../../scripts/docs/sluice-yaml-schema.ts";
import { findConfig } from "../../src/cli/lint-config.ts";
import { checkConfig } from "../../src/cli/lint-config-check.ts";
import { LINT_CONFIG_SHAPE } from "../../src/cli/lint-config-shape.ts";
import { type Run, runSluice } from "../support/run-sluice.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-config-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
};

/** A policy whose counter holds the client's port: one error, and one warning of a limit before authentication. */
const policy = (name: string, expression = "source.address"): string => `apiVersion: kuadrant.io/v1
kind: RateLimitPolicy
metadata: {name: ${name}, namespace: gateway-system}
spec:
  limits:
    a:
      counters: [{expression: ${expression}}]
      rates: [{limit: 1, window: 1m}]
`;

const WIDGET = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {spec: {type: object, properties: {size: {type: integer}}}}
`;

/** Lints with a settings file; the output is JSON. */
const lint = (config: string, ...args: readonly string[]): Promise<Run> =>
  runSluice(["lint", "--format", "json", "--config", write("sluice.yaml", config), ...args]);

type Shown = { readonly rule: string; readonly severity: string; readonly message: string; readonly line?: number };
const findings = ({ stdout }: Run): readonly Shown[] => (JSON.parse(stdout) as { findings: Shown[] }).findings;
const brief = (run: Run): readonly string[] => findings(run).map(({ rule, severity }) => `${severity} ${rule}`);

const PORT = "rlp-source-address-counter";

describe("sluice.yaml", () => {
  test("gives the paths, the exclusions and the levels of a run without arguments", async () => {
    write("m/a.yaml", policy("a"));
    write("m/vendor/b.yaml", policy("b"));
    write("m/c.gen.yaml", policy("c"));
    const run = await lint(`paths: [m]\nexclude: [vendor, "*.gen.yaml"]\nrules: {${PORT}: info}\n`);
    expect(brief(run).filter((line) => line.endsWith(PORT))).toEqual([`info ${PORT}`]);
    expect(run.exitCode).toBe(0);
  });

  test("is no manifest of a folder that holds it", async () => {
    write("a.yaml", policy("a", "request.host"));
    const run = await lint("profile: default\n", folder);
    expect([run.exitCode, run.stderr]).toEqual([0, ""]);
  });

  test("yields to flags", async () => {
    const file = write("a.yaml", policy("a"));
    const run = await lint(`rules: {${PORT}: off}\nmaxWarnings: 0\n`, file, "--rule", `${PORT}=warning`);
    expect(brief(run)).toContain(`warning ${PORT}`);
    expect(run.exitCode).toBe(1);
    const any = await lint(
      `rules: {${PORT}: off}\nmaxWarnings: 0\n`,
      file,
      "--rule",
      `${PORT}=warning`,
      "--max-warnings=-1",
    );
    expect(any.exitCode).toBe(0);
  });

  test("gives addresses and definitions", async () => {
    write("crds/widget.yaml", WIDGET);
    write("m/a.yaml", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: big}\n");
    const gateway = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: egress, namespace: g}\n";
    write("m/g.yaml", `${gateway}spec: {gatewayClassName: istio, listeners: []}\n`);
    const run = await lint("paths: [m]\ncrdDirs: [crds]\ngatewayAddress: [egress=10.0.0.1]\n");
    expect(brief(run)).toContain("error schema-widget");
    const missing = await lint("paths: [m]\ngatewayAddress: [ingress=10.0.0.1]\n");
    expect(missing.stderr).toContain("--gateway-address ingress names no Gateway");
    // One file of the repository need not hold the Gateway.
    const part = await lint("paths: [m]\ngatewayAddress: [egress=10.0.0.1]\n", write("b.yaml", policy("b")));
    expect(brief(part)).toContain(`error ${PORT}`);
  });

  test("hides findings of schemas too", async () => {
    write("crds/widget.yaml", WIDGET);
    write("m/a.yaml", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: big}\n");
    const run = await lint("paths: [m]\ncrdDirs: [crds]\nrules: {schema-widget: off}\n");
    expect([brief(run), run.exitCode]).toEqual([[], 0]);
    const ignored = await lint("paths: [m]\ncrdDirs: [crds]\nignores: [{rule: schema-widget, name: w, reason: old}]\n");
    expect([brief(ignored), ignored.exitCode]).toEqual([[], 0]);
  });

  test("is found in the folder or above it, up to the top of the repository and no further", () => {
    write("sluice.yaml", "");
    write("repo/.git/HEAD", "");
    write("repo/a/b/c.yaml", "");
    expect(findConfig(join(folder, "repo/a/b"))).toBeUndefined();
    const own = write("repo/sluice.yaml", "");
    expect(findConfig(join(folder, "repo/a/b"))).toBe(own);
  });

  test("of a parent counts in a repository only", () => {
    const own = write("sluice.yaml", "");
    write("a/b.yaml", "");
    expect([findConfig(join(folder, "a")), findConfig(folder)]).toEqual([undefined, own]);
  });

  test.each([
    ["profil: strict", "1:1: there is no key `profil`; did you mean `profile`?"],
    ["rules:\n  rlp-source-adress-counter: off", "2:3: there is no rule `rlp-source-adress-counter`; did you mean"],
    [`rules:\n  ${PORT}: of`, '2:31: rules["rlp-source-address-counter"]: `of` is not known here; did you mean `off`?'],
    ["paths: m", '1:8: paths: must be a list, got the string "m"'],
    ["paths:", "1:1: paths: must be a list, got nothing"],
    [`ignores:\n  - rule: ${PORT}`, "2:5: ignores[0]: `reason` is missing"],
    [`ignores: [{rule: ${PORT}, reason: " "}]`, "ignores[0].reason: must be a text that is not blank"],
    [`ignores: [{rule: ${PORT}, reason: x, until: 2026-13-01}]`, "must be a date such as 2027-06-30"],
    ["maxWarnings: -2", "1:14: maxWarnings: must be a whole number from -1 to 1000000"],
    ["engineVersions: {wasm-shim: latest}", "must be a release such as v0.11.0, or head"],
    ["engineVersions: {wasm-shim: v0.5.0}", "1:29: the rules know wasm-shim from v0.8.0 on, not v0.5.0"],
    ["gatewayAddress: [egress=10.0.0.300]", "1:18: --gateway-address egress"],
    ["profile: strict\nprofile: default", "written twice"],
    ["a: [", "error:"],
    ["- profile: strict\n- profile: strict", "holds 2 documents or list items, not one map"],
    ["strict", "must be a map"],
  ])("refuses %j and says where and why", async (text, message) => {
    const run = await lint(text, write("a.yaml", policy("a")));
    expect(run.stderr).toContain("error SLUICE_CONFIG_INVALID: ");
    expect(run.stderr).toContain(`sluice.yaml:`);
    expect(run.stderr).toContain(message);
    expect([run.exitCode, run.stdout]).toEqual([2, ""]);
  });

  test("that is not there is an error when it was named", async () => {
    const run = await runSluice(["lint", "--config", join(folder, "none.yaml"), write("a.yaml", policy("a"))]);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toMatch(/SLUICE_INPUT_UNREADABLE: .*none\.yaml does not exist/);
  });
});

describe("ignores", () => {
  const ignore = (fields: string): string => `ignores:\n  - {rule: ${PORT}, reason: known, ${fields}}\n`;

  test.each([
    ["every field", "kind: RateLimitPolicy, namespace: gateway-system, name: a, path: spec.limits.a, file: m/a.yaml"],
    ["patterns", "namespace: 'gateway-*', name: '?', file: '**/*.yaml'"],
    ["any position of a list", "path: 'spec.limits.a.counters[*].expression'"],
    ["a date that has not come", "until: 2999-12-31"],
  ])("hide findings by %s", async (_title, fields) => {
    write("m/a.yaml", policy("a"));
    const run = await lint(`paths: [m]\n${ignore(fields)}`);
    expect(brief(run).filter((line) => line.includes(PORT) || line.includes("ignore-"))).toEqual([]);
    expect(JSON.parse(run.stdout)).toMatchObject({ summary: { ignored: 1 } });
    expect(run.exitCode).toBe(0);
  });

  test.each([
    ["kind: AuthPolicy"],
    ["namespace: gateway"],
    ["name: b"],
    ["path: spec.limits.ab"],
    ["path: spec.limi"],
    ["file: n/a.yaml"],
  ])("hide nothing that %s does not fit, and are told to be useless", async (fields) => {
    write("m/a.yaml", policy("a"));
    const run = await lint(`paths: [m]\n${ignore(fields)}`);
    expect(brief(run)).toEqual(expect.arrayContaining([`error ${PORT}`, "warning ignore-without-effect"]));
    const told = findings(run).find(({ rule }) => rule === "ignore-without-effect");
    expect(told).toMatchObject({ line: 3, message: `no finding of \`${PORT}\` fits this ignore, so it is not needed` });
  });

  test("no longer count after their last day", async () => {
    write("m/a.yaml", policy("a"));
    const run = await lint(`paths: [m]\n${ignore("until: 2020-02-29")}`);
    expect(brief(run)).toContain(`error ${PORT}`);
    expect(run.stdout).toContain("was for the time until 2020-02-29 and no longer counts (known)");
    expect(run.exitCode).toBe(1);
  });

  test("are not told to be useless by a run over something else", async () => {
    const other = write("other/b.yaml", policy("b", "request.host"));
    const run = await lint(`paths: [m]\n${ignore("name: a")}`, other);
    expect(brief(run)).not.toContain("warning ignore-without-effect");
    const unnamed = ignore("kind: RateLimitPolicy");
    expect(brief(await lint(unnamed, other))).not.toContain("warning ignore-without-effect");
    expect(brief(await lint(unnamed, dirname(other)))).toContain("warning ignore-without-effect");
    const same = await lint(`paths: [m]\n${ignore("name: b")}`, other);
    expect(brief(same)).toContain("warning ignore-without-effect");
  });
});

describe("flags", () => {
  test.each([
    [["--rule", "rlp-source-adress-counter=off"], /there is no rule 'rlp-source-adress-counter'\n.*did you mean '/],
    [["--rule", PORT], /must have the form ID=LEVEL/],
    [["--rule", `${PORT}=loud`], /there is no level 'loud'\n.*use off, info, warning, error/],
    [["--engine-version", "wasm-shin=v0.12.0"], /there is no component 'wasm-shin'\n.*did you mean 'wasm-shim'\?/],
    [["--engine-version", "wasm-shim=v0.7.9"], /the rules know wasm-shim from v0\.8\.0 on/],
    [["--max-warnings", "many"], /must be a whole number/],
    [["--stdin-filename", "x.yaml"], /is not among the paths/],
    [["--namespace", "a"], /--namespace needs --cluster/],
    [["--cluster-domain", "Cluster.Local"], /must be a DNS domain in lower case/],
    [["--gateway-address", "egress=10.0.0.1"], /names no Gateway/],
    [["--context", "prod"], /--context needs --cluster/],
  ])("%j is refused", async (flags, message) => {
    const run = await runSluice(["lint", "--no-config", write("a.yaml", policy("a")), ...flags]);
    expect([run.exitCode, run.stdout]).toEqual([2, ""]);
    expect(run.stderr).toMatch(message);
  });

  test("--diff-base needs files", async () => {
    const run = await runSluice(["lint", "--no-config", "--cluster", "--diff-base", "HEAD"]);
    expect([run.exitCode, run.stdout]).toEqual([2, ""]);
    expect(run.stderr).toContain("--diff-base compares files, and a cluster alone has none");
  });

  test("without a path there must be a settings file that names some", async () => {
    expect((await runSluice(["lint", "--no-config"])).stderr).toContain("no path is given");
  });

  test("--fail-on-warning is --max-warnings 0", async () => {
    const file = write("a.yaml", policy("a"));
    const codes = ["--max-warnings=0", "--fail-on-warning", "--max-warnings=5"].map(
      async (flag) => (await runSluice(["lint", "--no-config", file, "--rule", `${PORT}=warning`, flag])).exitCode,
    );
    expect(await Promise.all(codes)).toEqual([1, 1, 0]);
  });
});

describe("docs/schema/sluice-yaml.json", () => {
  test("is what the checker goes by", () => {
    expect(readFileSync("docs/schema/sluice-yaml.json", "utf8")).toBe(sluiceYamlSchema());
  });

  test("accepts and refuses the same as the checker", () => {
    const validate = new Ajv2020({ strict: true, strictTypes: false }).compile(JSON.parse(sluiceYamlSchema()));
    const text = fc.constantFrom(
      PORT,
      "schema-gateway",
      "ignore-without-effect",
      "off",
      "error",
      "2026-01-31",
      "2026-1-1",
      "",
      " ",
      "a/*",
      "a[b]",
      "head",
      "v0.12",
      "x y",
      "default",
    );
    const scalar = fc.oneof(text, fc.integer({ min: -3, max: 3 }), fc.boolean(), fc.constant(null), fc.double());
    const key = fc.constantFrom(
      "profile",
      "paths",
      "exclude",
      "rules",
      "ignores",
      "maxWarnings",
      "clusterDomain",
      "engineVersions",
      "other",
    );
    const ignore = fc.dictionary(
      fc.constantFrom("rule", "reason", "kind", "namespace", "name", "path", "file", "until", "x"),
      text,
    );
    const table = fc.dictionary(fc.constantFrom(PORT, "schema-gateway", "wasm-shim", "istio", "nonsense"), text);
    const value = fc.oneof(scalar, fc.array(scalar), fc.array(ignore), ignore, table);
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(scalar, fc.dictionary(key, value, { maxKeys: 3, noNullPrototype: true })), (config) => {
        const plain: unknown = JSON.parse(JSON.stringify(config));
        const own = checkConfig(plain, LINT_CONFIG_SHAPE);
        accepted += own.length === 0 ? 1 : 0;
        expect({ plain, accepted: own.length === 0 }).toEqual({ plain, accepted: validate(plain) });
      }),
      { numRuns: 3_000 },
    );
    expect(accepted).toBeGreaterThan(20);
  });
});
