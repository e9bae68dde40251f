import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize, relative } from "node:path";
import { describe, expect, test } from "vitest";

/** Which of our folders a folder may import from, itself always included. The table of ARCHITECTURE.md. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  config: ["model"],
  cel: ["model"],
  inject: ["model", "cel"],
  lint: ["model", "cel", "dns/corefile"],
  schema: ["model", "cel"],
  sources: ["model"],
  "dns/table": ["model", "dns/wire", "dns/egress-names", "dns/write-names"],
  "dns/egress-names": ["dns/wire"],
  "dns/write-names": ["dns/wire", "dns/egress-names"],
  "dns/wire": ["model"],
  "dns/corefile": ["model"],
  dns: ["dns", "model", "observe"],
  admission: ["inject", "lint", "model", "observe"],
  certs: ["model", "observe"],
  observe: ["model", "config"],
  cli: ["model", "config", "cel", "inject", "lint", "schema", "sources", "dns", "admission", "certs", "observe"],
  main: ["cli", "dns"],
};

/** Packages (and Node's own modules) that a folder may import; the core has none that touch the world. */
const MAY_USE: Readonly<Record<string, readonly RegExp[]>> = {
  model: [/^node:net$/, /^node:url$/],
  config: [/^node:os$/],
  cel: [/^@marcbachmann\/cel-js$/, /^re2js$/],
  inject: [/^node:net$/, /^fast-json-patch$/],
  lint: [/^node:util$/, /^sarif$/],
  schema: [],
  sources: [/^node:/, /^yaml$/, /^undici$/, /^@kubernetes\/client-node$/],
  dns: [/^node:/, /^dns2$/],
  admission: [/^node:/, /^fastify$/],
  certs: [/^node:/, /^selfsigned$/, /^@kubernetes\/client-node$/, /^undici$/],
  observe: [/^node:/, /^pino$/, /^prom-client$/, /^fastify$/],
  cli: [/^node:/, /^commander$/, /^yaml$/, /^fast-json-patch$/],
  main: [/^node:/],
};

const CORE = ["model", "cel", "inject", "lint", "schema"];

/** Names that say nothing about what is inside. */
const BANNED = /^(utils?|helpers?|common|misc|shared|types|interfaces|constants|manager|service|base|core|lib|index)$/;
/** Kubernetes' own kind, the registry of rules, and CoreDNS's word for a directive's two files. */
const ALLOWED_NAMES = new Set(["src/model/kinds/service.ts", "src/lint/rules/index.ts"]);

const MAX_LINES = 300;

const sources = globSync("src/**/*.ts").map((file) => file.replaceAll("\\", "/"));
const folders = [...new Set(sources.map((file) => dirname(file)))].filter((folder) => folder !== "src");
const textOf = (file: string): string => readFileSync(file, "utf8");

