import type { Decoded } from "../model/decode.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { Topology } from "../model/topology.ts";
import type { SourceLog } from "./source-log.ts";

/** A Snapshot that sources write to. */
export type LiveSnapshot = Snapshot & {
  /**
   * Replaces everything that one source holds, builds the Topology anew and tells the subscribers. `complete` is false
   * as long as the source has not delivered everything once.
   */
  update(source: string, objects: readonly Decoded[], complete: boolean): void;
  /** Builds the Topology of the same objects in another way from now on, and tells the subscribers. */
  rebuild(build: LiveSnapshotOptions["build"]): void;
};

type Held = { readonly objects: readonly Decoded[]; readonly complete: boolean };

export type LiveSnapshotOptions = {
  /** Every source that will write. Their order decides which object counts when two have the same identity: the last. */
  readonly sources: readonly string[];
  /** Pure; gets the objects of all sources. */
  readonly build: (objects: readonly Decoded[]) => Topology;
  readonly log: SourceLog;
};

/**
 * Holds the newest Topology of several sources. It is replaced whole; when building fails, which would be a bug, the
 * last one stays. A subscriber that throws is logged and does not keep the others from being told.
 */
export function createLiveSnapshot({ sources, log, ...options }: LiveSnapshotOptions): LiveSnapshot {
  let { build } = options;
  const held = new Map<string, Held>(sources.map((source) => [source, { objects: [], complete: false }]));
  const listeners = new Set<(topology: Topology) => void>();
  let topology = build([]);

  const tell = () => {
    for (const listener of [...listeners]) {
      try {
        listener(topology);
      } catch (error) {
        log.error({ err: error }, "a subscriber of the topology failed");
      }
    }
  };

  const replace = (about: object): void => {
    try {
      topology = build([...held.values()].flatMap((each) => each.objects));
    } catch (error) {
      log.error({ err: error, ...about }, "the topology could not be built, the last one stays");
      return;
    }
    tell();
  };

  return {
    current: () => topology,
    synced: () => [...held.values()].every(({ complete }) => complete),
    subscribe(listener) {
      // Wrapped, so that one function subscribed twice is two subscriptions.
      const own = (next: Topology) => listener(next);
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },
    update(source, objects, complete) {
      if (!held.has(source)) throw new Error(`"${source}" is not one of this snapshot's sources`);
      held.set(source, { objects, complete });
      replace({ source });
    },
    rebuild(next) {
      build = next;
      replace({});
    },
  };
}
