import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** A package whose code is in the bundle. `license` is its SPDX expression and `text` its licence file, "" when absent. */
export type Bundled = {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly text: string;
};

const LICENSE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/** The packages that the bundled modules come from, by name. */
export async function packagesOf(modules: readonly string[]): Promise<readonly Bundled[]> {
  const folders = new Set(modules.flatMap((module) => packageFolder(module) ?? []));
  const packages = await Promise.all([...folders].map(readPackage));
  return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export const renderNotices = (packages: readonly Bundled[]): string =>
  packages
    .map(
      ({ name, version, license, text }) =>
        `${name} ${version} (${license || "see below"})\n\n${text || "No licence file."}`,
    )
    .join(`\n${"-".repeat(100)}\n\n`);

/** The folder of the package that a module belongs to: the nearest below node_modules that says its name and version. */
function packageFolder(module: string): string | undefined {
  if (!module.includes("/node_modules/")) return undefined;
  for (let folder = dirname(module.replaceAll("\0", "")); folder.includes("/node_modules/"); folder = dirname(folder)) {
    const parent = dirname(folder);
    const top = basename(basename(parent).startsWith("@") ? dirname(parent) : parent) === "node_modules";
    if (top && existsSync(join(folder, "package.json"))) return folder;
  }
  return undefined;
}

async function readPackage(folder: string): Promise<Bundled> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
    name: string;
    version: string;
    license?: string;
  };
  const files = (await readdir(folder)).filter((file) => LICENSE_FILE.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  return {
    name,
    version,
    license: license ?? "",
    text: texts
      .map((text) => text.trimEnd())
      .join("\n\n")
      .concat(texts.length > 0 ? "\n" : ""),
  };
}
