import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Ajv, type ValidateFunction } from "ajv";
import { builtOnce } from "../../../bench/peers/built-once.ts";
import { runGo } from "../../cluster/control-plane/binaries.ts";

const run = promisify(execFile);

/** The npm package that carries the schema of SARIF 2.1.0, and its checksum as a lock file would hold it. */
const SCHEMA_PACKAGE = {
  name: "@microsoft/jest-sarif@1.0.0-beta.0",
  integrity: "sha512-A1fOhPd6Ic5iDk4F9YPw1qNB4XF+7+IviR7xl8r2F6QzQkx5cpY9LsGk2rExiFIEcBbjpVnSmwWGBukASkiQ9A==",
  file: "package/lib/schemas/sarif-2.1.0-rtm.5.json",
};

/** Formats that the schema asks for. */
const FORMATS = {
  "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/,
  uri: (text: string) => URL.canParse(text),
  "uri-reference": (text: string) => URL.canParse(text, "file:///"),
};

/**
 * What a text must be to be SARIF 2.1.0, by the schema that Microsoft publishes. `folder` is scratch space. The schema
 * is of draft 4, which differs from what ajv reads in the names of two keywords only as far as it uses them.
 */
export async function sarifSchema(folder: string): Promise<ValidateFunction> {
  const { stdout } = await run("npm", ["pack", "--silent", SCHEMA_PACKAGE.name], { cwd: folder });
  const archive = join(folder, stdout.trim().split("\n").at(-1) ?? "");
  const integrity = `sha512-${createHash("sha512")
    .update(await readFile(archive))
    .digest("base64")}`;
  if (integrity !== SCHEMA_PACKAGE.integrity)
    throw new Error(`${SCHEMA_PACKAGE.name} is not what it was: ${integrity}`);
  await run("tar", ["-xzf", archive, "-C", folder, SCHEMA_PACKAGE.file]);
  const { id, $schema, ...schema } = JSON.parse(readFileSync(join(folder, SCHEMA_PACKAGE.file), "utf8")) as Record<
    string,
    unknown
  >;
  if (typeof id !== "string" || $schema !== "http://json-schema.org/draft-04/schema#")
    throw new Error("another schema");
  if (/"exclusiveM\w+": (?:true|false)/.test(JSON.stringify(schema))) throw new Error("a keyword of draft 4");
  return new Ajv({ strict: false, allErrors: true, unicodeRegExp: false, formats: FORMATS }).compile(schema);
}

/** The program `errorformat`: the reader of compilers' output in efm-langserver, with Vim's rules. */
export const errorformatBinary = (): Promise<string> =>
  builtOnce({
    name: "errorformat",
    sources: [join(import.meta.dirname, "go.mod"), join(import.meta.dirname, "go.sum")],
    make: (output) =>
      runGo(["build", "-trimpath", "-o", output, "github.com/reviewdog/errorformat/cmd/errorformat"], {
        cwd: import.meta.dirname,
      }),
  });

/** pre-commit from PyPI, in an environment of its own below `folder`; gives its program. */
export async function preCommit(folder: string): Promise<string> {
  const environment = join(folder, "python");
  await run("python3", ["-m", "venv", environment]);
  const requirements = join(import.meta.dirname, "requirements.txt");
  const flags = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
  await run(join(environment, "bin", "pip"), ["install", ...flags, "-r", requirements]);
  return join(environment, "bin", "pre-commit");
}

/** The names of all elements of a document, in order, by Python's XML parser; rejects when it is not well-formed. */
export async function xmlElements(file: string): Promise<readonly string[]> {
  const script = "import sys, xml.etree.ElementTree as e\nfor n in e.parse(sys.argv[1]).iter(): print(n.tag)";
  const { stdout } = await run("python3", ["-c", script, file]);
  return stdout.trim().split("\n");
}
