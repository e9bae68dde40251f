import { open, stat } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { canonicalAddress } from "../../../model/address.ts";
import { fail, ok, type Result } from "../../../model/result.ts";
import { parseZone } from "../../corefile/zone.ts";
import type { HostsEntry } from "./setup.ts";

/** What tells one state of a file from another without reading it. */
export type FileStamp = { readonly modifiedMs: number; readonly octets: number };

export type HostsFile = { readonly stamp: FileStamp; readonly entries: readonly HostsEntry[] };

/** Far above the largest list of blocked names that is in use. */
const MAX_OCTETS = 64 * 1024 * 1024;

/** Lines that are read in one go: about a millisecond, so that questions do not wait. */
const LINES_AT_ONCE = 500;

/**
 * Reads a hosts file unless it is as `known` says: then undefined. A line is an address and its names, from `#` on a
 * comment; lines that are not so are passed over, as CoreDNS does.
 */
export async function readHostsFile(path: string, known?: FileStamp): Promise<Result<HostsFile | undefined>> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return fail("it is no file");
    if (found.size > MAX_OCTETS) return fail(`it is larger than ${MAX_OCTETS} octets`);
    const stamp = { modifiedMs: found.mtimeMs, octets: found.size };
    if (known?.modifiedMs === stamp.modifiedMs && known.octets === stamp.octets) return ok(undefined);
    return ok({ stamp, entries: await parseHosts(await readUpTo(path, found.size)) });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

/** Reads what the file was said to hold, even if it has grown since. */
async function readUpTo(path: string, octets: number): Promise<string> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.alloc(octets);
    let length = 0;
    while (length < octets) {
      const { bytesRead } = await file.read(buffer, length, octets - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.toString("utf8", 0, length);
  } finally {
    await file.close();
  }
}

/** The entries of a hosts file's text; lets other work go on in between. */
export async function parseHosts(text: string): Promise<readonly HostsEntry[]> {
  const entries: HostsEntry[] = [];
  let lines = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    const entry = parseLine(text.slice(start, end));
    if (entry !== undefined) entries.push(entry);
    start = end + 1;
    lines += 1;
    if (lines % LINES_AT_ONCE === 0) await setImmediate();
  }
  return entries;
}

function parseLine(line: string): HostsEntry | undefined {
  const [content = ""] = line.split("#", 1);
  const [first = "", ...names] = content.trim().split(/\s+/);
  const [unscoped = ""] = first.split("%", 1);
  const address = canonicalAddress(unscoped);
  if (address === undefined) return undefined;
  return { address, names: names.flatMap((name) => hostName(name) ?? []) };
}

/** Absolute and lower case; undefined for what is no name. */
function hostName(text: string): string | undefined {
  const isWildcard = text.startsWith("*.");
  const zone = parseZone(isWildcard ? text.slice(2) : text);
  if (!zone.ok) return undefined;
  return isWildcard ? `*.${zone.value}` : zone.value;
}
