import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type GitRepository, gitRepository } from "../support/git-repository.ts";
import { type Run, runSluice } from "../support/run-sluice.ts";

let repository: GitRepository;
beforeEach(() => {
  repository = gitRepository();
});
afterEach(() => repository.close());

/** A policy whose counters hold the client's port: an error for each. */
const policy = (name: string, ...expressions: readonly string[]): string => `apiVersion: kuadrant.io/v1
kind: RateLimitPolicy
metadata: {name: ${name}, namespace: gateway-system}
spec:
  limits:
    a:
      counters: [${expressions.map((expression) => `{expression: "${expression}"}`).join(", ")}]
      rates: [{limit: 1, window: 1m}]
`;

const PORT = "source.address";

const compare = (ref: string, paths: readonly string[], ...more: readonly string[]): Promise<Run> =>
  runSluice(["lint", "--no-config", "--format", "json", "--diff-base", ref, ...paths, ...more]);

type Report = {
  readonly findings: readonly {
    readonly rule: string;
    readonly severity: string;
    readonly object: { readonly name: string };
  }[];
  readonly summary: { readonly older?: number; readonly errors: number };
};
const report = ({ stdout }: Run): Report => JSON.parse(stdout) as Report;
const errors = (run: Run): readonly string[] =>
  report(run)
    .findings.filter(({ severity }) => severity === "error")
    .map(({ rule, object }) => `${rule} ${object.name}`);
const COUNTER = "rlp-source-address-counter";

