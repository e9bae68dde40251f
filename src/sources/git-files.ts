import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, posix, relative, resolve, sep } from "node:path";
import { SluiceError } from "../model/errors.ts";
import { decodeText } from "./decode-text.ts";
import type { SourceObjects } from "./located-object.ts";
import { FILE_LIMITS, isManifestName, type PassOver } from "./manifest-files.ts";
import { mergeObjects, objectsOfText } from "./manifests.ts";
import { runGit } from "./run-git.ts";
import { YAML_LIMITS } from "./yaml/yaml-limits.ts";

/** The manifests of some paths as they were at a commit. */
export type PastManifests = SourceObjects & {
  readonly files: readonly string[];
  /** What could not be compared, one sentence each. */
  readonly notes: readonly string[];
};

/** Lists of names: 100 bytes each for the 500,000 files of the largest repositories. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
const MAX_ANSWER_BYTES = 64 * 1024;
/** Links inside links. */
const MAX_LINKS = 5;

const invalid = (message: string, hint: string): SluiceError => new SluiceError("SLUICE_INPUT_INVALID", message, hint);

/** The way to one repository at one commit. Paths are relative to `root`, with `/`. */
type Past = { readonly root: string; readonly commit: string; readonly ref: string };

type Entry = { readonly mode: string; readonly id: string; readonly size: number; readonly path: string };

async function openPast(folder: string, ref: string): Promise<Past> {
  const top = await runGit(folder, ["rev-parse", "--show-toplevel"], { maxBytes: MAX_ANSWER_BYTES });
  if (top.exitCode !== 0) {
    const isForeign = top.stderr.includes("safe.directory");
    throw invalid(
      isForeign
        ? `git does not trust the repository of ${folder}: it belongs to another user`
        : `${folder} is in no git repository`,
      isForeign
        ? "run `git config --global --add safe.directory DIR`"
        : "run in a working tree of git, or leave out --diff-base",
    );
  }
  const root = top.stdout.toString("utf8").replace(/\r?\n$/, "");
  if (ref === "" || ref.startsWith("-"))
    throw invalid(`--diff-base ${JSON.stringify(ref)} is no commit, branch or tag`, "name one");
  const args = ["rev-parse", "--verify", "--quiet", `${ref}^{commit}`];
  const found = await runGit(root, args, { maxBytes: MAX_ANSWER_BYTES });
  if (found.exitCode === 0) return { root, commit: found.stdout.toString("utf8").trim(), ref };
  const shallow = await runGit(root, ["rev-parse", "--is-shallow-repository"], { maxBytes: MAX_ANSWER_BYTES });
  const isShallow = shallow.stdout.toString("utf8").trim() === "true";
  throw invalid(
    `git knows no commit ${JSON.stringify(ref)} in ${root}${isShallow ? ", which is a shallow clone" : ""}`,
    isShallow
      ? "fetch more of the history: `git fetch --unshallow`, or `fetch-depth: 0` of the CI's checkout step"
      : "check the name; a branch of a remote is origin/NAME, after `git fetch`",
  );
}

/** A path of this machine as git names it; undefined outside of the working tree. */
function pathInside({ root }: Past, path: string): string | undefined {
  // Of a file that has gone its folder still tells where it was.
  const absolute = resolve(path);
  let known = absolute;
  while (!existsSync(known) && dirname(known) !== known) known = dirname(known);
  const real = join(realpathSync(known), relative(known, absolute));
  const inside = relative(realpathSync(root), real);
  return inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)
    ? undefined
    : inside.replaceAll(sep, "/");
}

/** What the commit holds at some paths, folders with everything in them. */
async function listTree({ root, commit }: Past, paths: readonly string[]): Promise<readonly Entry[]> {
  if (paths.length === 0) return [];
  const all = paths.includes("");
  // `--` alone means the whole tree.
  const args = ["ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--"];
  const { stdout } = await runGit(root, [...args, ...(all ? [] : paths)], { maxBytes: MAX_LIST_BYTES });
  return stdout
    .toString("utf8")
    .split("\0")
    .filter((line) => line !== "")
    .map((line) => {
      const tab = line.indexOf("\t");
      const [mode = "", , id = "", size = ""] = line.slice(0, tab).split(/ +/);
      return { mode, id, size: Number(size) || 0, path: line.slice(tab + 1) };
    });
}

