import { realpath } from "node:fs/promises";
import { dirname, normalize } from "node:path";
import { applyGatewayAddresses, type GatewayAddress } from "./gateway-addresses.ts";
import { hasErrors, type KnownFile, lookAtFile, SHRINK_CONFIRM_MS } from "./known-file.ts";
import type { LocatedObject } from "./located-object.ts";
import { findManifestFiles, type ManifestFiles } from "./manifest-files.ts";
import { type FileObjects, mergeObjects, unusablePaths } from "./manifests.ts";
import { createPathWatch, type PathWatch } from "./path-watch.ts";
import type { SourceLog } from "./source-log.ts";
import { formatPlace, type SourceProblem } from "./source-problem.ts";

export type ManifestSourceOptions = {
  /** Files and folders; changes to them take effect while this runs. */
  readonly paths: readonly string[];
  readonly gatewayAddresses: readonly GatewayAddress[];
  readonly log: SourceLog;
  /** Called with everything that the files hold: before `startManifestSource` resolves, and after each change. */
  readonly onObjects: (objects: readonly LocatedObject[]) => void;
  /** Time in which an editor's several writes become one change; default 100 ms. */
  readonly debounceMs?: number;
  /** Time between looks at files whose file system tells of no events; default 2 s. */
  readonly scanMs?: number;
};

export type ManifestSource = { close(): Promise<void> };

const DEBOUNCE_MS = 100;
const SCAN_MS = 2_000;
/** A look at very many files takes long; then it is made less often, so that it costs 5% of one core at most. */
const SCAN_SHARE = 20;

type State = {
  readonly options: ManifestSourceOptions;
  readonly watch: PathWatch;
  files: ReadonlyMap<string, KnownFile>;
  /** Problems of the whole set that have been logged and still stand. */
  logged: ReadonlySet<string>;
  gatewayProblems: readonly string[];
};

function logProblem(log: SourceLog, problem: SourceProblem, message: string): void {
  const at = problem.place === undefined ? problem.file : formatPlace(problem.place);
  const also = problem.related === undefined ? {} : { also: formatPlace(problem.related.place) };
  const fields = { at, problem: problem.message, hint: problem.hint, ...also };
  if (problem.severity === "error") log.error(fields, message);
  else log.warn(fields, message);
}

function logReading(
  log: SourceLog,
  file: string,
  read: { readonly objects: FileObjects; readonly kept: boolean },
): void {
  const message = read.kept ? "manifest has a mistake, its last good objects stay in force" : "manifest has a problem";
  for (const problem of read.objects.problems) logProblem(log, problem, message);
  if (!hasErrors(read.objects)) log.info({ file, objects: read.objects.decoded.length }, "manifest read");
}

/** Problems of the set as a whole are logged when they appear, not each time that they are seen. */
function logNew(state: State, problems: readonly SourceProblem[]): void {
  const { log } = state.options;
  const standing = new Set(problems.map((problem) => `${problem.file} ${problem.message}`));
  for (const problem of problems) {
    if (!state.logged.has(`${problem.file} ${problem.message}`)) logProblem(log, problem, "manifests have a problem");
  }
  for (const problem of state.gatewayProblems) {
    // What follows lists the Gateways that there are, which changes while the problem stays.
    const [subject = ""] = problem.split(";");
    if (!state.logged.has(subject)) log.warn({ problem }, "a gateway address is not used");
    standing.add(subject);
  }
  state.logged = standing;
}

/** Files of a path that was asked for and is not there now: a mount that is gone must not let egress hostnames go. */
function filesOfMissing(state: State, found: ManifestFiles): ReadonlySet<string> {
  const gone = found.unusable.map((problem) => problem.file.replace(/\/+$/, ""));
  const files = [...state.files.keys()];
  return new Set(files.filter((file) => gone.some((path) => file === path || file.startsWith(`${path}/`))));
}

type Looked = { readonly files: ReadonlyMap<string, KnownFile>; readonly again: boolean };

async function lookAtAll(state: State, found: ManifestFiles): Promise<Looked> {
  const files = new Map<string, KnownFile>();
  const missing = filesOfMissing(state, found);
  let again = false;
  for (const path of [...new Set([...found.files, ...state.files.keys()])].sort()) {
    const known = state.files.get(path);
    const look = missing.has(path) ? { file: known, again: false } : await lookAtFile(path, known, performance.now());
    if (look.file !== undefined) files.set(path, look.file);
    if ("read" in look && look.read !== undefined) logReading(state.options.log, path, look.read);
    again ||= look.again;
  }
  return { files, again };
}

