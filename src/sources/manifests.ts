import { createHash } from "node:crypto";
import { SluiceError } from "../model/errors.ts";
import {
  type LocatedObject,
  type LocatedUnknown,
  laterCounts,
  locateObjects,
  type SourceObjects,
} from "./located-object.ts";
import { FILE_LIMITS, findManifestFiles, type PassOver } from "./manifest-files.ts";
import { readTextFile } from "./read-file.ts";
import { sameFileAs } from "./same-file.ts";
import type { SourceProblem } from "./source-problem.ts";
import { readYaml } from "./yaml/read-yaml.ts";

/** Everything that some files hold, seen as one cluster. */
export type Manifests = {
  /** In the order of their files' paths, then of their writing; of equal identities only the last. */
  readonly decoded: readonly LocatedObject[];
  readonly unknownKinds: readonly LocatedUnknown[];
  /** In the order of the files. A file with an error is used as far as it can be. */
  readonly problems: readonly SourceProblem[];
  /** Every file that was read, `<stdin>` included. */
  readonly files: readonly string[];
};

/** The name of standard input in places and messages. */
export const STDIN_NAME = "<stdin>";

export type ReadManifests = {
  /** Files, folders, or `-` for standard input. */
  readonly paths: readonly string[];
  /** The text of standard input; needed when a path is `-`. */
  readonly stdin?: string;
  /** The file that the text of standard input stands for: what is on disk under this name is not read. */
  readonly stdinFile?: string;
  /** What is not looked at inside folders; default: nothing. */
  readonly passOver?: PassOver;
  /** How a file is read; default: `objectsOfFile`. */
  readonly read?: (file: string) => Promise<FileObjects>;
};

/** The objects of one text. */
export function objectsOfText(text: string, file: string): SourceObjects {
  const parsed = readYaml({ text, file });
  const objects = locateObjects(parsed.documents);
  return { ...objects, problems: [...parsed.problems, ...objects.problems] };
}

/** The objects of one file and what identifies its content. */
export type FileObjects = SourceObjects & { readonly bytes: number; readonly digest: string };

/** The objects of one file; a file that cannot be read is a problem. `bytes` is what was read of it. */
export async function objectsOfFile(file: string): Promise<FileObjects> {
  const read = await readTextFile(file);
  const bytes = read.bytes ?? 0;
  if ("problem" in read) {
    const digest = `unreadable: ${read.problem.message}`;
    return { decoded: [], unknownKinds: [], problems: [read.problem], bytes, digest };
  }
  const digest = createHash("sha256").update(read.text).digest("hex");
  return { ...objectsOfText(read.text, file), bytes, digest };
}

/** Puts the objects of several inputs together; later inputs win, see `laterCounts`. */
export function mergeObjects(inputs: readonly SourceObjects[]): SourceObjects {
  const { kept, problems } = laterCounts(inputs.flatMap((input) => input.decoded));
  return {
    decoded: kept,
    unknownKinds: inputs.flatMap((input) => input.unknownKinds),
    problems: [...inputs.flatMap((input) => input.problems), ...problems],
  };
}

/** The error for paths that were asked for and cannot be used at all. */
export function unusablePaths(problems: readonly SourceProblem[]): SluiceError {
  const [first, ...more] = problems;
  const text = problems.map((problem) => `${problem.file} ${problem.message}`).join("; ");
  const hint = more.length === 0 ? (first?.hint ?? "check the path") : "check each path";
  return new SluiceError("SLUICE_INPUT_UNREADABLE", text, hint);
}

/**
 * Reads manifests once. Problems inside the files are returned; a path that was asked for and cannot be used at
 * all rejects with SLUICE_INPUT_UNREADABLE. Limits: `YAML_LIMITS` for each file, `FILE_LIMITS` for all.
 */
export async function readManifests(input: ReadManifests): Promise<Manifests> {
  const found = await findManifestFiles(
    input.paths.filter((path) => path !== "-"),
    input.passOver,
  );
  if (found.unusable.length > 0) throw unusablePaths(found.unusable);
  const inputs: SourceObjects[] = [{ decoded: [], unknownKinds: [], problems: found.problems }];
  const files: string[] = [];
  let bytes = 0;
  const readStdin = (): void => {
    const name = input.stdinFile ?? STDIN_NAME;
    inputs.push(objectsOfText(input.stdin ?? "", name));
    files.push(name);
  };
  const isStdin = sameFileAs(input.stdinFile);
  for (const file of found.files) {
    if (isStdin(file)) {
      readStdin();
      continue;
    }
    const objects = await (input.read ?? objectsOfFile)(file);
    bytes += objects.bytes;
    if (bytes > FILE_LIMITS.bytes) throw tooMuch(file);
    inputs.push(objects);
    files.push(file);
  }
  if (input.paths.includes("-") && !found.files.some(isStdin)) readStdin();
  return { ...mergeObjects(inputs), files };
}

const tooMuch = (file: string): SluiceError =>
  new SluiceError(
    "SLUICE_INPUT_INVALID",
    `the manifests hold more than ${FILE_LIMITS.bytes / 1024 / 1024} MiB together, reached at ${file}`,
    "give the folders that matter, or run once for each",
  );
