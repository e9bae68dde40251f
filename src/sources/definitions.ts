import { SluiceError } from "../model/errors.ts";
import { FILE_LIMITS, findManifestFiles } from "./manifest-files.ts";
import { unusablePaths } from "./manifests.ts";
import { readTextFile } from "./read-file.ts";
import { formatProblem, type SourceProblem } from "./source-problem.ts";
import { parseYaml, type SourceDocument } from "./yaml/parse-yaml.ts";

/** Problems that one error names; the rest is mostly their echo. */
const NAMED_PROBLEMS = 5;

const isDefinition = ({ raw }: SourceDocument): boolean =>
  raw !== null && typeof raw === "object" && (raw as Record<string, unknown>)["kind"] === "CustomResourceDefinition";

const invalid = (message: string, hint: string): SluiceError => new SluiceError("SLUICE_INPUT_INVALID", message, hint);

function unreadable(problems: readonly SourceProblem[]): SluiceError {
  const named = problems.slice(0, NAMED_PROBLEMS).map(formatProblem);
  const more = problems.length > NAMED_PROBLEMS ? [`and ${problems.length - NAMED_PROBLEMS} more`] : [];
  return invalid([...named, ...more].join("\n"), "mend the file, or take it out of the folder of definitions");
}

/** The definitions of one file; other kinds are passed over. */
async function definitionsOf(file: string): Promise<{ readonly found: SourceDocument[]; readonly bytes: number }> {
  const read = await readTextFile(file);
  if ("problem" in read) throw unreadable([read.problem]);
  const { documents, problems } = parseYaml({ text: read.text, file });
  const errors = problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw unreadable(errors);
  return { found: documents.filter(isDefinition), bytes: read.bytes ?? 0 };
}

/**
 * Reads the CustomResourceDefinitions of folders and files, YAML or JSON, with their places. Throws
 * SLUICE_INPUT_UNREADABLE for a path that cannot be used, and SLUICE_INPUT_INVALID for a file that cannot be read, for
 * a path without any definition, and for more than 128 MiB.
 */
export async function readDefinitionFiles(paths: readonly string[]): Promise<readonly SourceDocument[]> {
  const definitions: SourceDocument[] = [];
  let bytes = 0;
  for (const path of paths) {
    const { files, unusable, problems } = await findManifestFiles([path]);
    if (unusable.length > 0) throw unusablePaths(unusable);
    if (problems.length > 0) throw unreadable(problems);
    const before = definitions.length;
    for (const file of files) {
      const read = await definitionsOf(file);
      bytes += read.bytes;
      if (bytes > FILE_LIMITS.bytes) {
        throw invalid("the definitions hold more than 128 MiB", "give the folders that matter");
      }
      definitions.push(...read.found);
    }
    if (definitions.length === before) {
      throw invalid(`${path} holds no CustomResourceDefinition`, "give a folder with definitions, as YAML or JSON");
    }
  }
  return definitions;
}
