import { fileSignature } from "./file-signature.ts";
import { namePlacesOnly } from "./located-object.ts";
import { type FileObjects, objectsOfFile } from "./manifests.ts";

/** One watched file: what of it is in force, and what was seen of it last. */
export type KnownFile = {
  readonly signature: string;
  readonly settled: boolean;
  readonly inForce: FileObjects;
  /** The digest of the newest reading; another than that of `inForce` after a bad edit. */
  readonly digest: string;
  /** A newer state that takes objects away, and since when it has been so. */
  readonly shrinking?: { readonly digest: string; readonly sinceMs: number };
};

/** What looking at a file came to. */
export type FileLook = {
  /** Undefined: nothing of the file is in force any more. */
  readonly file: KnownFile | undefined;
  /** Something new was read; `kept`: it has a mistake and the last good objects stay. */
  readonly read?: { readonly objects: FileObjects; readonly kept: boolean };
  /** Look again soon. */
  readonly again: boolean;
};

/**
 * An editor may empty a file before it writes it, or take it away before it puts the new one there. Acting on that
 * would let an egress hostname slip out for a moment, so that objects go only after this time.
 */
export const SHRINK_CONFIRM_MS = 300;

const GONE = "gone";

export const hasErrors = (reading: FileObjects): boolean =>
  reading.problems.some((problem) => problem.severity === "error");

function shrinks(reading: FileObjects | undefined, known: KnownFile): boolean {
  const left = new Set(reading?.decoded.map(({ ref }) => `${ref.kind} ${ref.namespace}/${ref.name}`));
  return known.inForce.decoded.some(({ ref }) => !left.has(`${ref.kind} ${ref.namespace}/${ref.name}`));
}

/** A state without some of the objects comes into force when it has lasted. */
function confirmed(known: KnownFile, digest: string, nowMs: number): boolean {
  const { shrinking } = known;
  return shrinking?.digest === digest && nowMs - shrinking.sinceMs >= SHRINK_CONFIRM_MS;
}

function wait(known: KnownFile, digest: string, nowMs: number): FileLook {
  const sinceMs = known.shrinking?.digest === digest ? known.shrinking.sinceMs : nowMs;
  return { file: { ...known, shrinking: { digest, sinceMs } }, again: true };
}

const withoutShrinking = ({ shrinking: _shrinking, ...known }: KnownFile): KnownFile => known;

function lookAtGone(known: KnownFile | undefined, nowMs: number): FileLook {
  if (known === undefined || confirmed(known, GONE, nowMs)) return { file: undefined, again: false };
  return wait(known, GONE, nowMs);
}

/**
 * Looks at a file again. A reading with errors does not replace one without; of a file that has always had errors, the
 * newest reading is in force as far as it goes.
 */
export async function lookAtFile(path: string, known: KnownFile | undefined, nowMs: number): Promise<FileLook> {
  const signature = await fileSignature(path);
  if (signature.text === "") return lookAtGone(known, nowMs);
  const unchanged = known?.signature === signature.text && known.settled && known.shrinking === undefined;
  if (known !== undefined && unchanged) return { file: known, again: false };
  const read = await objectsOfFile(path);
  // What is wrong in the file has been said with its place; a watched file's parsed documents are not kept for months.
  const objects = { ...read, decoded: read.decoded.map(namePlacesOnly) };
  const seen = { signature: signature.text, settled: signature.settled, digest: objects.digest };
  if (known === undefined) return { file: { ...seen, inForce: objects }, read: { objects, kept: false }, again: false };
  if (known.digest === objects.digest && known.inForce.digest !== objects.digest) {
    return { file: { ...withoutShrinking(known), ...seen }, again: false };
  }
  if (known.inForce.digest === objects.digest) return { file: { ...withoutShrinking(known), ...seen }, again: false };
  if (hasErrors(objects) && !hasErrors(known.inForce)) {
    return { file: { ...withoutShrinking(known), ...seen }, read: { objects, kept: true }, again: false };
  }
  if (shrinks(objects, known) && !confirmed(known, objects.digest, nowMs)) return wait(known, objects.digest, nowMs);
  return { file: { ...seen, inForce: objects }, read: { objects, kept: false }, again: false };
}
