import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { SluiceError } from "../model/errors.ts";

/** New content for a file that holds `before`. */
export type Replacement = { readonly file: string; readonly before: string; readonly after: string };

/** A new file that waits to take the place of the real one. */
type Prepared = { readonly real: string; readonly temporary: string };

const failure = (file: string, cause: unknown, changed: string): SluiceError => {
  const { code, message } = cause as NodeJS.ErrnoException;
  const denied = code === "EACCES" || code === "EPERM" || code === "EROFS";
  const reason = denied ? "it, or its folder, may not be written by this user" : message;
  return new SluiceError(
    "SLUICE_OUTPUT_FAILED",
    `${file} cannot be changed: ${reason}; ${changed}`,
    denied ? "grant write permission, or use --fix-dry-run and apply the diff" : "check the file and its folder",
    cause,
  );
};

const changed = (file: string): SluiceError =>
  new SluiceError(
    "SLUICE_OUTPUT_FAILED",
    `${file} was changed by somebody else meanwhile; no file was changed`,
    "run again when nothing else writes to it",
  );

async function prepare({ file, before, after }: Replacement): Promise<Prepared> {
  const real = await realpath(file);
  // Opened as a writer would, which asks for more than the right to replace it.
  await (await open(real, constants.O_WRONLY | constants.O_NONBLOCK)).close();
  const { mode, uid, gid } = await stat(real);
  if ((await readFile(real, "utf8")) !== before) throw changed(file);
  const temporary = join(dirname(real), `.${basename(real)}.${randomBytes(6).toString("hex")}.tmp`);
  const handle = await open(temporary, "wx", mode);
  try {
    await handle.writeFile(after);
    // Only root can give a file to somebody else; for others the file becomes their own.
    await handle.chown(uid, gid).catch(() => undefined);
    // The mode that a file is made with is cut by the umask.
    await handle.chmod(mode & 0o7777);
    await handle.sync();
    return { real, temporary };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Replaces files: all new ones are written beside the old before the first takes its place, so that each file is whole
 * at any moment, and none is changed when one cannot be. Symbolic links stay and lead to the new content, modes are
 * kept. Throws SLUICE_OUTPUT_FAILED.
 */
export async function replaceFiles(replacements: readonly Replacement[]): Promise<void> {
  const prepared: Prepared[] = [];
  let at = "";
  try {
    for (const replacement of replacements) {
      at = replacement.file;
      prepared.push(await prepare(replacement));
    }
  } catch (error) {
    for (const { temporary } of prepared) await rm(temporary, { force: true }).catch(() => undefined);
    throw error instanceof SluiceError ? error : failure(at, error, "no file was changed");
  }
  await putInPlace(prepared);
}

/** The last step, which fails only when a folder goes away meanwhile. */
async function putInPlace(prepared: readonly Prepared[]): Promise<void> {
  for (const [index, { real, temporary }] of prepared.entries()) {
    try {
      await rename(temporary, real);
    } catch (error) {
      for (const left of prepared.slice(index)) await rm(left.temporary, { force: true }).catch(() => undefined);
      throw failure(real, error, `${index} of ${prepared.length} files were changed`);
    }
  }
}
