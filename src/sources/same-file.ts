import { realpathSync } from "node:fs";
import { resolve } from "node:path";

/** Where a path leads, links followed; a file that is not there is where it would be. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** Tells whether another path leads to the same file, by whatever name or link. Nothing is the same as undefined. */
export function sameFileAs(file: string | undefined): (other: string) => boolean {
  if (file === undefined) return () => false;
  const real = realPath(file);
  return (other) => realPath(other) === real;
}
