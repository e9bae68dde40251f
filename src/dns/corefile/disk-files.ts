import { closeSync, constants, fstatSync, globSync, openSync, readFileSync } from "node:fs";
import { fail, ok, type Result } from "../../model/result.ts";
import type { CorefileFiles } from "./corefile-files.ts";
import { MAX_FILE_CHARACTERS } from "./lex.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  ENOTDIR: "it does not exist: a part of its path is no folder",
  EACCES: "this user may not read it",
  EISDIR: "it is a folder",
  ENXIO: "it is a pipe or socket, not a file",
};

/** Opened without blocking and looked at before the first read, so that a pipe or device cannot hang the program. */
function readRegularFile(path: string): Result<string> {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return fail("it is a folder, pipe or device, not a file");
    if (stats.size > MAX_FILE_CHARACTERS) return fail(`it holds ${stats.size} bytes, more than ${MAX_FILE_CHARACTERS}`);
    return ok(readFileSync(descriptor, "utf8"));
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    return fail(REASONS[code] ?? message);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** The files of this machine. */
export const createDiskFiles = (): CorefileFiles => ({
  read: readRegularFile,
  glob: (pattern) => globSync(pattern),
});
