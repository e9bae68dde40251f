import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";

/** Watches folders for any change in them. */
export type PathWatch = {
  /** Replaces what is watched. A folder that was replaced by another under its name is watched anew. */
  set(folders: readonly string[]): Promise<void>;
  close(): void;
};

/** Linux allows 8192 watches a user by default, shared with editors and others; the slow scan covers the rest. */
const MAX_WATCHES = 1_000;

async function identityOfFolder(folder: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(folder, { bigint: true });
    return `${dev}:${ino}:${folder}`;
  } catch {
    return undefined;
  }
}

/**
 * File system events of some folders. Files are watched through their folder, because an editor that replaces a file
 * and the swap of a mounted ConfigMap's `..data` link leave a watch on the file itself with the old one. Events may be
 * missing on some file systems (network mounts) and are never relied on alone.
 */
export function createPathWatch(onEvent: () => void): PathWatch {
  const watchers = new Map<string, FSWatcher>();
  let closed = false;
  const drop = (identity: string) => {
    watchers.get(identity)?.close();
    watchers.delete(identity);
  };
  const add = (identity: string, folder: string) => {
    try {
      const watcher = watch(folder, { persistent: false }, onEvent);
      // The folder went away, or the system has no more watches: the slow scan goes on without.
      watcher.on("error", () => drop(identity));
      watchers.set(identity, watcher);
    } catch {
      // Gone again, or no more watches: the next set() tries again.
    }
  };
  return {
    async set(folders) {
      const wanted = new Map<string, string>();
      for (const folder of folders.slice(0, MAX_WATCHES)) {
        const identity = await identityOfFolder(folder);
        if (identity !== undefined) wanted.set(identity, folder);
      }
      if (closed) return;
      for (const identity of [...watchers.keys()]) if (!wanted.has(identity)) drop(identity);
      for (const [identity, folder] of wanted) if (!watchers.has(identity)) add(identity, folder);
    },
    close() {
      closed = true;
      for (const identity of [...watchers.keys()]) drop(identity);
    },
  };
}
