import type { HandlerContext } from "../../pipeline/serve.ts";
import type { NameKey } from "../../wire/name.ts";
import type { CacheCounts, PartCounts } from "./cache-counts.ts";
import { type Entry, isUsableStale } from "./entry.ts";
import { createEntryStore, type EntryStore } from "./entry-store.ts";
import type { CacheSettings } from "./setup.ts";

/** Both halves of a cache. At most one of them has an entry for a question, but for `serve_stale_policy`. */
export type KeptEntries = {
  readonly success: EntryStore;
  readonly denial: EntryStore;
  put(entry: Entry, now: number): void;
  remove(entry: Entry): void;
  /** The newest entry for a question, whatever its kind and age. */
  find(slot: number, key: NameKey): Entry | undefined;
  /** Called when the handler ends: nothing is counted for it any more, unless its successor goes on with the same. */
  release(): void;
};

/** Octets for each entry that the capacity allows, all objects counted: two records of usual size and some more. */
const OCTETS_PER_ENTRY = 2048;

/** By this name the entries are handed on over a reload. */
const KEPT_AS = "cache";

type Stores = { readonly success: EntryStore; readonly denial: EntryStore };
type Handed = { readonly rules: string; readonly stores: Stores; readonly labels: string };

/** What decides which entries there are, and for how long. A block has its zone once for each port. */
const rulesOf = ({ zones, success, denial, disabled, servfailMs }: CacheSettings): string =>
  JSON.stringify([[...new Set(zones)], success, denial, disabled, servfailMs]);

function openStore(capacity: number, share: (total: number) => number): EntryStore {
  const mine = capacity === 0 ? 0 : share(capacity);
  return createEntryStore(mine, mine * OCTETS_PER_ENTRY);
}

/** The predecessor's stores when they were filled by the same rules, otherwise empty ones. */
function openStores(settings: CacheSettings, { kept, share }: HandlerContext): Stores {
  const handed = kept.get(KEPT_AS) as Handed | undefined;
  if (handed?.rules === rulesOf(settings)) return handed.stores;
  return { success: openStore(settings.success.capacity, share), denial: openStore(settings.denial.capacity, share) };
}

/** `staleMs`: how long entries are of use after their end. */
export function openKeptEntries(
  settings: CacheSettings,
  context: HandlerContext,
  counts: CacheCounts,
  staleMs: number,
): KeptEntries {
  const stores = openStores(settings, context);
  const { success, denial } = stores;
  const handed: Handed = { rules: rulesOf(settings), stores, labels: `${context.server} ${settings.zones.join(",")}` };
  context.kept.set(KEPT_AS, handed);
  const countEntries = entryCounter(handed, context.kept, counts);
  const putInto = (store: EntryStore, entry: Entry, { evictions }: PartCounts): void => {
    const evicted = store.put(entry);
    if (evicted > 0) evictions.add(evicted);
    countEntries(stores);
  };
  countEntries(stores);
  return {
    success,
    denial,
    put(entry, now) {
      const { slot, key, kind } = entry;
      const good = success.get(slot, key);
      const bad = denial.get(slot, key);
      if (kind === "success") {
        if (bad !== undefined) denial.remove(bad);
        return putInto(success, entry, counts.success);
      }
      const isOfUse = (other: Entry | undefined) => other !== undefined && isUsableStale(other, now, staleMs);
      // A failure hides nothing that a client can use.
      if (kind === "failure" && (isOfUse(good) || isOfUse(bad))) return;
      if (good !== undefined && !(settings.preferPositive && staleMs > 0)) success.remove(good);
      putInto(denial, entry, counts.denial);
    },
    remove(entry) {
      (entry.kind === "success" ? success : denial).remove(entry);
      countEntries(stores);
    },
    find(slot, key) {
      const good = success.get(slot, key);
      const bad = denial.get(slot, key);
      if (good === undefined || bad === undefined) return good ?? bad;
      return good.storedAtMs >= bad.storedAtMs ? good : bad;
    },
    release: () => countEntries(undefined),
  };
}

/**
 * Sets the number of entries, 0 for undefined; not when a successor counts in the same series: it goes on with the same
 * stores, or has begun with empty ones.
 */
function entryCounter(handed: Handed, kept: HandlerContext["kept"], { success, denial }: CacheCounts) {
  return (stores: Stores | undefined): void => {
    const current = kept.get(KEPT_AS) as Handed | undefined;
    if (current !== undefined && current !== handed && current.labels === handed.labels) return;
    success.entries.set(stores?.success.size() ?? 0);
    denial.entries.set(stores?.denial.size() ?? 0);
  };
}
