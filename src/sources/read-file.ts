import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type DecodedText, decodeText } from "./decode-text.ts";
import type { SourceProblem } from "./source-problem.ts";
import { YAML_LIMITS } from "./yaml/yaml-limits.ts";

/** Why the system refused, in words. */
const REASONS: Readonly<Record<string, { readonly message: string; readonly hint: string }>> = {
  ENOENT: { message: "does not exist", hint: "check the path" },
  EACCES: { message: "may not be read by this user", hint: "grant read permission, or run as its owner" },
  EPERM: { message: "may not be read by this user", hint: "grant read permission, or run as its owner" },
  ELOOP: { message: "is a symbolic link that leads in a circle", hint: "remove the link" },
  ENXIO: { message: "is a socket or a device, not a file", hint: "give a file, or `-` and pipe the text in" },
  EMFILE: { message: "cannot be opened: too many files are open", hint: "raise the limit of open files (ulimit -n)" },
  ENOTDIR: { message: "does not exist: a part of its path is no folder", hint: "check the path" },
  ENAMETOOLONG: { message: "has a name that is too long", hint: "check the path" },
};

/** A failure of the file system as a problem of one path. */
export function fileProblem(error: unknown, file: string): SourceProblem {
  const { code, message } = error as NodeJS.ErrnoException;
  const words = REASONS[code ?? ""] ?? { message: `cannot be read: ${message}`, hint: "check the file" };
  return { severity: "error", rule: "input-unreadable", file, ...words };
}

const notAFile = (file: string): SourceProblem => ({
  severity: "error",
  rule: "input-unreadable",
  file,
  message: "is a pipe, socket or device, not a file",
  hint: "give a file, or `-` and pipe the text in",
});

async function readOpened(handle: FileHandle, file: string): Promise<DecodedText & { readonly bytes?: number }> {
  const stats = await handle.stat();
  if (!stats.isFile()) return { problem: notAFile(file) };
  const limit = YAML_LIMITS.bytes;
  const tooLarge = `holds more than 4 MiB (${stats.size} bytes)`;
  if (stats.size > limit) {
    return { problem: { severity: "error", rule: "yaml-limit", file, message: tooLarge, hint: "split the file" } };
  }
  // A file that grows while it is read is cut at the limit, which parsing then refuses.
  const buffer = Buffer.allocUnsafe(Math.min(limit + 1, stats.size * 2 + 4096));
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
    length += bytesRead;
    if (bytesRead === 0 || length === buffer.length) break;
  }
  return { ...decodeText(buffer.subarray(0, length), file), bytes: length };
}

/**
 * Reads a manifest. Opened without blocking and looked at before the first read, so that a pipe or device that
 * takes the file's place cannot hang the program. Never rejects.
 */
export async function readTextFile(file: string): Promise<DecodedText & { readonly bytes?: number }> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    return await readOpened(handle, file);
  } catch (error) {
    return { problem: fileProblem(error, file) };
  } finally {
    await handle?.close();
  }
}
