import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SluiceError } from "../../src/model/errors.ts";
import { type Manifests, readManifests } from "../../src/sources/manifests.ts";
import { fileProblem } from "../../src/sources/read-file.ts";
import { formatProblem } from "../../src/sources/source-problem.ts";
import { gateway, temporaryFolder } from "./temporary-folder.ts";

const names = (manifests: Manifests) => manifests.decoded.map(({ ref }) => ref.name);
const problems = (manifests: Manifests, folder: string) =>
  manifests.problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ""));

async function refusal(paths: readonly string[]): Promise<SluiceError> {
  const outcome = await readManifests({ paths }).catch((error: unknown) => error);
  if (!(outcome instanceof SluiceError)) throw new Error("the paths were accepted");
  return outcome;
}

describe("files and folders", () => {
  test("a folder is read with its folders, sorted, other files and hidden ones passed over", async () => {
    const folder = temporaryFolder({
      "b.yaml": gateway("b"),
      "a/z.yml": gateway("z"),
      "a/c.JSON": JSON.stringify({
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "Gateway",
        metadata: { name: "c" },
      }),
      "README.md": "# no manifest",
      ".hidden.yaml": gateway("hidden"),
      ".git/config.yaml": gateway("git"),
      "kustomization.yaml": "resources: [b.yaml]",
    });
    const manifests = await readManifests({ paths: [folder] });
    expect(names(manifests)).toEqual(["c", "z", "b"]);
    expect(manifests.files).toEqual(["a/c.JSON", "a/z.yml", "b.yaml"].map((name) => join(folder, name)));
    expect(manifests.problems).toEqual([]);
  });

  test("a file that is named is read whatever its name, and once", async () => {
    const folder = temporaryFolder({ "gateway.txt": gateway("x") });
    const path = join(folder, "gateway.txt");
    expect(names(await readManifests({ paths: [path, path, `${folder}/./gateway.txt`] }))).toEqual(["x"]);
  });

  test("standard input comes last, with its own name", async () => {
    const folder = temporaryFolder({ "a.yaml": gateway("a") });
    const manifests = await readManifests({ paths: ["-", folder], stdin: gateway("stdin") });
    expect(names(manifests)).toEqual(["a", "stdin"]);
    expect(manifests.decoded[1]?.locate(["metadata", "name"])).toMatchObject({ file: "<stdin>", line: 4, column: 9 });
  });

  test("symbolic links are followed, circles end, and one file counts once", async () => {
    const folder = temporaryFolder({ "real/a.yaml": gateway("a") });
    symlinkSync(folder, join(folder, "real/circle"));
    symlinkSync(join(folder, "real"), join(folder, "again"));
    symlinkSync("self.yaml", join(folder, "self.yaml"));
    const manifests = await readManifests({ paths: [folder] });
    expect(names(manifests)).toEqual(["a"]);
    expect(problems(manifests, folder)[0]).toContain("self.yaml: error: is a symbolic link that leads in a circle");
  });

  test("a mounted ConfigMap is read once", async () => {
    const folder = temporaryFolder({ "..2026_01/gateway.yaml": gateway("a") });
    symlinkSync("..2026_01", join(folder, "..data"));
    symlinkSync("..data/gateway.yaml", join(folder, "gateway.yaml"));
    const manifests = await readManifests({ paths: [folder] });
    expect(manifests.files).toEqual([join(folder, "gateway.yaml")]);
    expect(manifests.problems).toEqual([]);
  });

  test("pipes are never opened", async () => {
    const folder = temporaryFolder({ "a.yaml": gateway("a") });
    execFileSync("mkfifo", [join(folder, "pipe.yaml")]);
    expect(names(await readManifests({ paths: [folder] }))).toEqual(["a"]);
    expect((await refusal([join(folder, "pipe.yaml")])).message).toContain("is a pipe, socket or device");
    expect((await refusal(["/dev/zero"])).message).toContain("/dev/zero is a pipe, socket or device");
  });

  test("paths that do not exist are refused, all in one error", async () => {
    const folder = temporaryFolder({ "a.yaml": gateway("a") });
    const error = await refusal([join(folder, "a.yaml"), join(folder, "no"), join(folder, "a.yaml/b")]);
    expect(error.code).toBe("SLUICE_INPUT_UNREADABLE");
    expect(error.message).toBe(
      `${folder}/no does not exist; ${folder}/a.yaml/b does not exist: a part of its path is no folder`,
    );
  });

  test("a folder without manifests is a problem", async () => {
    const folder = temporaryFolder({ "README.md": "" });
    mkdirSync(join(folder, "empty"));
    const manifests = await readManifests({ paths: [folder] });
    expect(manifests.problems.map(formatProblem)).toEqual([
      `${folder}: error: holds no *.yaml, *.yml or *.json file; check the path, or put manifests into it`,
    ]);
  });

  test("what the system says of a file is put into words", () => {
    const words = (code: string) => formatProblem(fileProblem(Object.assign(new Error("raw words"), { code }), "f"));
    expect(words("EACCES")).toBe("f: error: may not be read by this user; grant read permission, or run as its owner");
    expect(words("EIO")).toBe("f: error: cannot be read: raw words; check the file");
  });
});