const importsOf = (file: string): readonly string[] =>
  [
    ...textOf(file).matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^;]*?\bfrom\s*"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)|(?:^|\n)import\s+"([^"]+)"/g,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? "");

/** The row of the table that a file belongs to: the longest that fits. */
function rowOf(file: string): string {
  const inside = relative("src", file).replace(/\.ts$/, "");
  const rows = Object.keys(MAY_IMPORT).filter((row) => inside === row || inside.startsWith(`${row}/`));
  return rows.sort((a, b) => b.length - a.length)[0] ?? inside;
}

const covers = (allowed: string, row: string): boolean => row === allowed || row.startsWith(`${allowed}/`);

describe.each(sources)("%s", (file) => {
  const row = rowOf(file);
  const imports = importsOf(file);

  test("imports only what its folder may", () => {
    const targets = imports
      .filter((name) => name.startsWith("."))
      .map((name) => rowOf(normalize(join(dirname(file), name))));
    const strangers = targets.filter(
      (target) => target !== row && !(MAY_IMPORT[row] ?? []).some((allowed) => covers(allowed, target)),
    );
    expect(strangers).toEqual([]);
  });

  test("uses only the packages of its folder", () => {
    const top = row.split("/")[0] ?? row;
    const packages = imports.filter((name) => !name.startsWith("."));
    expect(packages.filter((name) => !(MAY_USE[top] ?? []).some((pattern) => pattern.test(name)))).toEqual([]);
  });

  test("has a name that says what it is, and at most 300 lines", () => {
    const names = relative("src", file).replace(/\.ts$/, "").split("/");
    expect(ALLOWED_NAMES.has(file) ? [] : names.filter((name) => BANNED.test(name))).toEqual([]);
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([]);
    expect(textOf(file).split("\n").length).toBeLessThanOrEqual(MAX_LINES);
  });

  test("reads no environment, prints nothing, holds no class and leaves nothing open", () => {
    const text = textOf(file);
    const env = file === "src/config/load.ts" ? "" : (/process\.env\b/.exec(text)?.[0] ?? "");
    const klass = file === "src/model/errors.ts" ? "" : (/^\s*(export )?(abstract )?class /m.exec(text)?.[0] ?? "");
    expect([env, /\bconsole\.\w+/.exec(text)?.[0] ?? "", klass, /\b(TODO|FIXME|XXX)\b/.exec(text)?.[0] ?? ""]).toEqual([
      "",
      "",
      "",
      "",
    ]);
  });
});

describe.each(sources.filter((file) => CORE.includes(rowOf(file).split("/")[0] ?? "")))("the core file %s", (file) => {
  test("touches neither clock, chance nor process", () => {
    const impure = /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval|process\.)/;
    expect(impure.exec(textOf(file))?.[0]).toBeUndefined();
  });
});

describe.each(folders)("folder %s", (folder) => {
  const inRules = folder === "src/lint/rules" || folder === "src/model/kinds";

  test("has a README in the fixed form that lists its files", () => {
    const readme = join(folder, "README.md");
    expect(existsSync(readme)).toBe(true);
    const text = textOf(readme);
    expect(text.split("\n").length).toBeLessThanOrEqual(60);
    for (const section of ["Name", "Takes", "Gives", "Never", "Files", "Example"]) {
      expect(text).toContain(`## ${section}\n`);
    }
    const files = inRules ? [] : sources.filter((file) => dirname(file) === folder).map((file) => basename(file));
    expect(files.filter((file) => !text.includes(file))).toEqual([]);
  });
});

describe.each(globSync("test/**/*.ts"))("test file %s", (file) => {
  test("mocks nothing and skips nothing", () => {
    const text = textOf(file).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*|\/.*\/[a-z]*[;,)]/g, "");
    expect(
      /\bvi\.mock\(|\b(it|test|describe)\.(only|skip|todo)\b|\bskipIf\(|\brunIf\(/.exec(text)?.[0],
    ).toBeUndefined();
  });
});

test("what the linter reads of dns is pure: the grammar of Corefiles, without the files of this machine", () => {
  const grammar = sources.filter((file) => rowOf(file) === "dns/corefile" && !file.endsWith("/disk-files.ts"));
  expect(grammar.length).toBeGreaterThan(10);
  const pure = /^node:(net|path|url)$|^\.\.?\//;
  expect(grammar.flatMap(importsOf).filter((name) => !pure.test(name) || name.endsWith("/disk-files.ts"))).toEqual([]);
  const core = sources.filter((file) => CORE.includes(rowOf(file).split("/")[0] ?? ""));
  expect(core.filter((file) => importsOf(file).some((name) => name.endsWith("/disk-files.ts")))).toEqual([]);
});

test("the table catches a violation", () => {
  expect((MAY_IMPORT["lint"] ?? []).some((allowed) => covers(allowed, "sources"))).toBe(false);
  expect((MAY_IMPORT["dns"] ?? []).some((allowed) => covers(allowed, "dns/wire"))).toBe(true);
  expect(rowOf("src/dns/table.ts")).toBe("dns/table");
  expect(rowOf("src/main.ts")).toBe("main");
});
