import { existsSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import type { RuleLevel } from "../lint/levels.ts";
import type { Profile } from "../lint/run.ts";
import type { Component } from "../model/engine-versions.ts";
import { SluiceError } from "../model/errors.ts";
import { type FieldPath, formatPath } from "../model/field-path.ts";
import type { Place } from "../model/place.ts";
import { readTextFile } from "../sources/read-file.ts";
import { formatPlace, formatProblem, type SourceProblem } from "../sources/source-problem.ts";
import { parseYaml, type SourceDocument } from "../sources/yaml/parse-yaml.ts";
import { checkConfig } from "./lint-config-check.ts";
import { LINT_CONFIG_SHAPE } from "./lint-config-shape.ts";

/** The file that settings of a repository stand in. */
export const CONFIG_NAME = "sluice.yaml";

/** Findings that are accepted; a finding must fit every field but `reason` and `until`. */
export type Ignore = {
  readonly rule: string;
  readonly reason: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly path?: string;
  readonly file?: string;
  /** `YYYY-MM-DD`, the last day on which it counts. */
  readonly until?: string;
};

/** What `LINT_CONFIG_SHAPE` lets through. */
type ConfigFields = {
  readonly profile?: Profile;
  readonly paths?: readonly string[];
  readonly exclude?: readonly string[];
  readonly rules?: Readonly<Record<string, RuleLevel>>;
  readonly ignores?: readonly Ignore[];
  readonly maxWarnings?: number;
  readonly gatewayAddress?: readonly string[];
  readonly crdDirs?: readonly string[];
  readonly clusterDomain?: string;
  readonly engineVersions?: Readonly<Partial<Record<Component, string>>>;
};

export type LintConfig = ConfigFields & {
  /** As messages name it. */
  readonly file: string;
  /** The folder that its paths are relative to. */
  readonly folder: string;
  placeOf(path: FieldPath): Place | undefined;
};

/** Folders looked at on the way up. */
const MAX_PARENTS = 64;

/** `sluice.yaml` of a folder, or of a parent as far as the top of its git repository; without a repository no parent counts. */
export function findConfig(start: string): string | undefined {
  const nearest: string[] = [];
  let folder = start;
  for (let steps = 0; steps < MAX_PARENTS; steps++) {
    if (existsSync(join(folder, CONFIG_NAME))) nearest.push(join(folder, CONFIG_NAME));
    if (existsSync(join(folder, ".git"))) return nearest[0];
    const parent = dirname(folder);
    if (parent === folder) break;
    folder = parent;
  }
  const own = join(start, CONFIG_NAME);
  return nearest[0] === own ? own : undefined;
}

const invalid = (lines: readonly string[]): SluiceError =>
  new SluiceError(
    "SLUICE_CONFIG_INVALID",
    lines.join("\n"),
    "docs/lint.md lists every key; `--no-config` lints without the file",
  );

/** What kubectl would make of a scalar plays no part in a file that kubectl never sees. */
const isFatal = ({ severity, rule }: SourceProblem): boolean =>
  severity === "error" || rule === "yaml-duplicate-key" || rule === "yaml-tag";

function onlyDocument(text: string, file: string): SourceDocument | undefined {
  const { documents, problems } = parseYaml({ text, file });
  const fatal = problems.filter(isFatal);
  if (fatal.length > 0) throw invalid(fatal.map(formatProblem));
  if (documents.length > 1) throw invalid([`${file}: holds ${documents.length} documents or list items, not one map`]);
  return documents[0];
}

/** Reads and checks a settings file. Throws SLUICE_INPUT_UNREADABLE, or SLUICE_CONFIG_INVALID with every problem. */
export async function readConfig(path: string, workingFolder: string): Promise<LintConfig> {
  const inside = relative(workingFolder, resolve(workingFolder, path));
  const file = isAbsolute(path) && inside.startsWith("..") ? path : inside;
  const read = await readTextFile(resolve(workingFolder, path));
  if ("problem" in read) {
    throw new SluiceError("SLUICE_INPUT_UNREADABLE", `${file} ${read.problem.message}`, read.problem.hint);
  }
  const folder = dirname(resolve(workingFolder, path));
  const document = onlyDocument(read.text, file);
  if (document === undefined) return { file, folder, placeOf: () => undefined };
  const problems = checkConfig(document.raw, LINT_CONFIG_SHAPE).map(({ path: at, at: part, message }) => {
    const place = document.locate(at, part);
    const field = part === "value" && at.length > 0 ? `${formatPath(at)}: ` : "";
    return `${place === undefined ? file : formatPlace(place)}: ${field}${message}`;
  });
  if (problems.length > 0) throw invalid(problems);
  return { ...(document.raw as ConfigFields), file, folder, placeOf: (at) => document.locate(at) };
}