function inForceDiffers(a: State["files"], b: State["files"]): boolean {
  if (a.size !== b.size) return true;
  return [...b].some(([path, file]) => a.get(path)?.inForce !== file.inForce);
}

/** The folders that hold the paths themselves: a path may be a link that is put elsewhere, or a file that is replaced. */
async function parentsOf(paths: readonly string[]): Promise<readonly string[]> {
  const parents = paths.map((path) => realpath(dirname(normalize(path))).catch(() => dirname(path)));
  return await Promise.all(parents);
}

/** Looks at everything once, and hands over the objects when they differ. Says whether to look again soon. */
async function scan(state: State, first: boolean): Promise<boolean> {
  const { paths, gatewayAddresses, onObjects } = state.options;
  const found = await findManifestFiles(paths);
  if (first && found.unusable.length > 0) throw unusablePaths(found.unusable);
  await state.watch.set([...new Set([...(await parentsOf(paths)), ...found.folders])]);
  const looked = await lookAtAll(state, found);
  const changed = first || inForceDiffers(state.files, looked.files);
  state.files = looked.files;
  const inputs = [...looked.files.values()].map(({ inForce }) => ({ ...inForce, problems: [] }));
  const merged = mergeObjects(inputs);
  if (!changed) {
    logNew(state, [...found.problems, ...found.unusable, ...merged.problems]);
    return looked.again;
  }
  const addressed = applyGatewayAddresses(merged.decoded, gatewayAddresses);
  state.gatewayProblems = addressed.problems;
  logNew(state, [...found.problems, ...found.unusable, ...merged.problems]);
  onObjects(addressed.objects);
  return looked.again;
}

/** One timer that rings at the earliest of the times asked for. */
function createAlarm(ring: () => void) {
  let timer: NodeJS.Timeout | undefined;
  let dueMs = Number.POSITIVE_INFINITY;
  return {
    plan(delayMs: number) {
      const at = performance.now() + delayMs;
      if (at >= dueMs) return;
      clearTimeout(timer);
      dueMs = at;
      timer = setTimeout(() => {
        dueMs = Number.POSITIVE_INFINITY;
        ring();
      }, delayMs);
      timer.unref();
    },
    stop: () => clearTimeout(timer),
  };
}

/** Runs scans one after the other: soon after an event, and now and then without. */
function scanLoop(state: State) {
  const { log, debounceMs = DEBOUNCE_MS, scanMs = SCAN_MS } = state.options;
  let running: Promise<void> | undefined;
  let eventSeen = false;
  let closed = false;
  const run = async () => {
    const startedMs = performance.now();
    const again = await scan(state, false).catch((error: unknown) => {
      log.error({ err: error }, "looking at the manifests failed");
      return false;
    });
    running = undefined;
    if (closed) return;
    alarm.plan(Math.max(scanMs, (performance.now() - startedMs) * SCAN_SHARE));
    if (again) alarm.plan(SHRINK_CONFIRM_MS);
    if (eventSeen) alarm.plan(debounceMs);
  };
  const alarm = createAlarm(() => {
    eventSeen = false;
    running = run();
  });
  return {
    onEvent() {
      eventSeen = true;
      if (running === undefined && !closed) alarm.plan(debounceMs);
    },
    start: () => alarm.plan(scanMs),
    async close() {
      closed = true;
      alarm.stop();
      await running;
    },
  };
}

/**
 * Reads manifests and follows their changes: edits, files that come and go, folders and links that are replaced. An
 * edit is in force some 100 ms after the last write, one that takes objects away `SHRINK_CONFIRM_MS` later. An edit
 * with a mistake leaves the last good objects of that file in force. Rejects with SLUICE_INPUT_UNREADABLE when a path
 * cannot be used at the start; one that goes later keeps its objects.
 */
export async function startManifestSource(options: ManifestSourceOptions): Promise<ManifestSource> {
  let onEvent = () => {};
  const watch = createPathWatch(() => onEvent());
  const state: State = { options, watch, files: new Map(), logged: new Set(), gatewayProblems: [] };
  const loop = scanLoop(state);
  onEvent = loop.onEvent;
  try {
    await scan(state, true);
  } catch (error) {
    await loop.close();
    watch.close();
    throw error;
  }
  loop.start();
  return {
    async close() {
      watch.close();
      await loop.close();
    },
  };
}