/** The contents of blobs, in their order. */
async function readBlobs({ root }: Past, entries: readonly Entry[]): Promise<readonly Buffer[]> {
  if (entries.length === 0) return [];
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total > FILE_LIMITS.bytes) {
    throw invalid(
      `the manifests at the base hold more than ${FILE_LIMITS.bytes / 1024 / 1024} MiB together`,
      "give the folders that matter",
    );
  }
  const stdin = `${entries.map(({ id }) => id).join("\n")}\n`;
  const { stdout } = await runGit(root, ["cat-file", "--batch"], {
    maxBytes: total + 128 * entries.length + 1024,
    stdin,
  });
  let at = 0;
  return entries.map(({ id }) => {
    const end = stdout.indexOf("\n", at);
    const [, kind, size] = stdout.subarray(at, end).toString("latin1").split(" ");
    if (kind !== "blob") {
      throw invalid(
        `git cannot read the object ${id} of the base`,
        "fetch it: `git fetch --refetch`, or check the repository with `git fsck`",
      );
    }
    at = end + 1 + Number(size) + 1;
    return stdout.subarray(end + 1, end + 1 + Number(size));
  });
}

/** Files that were renamed or that have gone since the base; untracked ones are not known to git. */
async function movesSince({
  root,
  commit,
}: Past): Promise<{ readonly renamed: ReadonlyMap<string, string>; readonly gone: readonly string[] }> {
  const args = [
    "diff",
    "--no-ext-diff",
    "--no-textconv",
    "--name-status",
    "-M",
    "-z",
    "--diff-filter=RD",
    commit,
    "--",
  ];
  const { stdout, exitCode } = await runGit(root, args, { maxBytes: MAX_LIST_BYTES });
  const words = exitCode === 0 ? stdout.toString("utf8").split("\0") : [];
  const renamed = new Map<string, string>();
  const gone: string[] = [];
  for (let at = 0; at + 1 < words.length; ) {
    const isRename = words[at]?.startsWith("R") === true;
    if (isRename) renamed.set(words[at + 2] ?? "", words[at + 1] ?? "");
    else gone.push(words[at + 1] ?? "");
    at += isRename ? 3 : 2;
  }
  return { renamed, gone };
}

/**
 * The paths to look at in the past for those that are given now: a renamed file under its old name, unless it was passed
 * over there, and files that have gone from the folders of files that are given one by one.
 */
async function pastPaths(past: Past, inside: readonly string[], passOver: PassOver): Promise<readonly string[]> {
  const { renamed, gone } = await movesSince(past);
  const files = inside.filter((path) => existsSync(join(past.root, path)) && statSync(join(past.root, path)).isFile());
  const folders = new Set(files.map((path) => posix.dirname(path)));
  const old = [...files, ...[...renamed.keys()].filter((path) => inside.some((given) => isWithin(path, given)))];
  const before = old
    .flatMap((path) => renamed.get(path) ?? [])
    .filter((path) => inside.includes(path) || !isPassedOver(path, 0, past.root, passOver));
  const removed = gone.filter((path) => folders.has(posix.dirname(path)) && isManifestName(posix.basename(path)));
  return [...new Set([...inside, ...before, ...removed])];
}

const isWithin = (path: string, folder: string): boolean =>
  folder === "" || path === folder || path.startsWith(`${folder}/`);

/** A file counts when it is named, or when a folder that is named holds it and its name is a manifest's. */
function counts({ path }: Entry, named: ReadonlySet<string>, root: string, passOver: PassOver): boolean {
  if (named.has(path)) return true;
  const names = path.split("/");
  if (!isManifestName(names.at(-1) ?? "")) return false;
  const below = [...named]
    .filter((given) => isWithin(path, given))
    .map((given) => (given === "" ? 0 : given.split("/").length));
  const depth = Math.min(...below);
  return !isPassedOver(path, depth, root, passOver);
}

/** Whether the search of folders would not meet a file: part by part of its path, from the named folder on. */
const isPassedOver = (path: string, depth: number, root: string, passOver: PassOver): boolean =>
  path
    .split("/")
    .some(
      (name, index, names) =>
        index >= depth && (name.startsWith(".") || passOver(join(root, ...names.slice(0, index + 1)))),
    );

type Found = { readonly entries: Map<string, Entry>; readonly submodules: string[] };

