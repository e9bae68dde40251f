import { matchesGlob } from "node:path";
import type { CorefileFiles } from "../../../src/dns/corefile/corefile-files.ts";
import { fail, ok } from "../../../src/model/result.ts";

/** Files that exist in a test only, by path. */
export const memoryFiles = (files: Readonly<Record<string, string>> = {}): CorefileFiles => ({
  read: (path) => {
    const text = Object.hasOwn(files, path) ? files[path] : undefined;
    return text === undefined ? fail("it does not exist") : ok(text);
  },
  glob: (pattern) => Object.keys(files).filter((path) => matchesGlob(path, pattern)),
});
