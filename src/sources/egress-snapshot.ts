import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { EgressHostname, EgressView } from "../model/egress.ts";
import { fail, ok, type Result } from "../model/result.ts";

/** Changes when the content does, so that a file of another version is passed over instead of misread. */
const VERSION = 1;

/** A snapshot of ten thousand names is about 3 MiB; anything far beyond is not ours. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Reads the egress names that the last run knew, so that a start without the API server answers them as before.
 * A problem is one sentence; an absent file is a problem like any other.
 */
export async function readEgressSnapshot(file: string): Promise<Result<EgressView>> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > MAX_BYTES) return fail(`snapshot ${file} is larger than ${MAX_BYTES} bytes`);
    const content = JSON.parse(bytes.toString("utf8")) as { version?: unknown; view?: unknown };
    if (content?.version !== VERSION)
      return fail(`snapshot ${file} is of version ${String(content?.version)}, not ${VERSION}`);
    return isEgressView(content.view) ? ok(content.view) : fail(`snapshot ${file} does not hold egress names`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return fail(
      code === "ENOENT" ? `there is no snapshot ${file} yet` : `snapshot ${file} cannot be read: ${String(error)}`,
    );
  }
}

/** Writes the names whole or not at all: a reader never sees half a file. */
export async function writeEgressSnapshot(file: string, view: EgressView): Promise<void> {
  const { egressHostnames, gatewayPodAddresses } = view;
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.tmp`;
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.writeFile(JSON.stringify({ version: VERSION, view: { egressHostnames, gatewayPodAddresses } }));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

const isText = (value: unknown): value is string => typeof value === "string";
const isMap = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);
const isTextList = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

const isRef = (value: unknown): boolean =>
  isMap(value) && ["apiVersion", "kind", "namespace", "name"].every((key) => isText(value[key]));

function isState(value: unknown): boolean {
  if (!isMap(value)) return false;
  if (value["status"] === "ready") return isTextList(value["addresses"]);
  if (value["status"] === "unresolved") return isTextList(value["hostnames"]);
  return value["status"] === "closed" && isText(value["reason"]);
}

const isEgressHostname = (value: unknown): value is EgressHostname =>
  isMap(value) &&
  isText(value["hostname"]) &&
  isText(value["listener"]) &&
  isRef(value["gateway"]) &&
  (value["route"] === undefined || isRef(value["route"])) &&
  isState(value["state"]) &&
  Array.isArray(value["losers"]) &&
  value["losers"].every(isRef);

const isEgressView = (value: unknown): value is EgressView =>
  isMap(value) &&
  Array.isArray(value["egressHostnames"]) &&
  value["egressHostnames"].every(isEgressHostname) &&
  isTextList(value["gatewayPodAddresses"]);
