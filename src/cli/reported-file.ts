import { existsSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { ReportedFile } from "../lint/formats/format.ts";
import { STDIN_NAME } from "../sources/manifests.ts";

/** The root that paths in reports start from: the Git repository around a folder, else the folder itself. */
export function sourceRoot(folder: string): string {
  let candidate = resolve(folder);
  while (!existsSync(join(candidate, ".git"))) {
    const parent = dirname(candidate);
    if (parent === candidate) return resolve(folder);
    candidate = parent;
  }
  return candidate;
}

/** How reports name a file that was given or found from `folder`. */
export function reportedFile(folder: string): (file: string) => ReportedFile {
  const root = sourceRoot(folder);
  return (file) => {
    if (file === STDIN_NAME) return { kind: "stream", path: file };
    const absolute = resolve(folder, file);
    const path = relative(root, absolute);
    const isInside = path !== "" && path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path);
    return { kind: isInside ? "inside" : "outside", path: (isInside ? path : absolute).replaceAll(sep, "/") };
  };
}