describe("what files hold", () => {
  test.each<readonly [string, string | Uint8Array, string]>([
    [
      "Latin-1",
      Buffer.from(`# ok\n# gr\xfc\xdfe\n${gateway("x")}`, "latin1"),
      "bad.yaml:2:5: error: is not UTF-8 text",
    ],
    [
      "UTF-16",
      Buffer.from(`\ufeff${gateway("x")}`, "utf16le"),
      "bad.yaml:1:1: error: is not UTF-8 text; save it as UTF-8; it looks like UTF-16",
    ],
    ["an archive", Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0xff]), "bad.yaml:1:2: error: is not UTF-8 text"],
    ["too much", `# ${"x".repeat(4 * 1024 * 1024)}`, "bad.yaml: error: holds more than 4 MiB"],
    [
      "values of a chart",
      "replicas: 1\n",
      "bad.yaml:1:1: error: apiVersion and kind must be non-empty strings; every document",
    ],
    ["a number", "42", "bad.yaml:1:1: error: must be a Kubernetes object, a map"],
    ["no apiVersion", "kind: Gateway\nmetadata: {}\n", "bad.yaml:1:1: error: apiVersion must be a non-empty string"],
    [
      "no name",
      "apiVersion: v1\nkind: Namespace\nmetadata:\n  labels: {}\n",
      "bad.yaml:3:1: error: metadata.name of this Namespace is missing",
    ],
    [
      "a field of a wrong type",
      gateway("x", "gw", "spec:\n  listeners:\n  - port: eighty\n"),
      "bad.yaml:8:11: error: spec.listeners[0].port must be a whole number, got a string",
    ],
    ["a syntax error", `${gateway("x")}---\na: b: c\n`, "bad.yaml:7:4: error: a second `key: value`"],
  ])("%s is reported with its place, and the other files are used", async (_title, content, expected) => {
    const folder = temporaryFolder({ "bad.yaml": content, "good.yaml": gateway("good") });
    const manifests = await readManifests({ paths: [folder] });
    expect(names(manifests)).toContain("good");
    expect(problems(manifests, folder)[0]).toContain(expected);
  });

  test("objects of unknown kinds are kept apart", async () => {
    const stdin = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n";
    const manifests = await readManifests({ paths: ["-"], stdin });
    expect(manifests.decoded).toEqual([]);
    expect(manifests.unknownKinds.map(({ ref }) => ref.name)).toEqual(["web"]);
  });

  test("of two documents with one identity the later counts, and both places are named", async () => {
    const folder = temporaryFolder({ "b.yaml": gateway("x", "gw", "spec: {gatewayClassName: second}\n") });
    writeFileSync(join(folder, "a.yaml"), `${gateway("w")}---\n${gateway("x").replace("/v1\n", "/v1beta1\n")}`);
    const manifests = await readManifests({ paths: [folder] });
    expect(names(manifests)).toEqual(["w", "x"]);
    expect(manifests.decoded[1]?.object).toMatchObject({ spec: { gatewayClassName: "second" } });
    expect(problems(manifests, folder)).toEqual([
      "b.yaml:4:9: warning: Gateway gw/x is defined twice; this one, the later, counts (it is first defined here: a.yaml:10:9); remove one of the two",
    ]);
  });

  test("objects whose name the API server completes are never the same", async () => {
    const stdin = "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n";
    expect(names(await readManifests({ paths: ["-"], stdin: `${stdin}---\n${stdin}` }))).toEqual(["a-*", "a-*"]);
  });
});
