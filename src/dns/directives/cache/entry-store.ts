import type { NameKey } from "../../wire/name.ts";
import type { Entry } from "./entry.ts";

/**
 * Entries by slot and name, bounded in number and octets. The oldest one goes first, unless it was asked for since its
 * turn came last: then it counts as new (second chance). A hit sets one flag and moves nothing, and a flood of names that
 * are asked for once does not push out what is popular.
 */
export type EntryStore = {
  get(slot: number, key: NameKey): Entry | undefined;
  /** Takes the place of the entry of the same slot and name. Gives how many others had to go; it may be too large. */
  put(entry: Entry): number;
  /** Does nothing when the entry is no longer there. */
  remove(entry: Entry): void;
  size(): number;
  octets(): number;
};

type Shelves = {
  readonly slots: Map<number, Map<NameKey, Entry>>;
  newest: Entry | undefined;
  oldest: Entry | undefined;
  size: number;
  octets: number;
};

export function createEntryStore(capacity: number, maxOctets: number): EntryStore {
  const shelves: Shelves = {
    slots: new Map(),
    newest: undefined,
    oldest: undefined,
    size: 0,
    octets: 0,
  };
  const remove = (entry: Entry): void => {
    if (shelves.slots.get(entry.slot)?.get(entry.key) === entry) takeOut(shelves, entry);
  };
  return {
    get: (slot, key) => shelves.slots.get(slot)?.get(key),
    put(entry) {
      const before = shelves.slots.get(entry.slot)?.get(entry.key);
      if (before !== undefined) {
        entry.wanted = before.wanted;
        remove(before);
      }
      if (capacity < 1 || entry.octets > maxOctets) return 0;
      let evicted = 0;
      while (shelves.size >= capacity || shelves.octets + entry.octets > maxOctets) {
        evictOne(shelves);
        evicted++;
      }
      putIn(shelves, entry);
      return evicted;
    },
    remove,
    size: () => shelves.size,
    octets: () => shelves.octets,
  };
}

function putIn(shelves: Shelves, entry: Entry): void {
  const slot = shelves.slots.get(entry.slot);
  if (slot === undefined) shelves.slots.set(entry.slot, new Map([[entry.key, entry]]));
  else slot.set(entry.key, entry);
  append(shelves, entry);
  shelves.size++;
  shelves.octets += entry.octets;
}

function takeOut(shelves: Shelves, entry: Entry): void {
  unlink(shelves, entry);
  const slot = shelves.slots.get(entry.slot);
  slot?.delete(entry.key);
  // There are as many slots as types that are asked for: empty ones must not pile up.
  if (slot?.size === 0) shelves.slots.delete(entry.slot);
  shelves.size--;
  shelves.octets -= entry.octets;
}

/** Each flag that is passed was set by a hit, so that over time a drop costs no more than the hits before it. */
function evictOne(shelves: Shelves): void {
  let entry = shelves.oldest;
  while (entry?.wanted) {
    entry.wanted = false;
    unlink(shelves, entry);
    append(shelves, entry);
    entry = shelves.oldest;
  }
  if (entry !== undefined) takeOut(shelves, entry);
}

function append(shelves: Shelves, entry: Entry): void {
  entry.older = shelves.newest;
  if (shelves.newest === undefined) shelves.oldest = entry;
  else shelves.newest.newer = entry;
  shelves.newest = entry;
}

function unlink(shelves: Shelves, entry: Entry): void {
  const { newer, older } = entry;
  if (newer === undefined) shelves.newest = older;
  else newer.older = older;
  if (older === undefined) shelves.oldest = newer;
  else older.newer = newer;
  entry.newer = undefined;
  entry.older = undefined;
}