async function collect(past: Past, paths: readonly string[], passOver: PassOver): Promise<Found> {
  const found: Found = { entries: new Map(), submodules: [] };
  let pending = paths;
  const seen = new Set<string>();
  for (let round = 0; round <= MAX_LINKS && pending.length > 0; round++) {
    for (const path of pending) seen.add(path);
    const named = new Set(pending);
    const listed = await listTree(past, pending);
    found.submodules.push(...listed.filter(({ mode }) => mode === "160000").map(({ path }) => path));
    const files = listed.filter(({ mode }) => mode.startsWith("100"));
    for (const entry of files) if (counts(entry, named, past.root, passOver)) found.entries.set(entry.path, entry);
    const links = listed.filter(({ mode }) => mode === "120000");
    const targets = await readBlobs(past, links);
    pending = links
      .map(({ path }, index) =>
        posix.normalize(posix.join(posix.dirname(path), targets[index]?.toString("utf8") ?? "")),
      )
      .map((path) => path.replace(/\/$/, ""))
      .filter((path) => path !== "." && !path.startsWith("../") && !path.startsWith("/") && !seen.has(path));
  }
  return found;
}

/** The objects of one file of the past; what cannot be read there is told and counts as nothing. */
function objectsOf(
  { path, size }: Entry,
  content: Buffer,
  past: Past,
): { readonly objects?: SourceObjects; readonly note?: string } {
  const file = `${past.ref}:${path}`;
  if (size > YAML_LIMITS.bytes) return { note: `${file} is too large; all that is found in it counts as new` };
  const decoded = decodeText(content, file);
  if ("problem" in decoded)
    return { note: `${file} ${decoded.problem.message}; all that is found in it counts as new` };
  const objects = objectsOfText(decoded.text, file);
  const broken = objects.problems.find(({ severity, rule }) => severity === "error" && rule.startsWith("yaml-"));
  return broken === undefined
    ? { objects }
    : { objects, note: `${file} could not be read whole (${broken.message}); what is found in it may count as new` };
}

function notesOn(past: Past, outside: readonly string[], submodules: readonly string[]): readonly string[] {
  const told = (paths: readonly string[]): string => paths.slice(0, 5).join(", ") + (paths.length > 5 ? ", …" : "");
  return [
    outside.length === 0
      ? []
      : `not in the git repository ${past.root}, so all that is found counts as new: ${told(outside)}`,
    submodules.length === 0
      ? []
      : `submodules are not compared, so all that is found in them counts as new: ${told(submodules)}`,
  ].flat();
}

/**
 * Reads the manifests of some paths as they were at a commit, branch or tag. Standard input and files that git does not
 * know have no past. Rejects with SLUICE_INPUT_INVALID or SLUICE_INPUT_UNREADABLE: no repository, no such commit, no git.
 */
export async function readManifestsAt(
  ref: string,
  given: readonly string[],
  passOver: PassOver,
): Promise<PastManifests> {
  const paths = given.filter((path) => path !== "-");
  const past = await openPast(startOf(paths), ref);
  const inside = paths.map((path) => ({ path, name: pathInside(past, path) }));
  const outside = inside.filter(({ name }) => name === undefined).map(({ path }) => path);
  const names = await pastPaths(
    past,
    inside.flatMap(({ name }) => name ?? []),
    passOver,
  );
  const { entries, submodules } = await collect(past, names, passOver);
  if (entries.size > FILE_LIMITS.files)
    throw invalid(`more than ${FILE_LIMITS.files} manifest files at the base`, "give the folders that matter");
  const wanted = [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const small = wanted.filter(({ size }) => size <= YAML_LIMITS.bytes);
  const contents = new Map((await readBlobs(past, small)).map((content, index) => [small[index]?.path, content]));
  const read = wanted.map((entry) => objectsOf(entry, contents.get(entry.path) ?? Buffer.alloc(0), past));
  return {
    ...mergeObjects(read.flatMap(({ objects }) => objects ?? [])),
    files: wanted.map(({ path }) => path),
    notes: [...notesOn(past, outside, submodules), ...read.flatMap(({ note }) => note ?? [])],
  };
}

/** The folder whose repository counts: that of the first path, or the working directory for standard input alone. */
function startOf([first]: readonly string[]): string {
  if (first === undefined) return resolve(".");
  const absolute = resolve(first);
  return existsSync(absolute) && statSync(absolute).isDirectory() ? absolute : dirname(absolute);
}