describe("lint --diff-base", () => {
  test("shows what is new, counts what is not, and exits by what is new", async () => {
    repository.write("m/a.yaml", policy("a", PORT));
    repository.commit();
    const same = await compare("HEAD", [repository.path("m")]);
    expect([errors(same), same.exitCode]).toEqual([[], 0]);
    expect(report(same).summary.older).toBeGreaterThan(0);
    repository.write("m/b.yaml", policy("b", PORT));
    const changed = await compare("HEAD", [repository.path("m")]);
    expect([errors(changed), changed.exitCode]).toEqual([[`${COUNTER} b`], 1]);
  });

  test("says in its summary how many are hidden", async () => {
    repository.write("a.yaml", policy("a", PORT));
    repository.commit();
    const run = await runSluice(["lint", "--no-config", "--diff-base", "main", repository.folder]);
    expect(run.stdout).toMatch(/^0 errors, 0 warnings in 1 object of 1 file \(\d+ older findings? not shown\)$/m);
  });

  test.each<[string, () => readonly string[]]>([
    [
      "an object in another file",
      () => {
        repository.move("m/a.yaml", "m/deep/b.yaml");
        return ["m"];
      },
    ],
    [
      "a file renamed by git and named alone",
      () => {
        repository.git("mv", "m/a.yaml", "m/b.yaml");
        return ["m/b.yaml"];
      },
    ],
    [
      "reordered counters and comments before them",
      () => {
        repository.write("m/a.yaml", `# moved\n\n${policy("a", "request.host", PORT)}`);
        return ["m"];
      },
    ],
    [
      "two documents that changed places",
      () => {
        repository.write("m/a.yaml", `${policy("z", "request.host")}---\n${policy("a", PORT, "request.host")}`);
        return ["m"];
      },
    ],
    [
      "objects that become a List",
      () => {
        const items = policy("a", PORT, "request.host").trimEnd().split("\n").join("\n    ");
        repository.write("m/a.yaml", `apiVersion: v1\nkind: List\nitems:\n  - ${items}\n`);
        return ["m"];
      },
    ],
    [
      "staged changes",
      () => {
        repository.write("m/a.yaml", policy("a", "request.host", PORT));
        repository.git("add", "--all");
        return ["m"];
      },
    ],
  ])("finds nothing new in %s", async (_title, change) => {
    repository.write("m/a.yaml", policy("a", PORT, "request.host"));
    repository.commit();
    const run = await compare("HEAD", change().map(repository.path));
    expect([errors(run), run.stderr]).toEqual([[], ""]);
    expect(report(run).summary.older).toBeGreaterThan(0);
  });

  test("finds a second equal mistake of an object", async () => {
    repository.write("a.yaml", policy("a", PORT));
    repository.commit();
    repository.write("a.yaml", policy("a", PORT, PORT));
    expect(errors(await compare("HEAD", [repository.folder]))).toEqual([`${COUNTER} a`]);
  });

  test("finds a mistake that another file's deletion makes, also when files are named one by one", async () => {
    const route = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: g}
spec: {parentRefs: [{name: gw}], rules: [{backendRefs: [{name: web, port: 80}]}]}
`;
    const target = `${policy("a", "request.host").replace("gateway-system", "g").replace("  limits:", "  targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: web}\n  limits:")}`;
    repository.write("route.yaml", route);
    const file = repository.write("policy.yaml", target);
    repository.commit();
    repository.remove("route.yaml");
    expect(errors(await compare("HEAD", [file]))).toEqual(["policy-target-missing a"]);
  });

  test("takes a tag, a branch and an older commit for the base", async () => {
    repository.write("a.yaml", policy("a", "request.host"));
    repository.commit();
    repository.git("tag", "v1");
    repository.git("branch", "old");
    repository.write("a.yaml", policy("a", PORT));
    repository.commit();
    const runs = ["v1", "old", "HEAD~1"].map(async (ref) => errors(await compare(ref, [repository.folder])));
    expect(await Promise.all(runs)).toEqual(Array(3).fill([`${COUNTER} a`]));
    expect(errors(await compare("HEAD", [repository.folder]))).toEqual([]);
  });

  test("takes what git does not know for new: ignored and untracked files, files outside, standard input", async () => {
    const outside = mkdtempSync(join(tmpdir(), "sluice-outside-"));
    writeFileSync(join(outside, "o.yaml"), policy("outside", PORT));
    repository.write(".gitignore", "out/\n");
    repository.commit();
    repository.write("out/i.yaml", policy("ignored", PORT));
    repository.write("u.yaml", policy("untracked", PORT));
    const run = await compare("HEAD", [repository.folder, outside]);
    expect(errors(run).toSorted()).toEqual([`${COUNTER} ignored`, `${COUNTER} outside`, `${COUNTER} untracked`]);
    expect(run.stderr).toContain(`all that is found counts as new: ${outside}`);
    rmSync(outside, { recursive: true });
  });

  test("reads linked files and folders of the base", async () => {
    repository.write("real/a.yaml", policy("a", PORT));
    repository.write("shared/b.yaml", policy("b", PORT));
    repository.write("m/.keep", "");
    symlinkSync("../real/a.yaml", repository.path("m/a.yaml"));
    symlinkSync("../shared", repository.path("m/shared"));
    repository.commit();
    const run = await compare("HEAD", [repository.path("m")]);
    expect([errors(run), run.stderr]).toEqual([[], ""]);
  });

  test("passes over the same files in both states", async () => {
    const config = repository.write("sluice.yaml", "exclude: [vendor]\n");
    repository.write("vendor/a.yaml", policy("a", PORT));
    repository.write("b.yaml", policy("b", "request.host"));
    repository.commit();
    repository.write("own/.keep", "");
    repository.git("mv", "vendor/a.yaml", "own/a.yaml");
    const run = await runSluice([
      "lint",
      "--config",
      config,
      "--format",
      "json",
      "--diff-base",
      "HEAD",
      repository.folder,
    ]);
    expect(errors(run)).toEqual([`${COUNTER} a`]);
  });

  test("works in names with spaces, quotes, line breaks and patterns", async () => {
    const names = ["a b.yaml", 'q"uote.yaml', "ü.yaml", "l\nf.yaml", "[x]*.yaml", ":(top)x.yaml"];
    for (const [index, name] of names.entries()) repository.write(name, policy(`p${index}`, PORT));
    repository.commit();
    const run = await compare("HEAD", names.map(repository.path));
    expect([errors(run), run.stderr]).toEqual([[], ""]);
  });

  test("names a file of the base that cannot be read", async () => {
    repository.write("a.yaml", "a: [1\nb: 2\n");
    repository.commit();
    repository.write("a.yaml", policy("a", PORT));
    const run = await compare("HEAD", [repository.folder]);
    expect(errors(run)).toEqual([`${COUNTER} a`]);
    expect(run.stderr).toMatch(/warning: HEAD:a\.yaml could not be read whole/);
  });

  test("takes an address for a Gateway that was not there at the base", async () => {
    repository.write("a.yaml", policy("a", PORT));
    repository.commit();
    const gateway = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: egress, namespace: g}\n";
    repository.write("g.yaml", `${gateway}spec: {gatewayClassName: istio, listeners: []}\n`);
    const run = await compare("HEAD", [repository.folder], "--gateway-address", "g/egress=10.0.0.1");
    expect(run.stderr).toBe("");
    expect(report(run).summary.older).toBeGreaterThan(0);
  });

  test("compares what definitions refuse as well", async () => {
    const definition = `apiVersion: apiextensions.k8s.io/v1
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
      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
`;
    const widget = (name: string) =>
      `apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: ${name}}\nspec: {size: big}\n`;
    repository.write("crds/widget.yaml", definition);
    repository.write("m/old.yaml", widget("old"));
    repository.commit();
    repository.write("m/new.yaml", widget("new"));
    const run = await compare("HEAD", [repository.path("m")], "--crd-dir", repository.path("crds"));
    expect(errors(run)).toEqual(["schema-widget new"]);
  });

  test("changes nothing in the repository", async () => {
    repository.write("a.yaml", policy("a", PORT));
    repository.commit();
    repository.write("a.yaml", policy("a", "request.host"));
    const index = readFileSync(repository.path(".git/index"));
    await compare("HEAD", [repository.folder]);
    expect(readFileSync(repository.path(".git/index")).equals(index)).toBe(true);
    expect(repository.git("status", "--porcelain")).toBe(" M a.yaml\n");
  });

  test.each([
    ["nope", /git knows no commit "nope"/],
    ["--help", /is no commit, branch or tag/],
    ["", /is no commit, branch or tag/],
    ["HEAD:a.yaml", /git knows no commit/],
    ["$(touch x)", /git knows no commit/],
  ])("refuses the base %j", async (ref, message) => {
    repository.write("a.yaml", policy("a", PORT));
    repository.commit();
    const run = await runSluice(["lint", "--no-config", `--diff-base=${ref}`, repository.folder]);
    expect([run.exitCode, run.stdout]).toEqual([2, ""]);
    expect(run.stderr).toMatch(message);
  });

  test("tells of a shallow clone, and what to do", async () => {
    repository.write("a.yaml", policy("a", PORT));
    repository.commit();
    repository.commit("second");
    const clone = gitRepository({ of: repository.folder, args: ["--depth=1"] });
    const run = await compare("HEAD~1", [clone.folder]);
    clone.close();
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toMatch(/which is a shallow clone\n.*git fetch --unshallow/);
  });

  test("tells that git is missing", async () => {
    repository.write("a.yaml", policy("a", PORT));
    repository.commit();
    const { PATH = "" } = process.env;
    process.env["PATH"] = repository.folder;
    const run = await compare("HEAD", [repository.folder]);
    process.env["PATH"] = PATH;
    expect([run.exitCode, run.stdout]).toEqual([2, ""]);
    expect(run.stderr).toContain("git is not installed, or not on the PATH");
  });

  test("tells that there is no repository", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-no-git-"));
    writeFileSync(join(folder, "a.yaml"), policy("a", PORT));
    const run = await compare("HEAD", [folder]);
    rmSync(folder, { recursive: true });
    expect([run.exitCode, run.stdout]).toEqual([2, ""]);
    expect(run.stderr).toContain("is in no git repository");
  });

  test("tells of a submodule, which it does not look into", async () => {
    const other = gitRepository();
    other.write("s.yaml", policy("s", PORT));
    other.commit();
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", `file://${other.folder}`, "sub");
    repository.commit();
    const run = await compare("HEAD", [repository.folder]);
    other.close();
    expect(errors(run)).toEqual([`${COUNTER} s`]);
    expect(run.stderr).toContain("submodules are not compared, so all that is found in them counts as new: sub");
  });
});
