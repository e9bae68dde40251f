import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { SluiceError } from "../model/errors.ts";

/** The four PEM texts of the development store; "" stands for a file that is absent or holds nothing. */
export type CertificateFiles = {
  readonly caCert: string;
  readonly caKey: string;
  readonly leafCert: string;
  readonly leafKey: string;
};

/** File names in the folder, in the order in which they are written: keys before the certificates that need them. */
export const CERTIFICATE_FILES: { readonly [F in keyof CertificateFiles]: string } = {
  caKey: "ca.key",
  leafKey: "tls.key",
  caCert: "ca.crt",
  leafCert: "tls.crt",
};

/** A PEM of ours is under 1 KiB; a file beyond this is something else and is not read into memory. */
const MAX_FILE_BYTES = 256 * 1024;

/** Making a CA and a leaf takes 40 ms; an owner that has not finished after 10 s is dead. */
const LOCK_LIFE_MS = 10_000;
const LOCK_RETRY_MS = 20;

const isKey = (file: string): boolean => file.endsWith(".key");

/** Reads all four files. A file that is absent or too large comes back as ""; one that may not be read is an error. */
export async function readFiles(directory: string): Promise<CertificateFiles> {
  const [caCert, caKey, leafCert, leafKey] = await Promise.all(
    (["caCert", "caKey", "leafCert", "leafKey"] as const).map((file) => read(directory, CERTIFICATE_FILES[file])),
  );
  return { caCert: caCert ?? "", caKey: caKey ?? "", leafCert: leafCert ?? "", leafKey: leafKey ?? "" };
}

/**
 * Writes all four files, each whole or not at all: into a new file beside it that is then renamed. Keys are readable by
 * their owner only (0600). Belongs inside `withLock`.
 */
export async function writeFiles(directory: string, files: CertificateFiles): Promise<void> {
  try {
    for (const [file, name] of Object.entries(CERTIFICATE_FILES)) {
      await writeWhole(join(directory, name), files[file as keyof CertificateFiles], isKey(name) ? 0o600 : 0o644);
    }
  } catch (cause) {
    throw unusable(directory, "written", cause);
  }
}

/**
 * Lets one process at a time change the folder, which is made (0700) when absent: a key of one and a certificate of
 * another would not fit together. A lock that its owner left behind when it was killed is broken after ten seconds.
 */
export async function withLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const lock = join(directory, ".lock");
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    while (!(await claim(lock))) {
      const since = (await stat(lock).catch(() => undefined))?.mtimeMs ?? Date.now();
      if (Date.now() - since > LOCK_LIFE_MS) await rm(lock, { force: true });
      else await setTimeout(LOCK_RETRY_MS);
    }
  } catch (cause) {
    throw unusable(directory, "written", cause);
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/** Whether the lock file was made here; false when it is there already. */
async function claim(lock: string): Promise<boolean> {
  try {
    await (await open(lock, "wx", 0o600)).close();
    return true;
  } catch (cause) {
    if (isCode(cause, "EEXIST")) return false;
    throw cause;
  }
}

const isCode = (cause: unknown, code: string): boolean =>
  cause instanceof Error && "code" in cause && cause.code === code;

async function read(directory: string, name: string): Promise<string> {
  const path = join(directory, name);
  try {
    const { size, mode } = await stat(path);
    if (size > MAX_FILE_BYTES) return "";
    // Not ours to change, for example on a read-only mount: then the key stays as its owner left it.
    if (isKey(name) && (mode & 0o077) !== 0) await chmod(path, 0o600).catch(() => undefined);
    return await readFile(path, "utf8");
  } catch (cause) {
    if (isCode(cause, "ENOENT")) return "";
    throw unusable(path, "read", cause);
  }
}

async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString("hex")}.new`;
  try {
    const file = await open(draft, "wx", mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true });
    throw cause;
  }
}

const unusable = (path: string, verb: string, cause: unknown): SluiceError =>
  new SluiceError(
    "SLUICE_CERTIFICATES_FAILED",
    `'${path}' cannot be ${verb}: ${cause instanceof Error ? cause.message : String(cause)}`,
    "choose a folder that this user may write to",
    cause,
  );
