import type { Config } from "../config/schema.ts";
import type { LoadedServer } from "../dns/directives/load-corefile.ts";
import { settingsOf } from "../dns/pipeline/plan.ts";
import type { EgressView } from "../model/egress.ts";
import type { Log } from "../observe/log.ts";
import { readEgressSnapshot, writeEgressSnapshot } from "../sources/egress-snapshot.ts";

/** Where the last known names are kept: as the Corefile says, else as the settings do; undefined: nowhere. */
export function snapshotFile(
  { snapshot }: Pick<Config, "snapshot">,
  servers: readonly LoadedServer[],
): string | undefined {
  const given = servers.flatMap((server) => settingsOf(server, "sluice")).find((one) => one.snapshot !== undefined);
  if (given === undefined) return snapshot;
  return given.snapshot === "off" ? undefined : given.snapshot;
}

/** The names that were known last; undefined without a file that can be read. */
export async function rememberedView(file: string | undefined, log: Log): Promise<EgressView | undefined> {
  if (file === undefined) return undefined;
  const read = await readEgressSnapshot(file);
  if (!read.ok) {
    log.info({ reason: read.problems.join("; ") }, "no snapshot to start from");
    return undefined;
  }
  log.warn({ file, names: read.value.egressHostnames.length }, "answering from the snapshot until the first sync");
  return read.value;
}

/** Writes the newest view, one write at a time; views that come meanwhile are written once, the last one. */
export function rememberer(file: string | undefined, log: Log): (view: EgressView) => void {
  let waiting: EgressView | undefined;
  let writing = false;
  const write = async (path: string): Promise<void> => {
    writing = true;
    while (waiting !== undefined) {
      const view = waiting;
      waiting = undefined;
      try {
        await writeEgressSnapshot(path, view);
      } catch (error) {
        log.warn({ err: error, file: path }, "snapshot cannot be written");
      }
    }
    writing = false;
  };
  return (view) => {
    if (file === undefined) return;
    waiting = view;
    if (!writing) void write(file);
  };
}
