import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { fileProblem } from "./read-file.ts";
import type { SourceProblem } from "./source-problem.ts";

export const FILE_LIMITS = {
  /** Manifest files of one run. The largest GitOps repositories hold some thousand. */
  files: 10_000,
  /** Entries of folders looked at, so that `--manifests /` ends. */
  entries: 100_000,
  /** Folders inside one another. */
  depth: 40,
  /** All files together; the objects in memory take some ten times as much. */
  bytes: 128 * 1024 * 1024,
} as const;

export type ManifestFiles = {
  /** Sorted by path, each real file once. */
  readonly files: readonly string[];
  /** The folders to watch, where they really are: those looked into, and those that hold the files. */
  readonly folders: readonly string[];
  readonly problems: readonly SourceProblem[];
  /** Problems with the very paths that were asked for: missing, unreadable, neither file nor folder. */
  readonly unusable: readonly SourceProblem[];
};

/** Whether a file or folder that was found in a folder is not looked at. */
export type PassOver = (path: string) => boolean;

type Search = {
  /** Real path to the path that it is known by. */
  readonly found: Map<string, string>;
  /** Real paths. */
  readonly folders: Set<string>;
  readonly problems: SourceProblem[];
  entries: number;
  /** Names inside folders that are passed over, with what is in them. */
  readonly passOver: PassOver;
  /** Manifest files met, also those met before by another path. */
  seen: number;
  full: boolean;
};

const MANIFEST = /\.(?:ya?ml|json)$/i;
/** Whether a file of this name in a folder is taken for a manifest. */
export const isManifestName = (name: string): boolean =>
  !name.startsWith(".") && MANIFEST.test(name) && !KUSTOMIZATION.test(name);

/** Input of kustomize, which may leave out apiVersion and kind; never an object of a cluster. */
const KUSTOMIZATION = /^kustomization(?:\.ya?ml)?$/i;

/** Code unit order: the same on every machine, whatever its locale. */
const byPath = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function limitReached(search: Search, file: string, message: string): void {
  if (!search.full)
    search.problems.push({
      severity: "error",
      rule: "input-unreadable",
      file,
      message,
      hint: "give the folders that matter",
    });
  search.full = true;
}

async function addFile(search: Search, path: string): Promise<void> {
  const real = await realpath(path);
  search.seen++;
  const known = search.found.get(real);
  // Of two ways to one file the first in order counts, whichever was found first.
  if (known === undefined || byPath(path, known) < 0) search.found.set(real, path);
  if (search.found.size > FILE_LIMITS.files)
    limitReached(search, path, `more than ${FILE_LIMITS.files} manifest files`);
}

async function addEntry(search: Search, folder: string, entry: Dirent, depth: number): Promise<void> {
  const path = join(folder, entry.name);
  if (entry.isDirectory()) return addFolder(search, path, depth + 1);
  const manifest = MANIFEST.test(entry.name) && !KUSTOMIZATION.test(entry.name);
  if (entry.isFile()) return manifest ? addFile(search, path) : undefined;
  if (!entry.isSymbolicLink()) return undefined;
  const target = await stat(path);
  if (target.isDirectory()) return addFolder(search, path, depth + 1);
  return manifest && target.isFile() ? addFile(search, path) : undefined;
}

/** A folder that was looked into before is passed over, which ends every circle of symbolic links. */
async function addFolder(search: Search, folder: string, depth: number): Promise<void> {
  const real = await realpath(folder);
  if (search.folders.has(real) || search.full) return;
  if (depth > FILE_LIMITS.depth)
    return limitReached(search, folder, `folders are nested more than ${FILE_LIMITS.depth} deep`);
  search.folders.add(real);
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => byPath(a.name, b.name))) {
    if (entry.name.startsWith(".") || search.passOver(join(folder, entry.name))) continue;
    if (++search.entries > FILE_LIMITS.entries) {
      return limitReached(search, folder, `more than ${FILE_LIMITS.entries} entries of folders`);
    }
    try {
      await addEntry(search, folder, entry, depth);
    } catch (error) {
      search.problems.push(fileProblem(error, join(folder, entry.name)));
    }
    if (search.full) return;
  }
}

/** One path that was asked for: a file of any name, or a folder. */
async function addPath(search: Search, path: string): Promise<SourceProblem | undefined> {
  try {
    const stats = await stat(path);
    if (stats.isFile()) await addFile(search, path);
    else if (stats.isDirectory()) return await addGivenFolder(search, path);
    else {
      const message = "is a pipe, socket or device, not a file or folder";
      const hint = "give a file, or `-` and pipe the text in";
      return { severity: "error", rule: "input-unreadable", file: path, message, hint };
    }
    return undefined;
  } catch (error) {
    return fileProblem(error, path);
  }
}

async function addGivenFolder(search: Search, path: string): Promise<undefined> {
  if (search.folders.has(await realpath(path))) return undefined;
  const before = search.seen;
  await addFolder(search, path, 0);
  if (search.full || search.seen > before) return undefined;
  const message = "holds no *.yaml, *.yml or *.json file";
  const hint = "check the path, or put manifests into it";
  search.problems.push({ severity: "error", rule: "input-unreadable", file: path, message, hint });
  return undefined;
}

/**
 * The manifest files of some paths: files whatever their name, folders with all folders in them (`*.yaml`, `*.yml`,
 * `*.json`). A kustomization.yaml is passed over, and so are names that start with a dot, so that the versions inside a
 * mounted ConfigMap (`..data`) are not read twice. Symbolic links are followed, pipes and devices never. Never rejects.
 */
export async function findManifestFiles(
  paths: readonly string[],
  passOver: PassOver = () => false,
): Promise<ManifestFiles> {
  const search: Search = {
    ...{ found: new Map(), folders: new Set(), problems: [] },
    ...{ passOver, entries: 0, seen: 0, full: false },
  };
  const unusable: SourceProblem[] = [];
  for (const path of paths) {
    const problem = await addPath(search, normalize(path));
    if (problem !== undefined) unusable.push(problem);
  }
  return {
    files: [...search.found.values()].sort(byPath),
    folders: [...new Set([...search.folders, ...[...search.found.keys()].map((file) => dirname(file))])].sort(byPath),
    problems: search.problems,
    unusable,
  };
}
