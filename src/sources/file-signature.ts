import { stat } from "node:fs/promises";

/** What changes when a file's content does. */
export type FileSignature = {
  /** Which file it is, its size and its times; "" when there is none. */
  readonly text: string;
  /**
   * Whether the signature can be trusted to differ after the next change. A file that was written a moment ago may
   * be written again within one tick of its file system's clock: 4 ms on Linux, 2 s on FAT.
   */
  readonly settled: boolean;
};

const COARSEST_TICK_MS = 2_000;

export async function fileSignature(path: string): Promise<FileSignature> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, mtimeMs } = await stat(path, { bigint: true });
    const age = Date.now() - Number(mtimeMs);
    return {
      text: [dev, ino, size, mtimeNs, ctimeNs].join(":"),
      settled: age > COARSEST_TICK_MS || age < -COARSEST_TICK_MS,
    };
  } catch {
    return { text: "", settled: true };
  }
}
