import type { Result } from "../../model/result.ts";

/** The files that a Corefile may name. Paths are as written, relative ones already joined to the importing file's folder. */
export type CorefileFiles = {
  /** The text of a file; a problem says in words why there is none. */
  readonly read: (path: string) => Result<string>;
  /** Files that match a pattern with one `*` or `?`, in any order. */
  readonly glob: (pattern: string) => readonly string[];
};
