import { type Decoded, decodeObject } from "../../model/decode.ts";
import type { RawObject } from "./raw-object.ts";

/** Where a reflector puts what it sees of one resource. */
export type ReflectorSink = {
  /** The whole truth, from a list. */
  replace(objects: readonly RawObject[]): void;
  upsert(object: RawObject): void;
  remove(object: RawObject): void;
};

/** The objects of one kind as they were last seen. */
export type ObjectStore = ReflectorSink & {
  objects(): readonly Decoded[];
  count(): number;
};

type Stored = { readonly uid: string; readonly resourceVersion: string; readonly decoded: Decoded };

const keyOf = ({ metadata }: RawObject): string => `${metadata.namespace ?? ""}/${metadata.name}`;

/** Undefined for objects of another kind, which an API server does not send. */
function store(raw: RawObject): Stored | undefined {
  const outcome = decodeObject(raw);
  if (outcome.status !== "decoded") return undefined;
  const { uid = "", resourceVersion = "" } = raw.metadata;
  return { uid, resourceVersion, decoded: outcome.decoded };
}

const isSame = (a: Stored | undefined, raw: RawObject): boolean =>
  a !== undefined && a.uid === raw.metadata.uid && a.resourceVersion === raw.metadata.resourceVersion;

/** The objects of a list; what was known of those that have not changed is taken over. */
function replaced(known: ReadonlyMap<string, Stored>, list: readonly RawObject[]): Map<string, Stored> {
  const next = new Map<string, Stored>();
  for (const raw of list) {
    const key = keyOf(raw);
    const before = known.get(key);
    const stored = isSame(before, raw) ? before : store(raw);
    if (stored !== undefined) next.set(key, stored);
  }
  return next;
}

/**
 * Keeps objects by name. An object that was deleted and made again under its name has another uid: it takes the
 * place of the old one, whose late deletion then removes nothing. `onChange` is called only when something did.
 */
export function createObjectStore(onChange: () => void): ObjectStore {
  let objects = new Map<string, Stored>();
  let decoded: readonly Decoded[] | undefined;
  const changed = () => {
    decoded = undefined;
    onChange();
  };
  return {
    objects() {
      decoded ??= [...objects.values()].map((stored) => stored.decoded);
      return decoded;
    },
    count: () => objects.size,
    replace(list) {
      const next = replaced(objects, list);
      const differs = next.size !== objects.size || [...next].some(([key, stored]) => objects.get(key) !== stored);
      objects = next;
      if (differs) changed();
    },
    upsert(raw) {
      const key = keyOf(raw);
      if (isSame(objects.get(key), raw)) return;
      const stored = store(raw);
      if (stored === undefined) return;
      objects.set(key, stored);
      changed();
    },
    remove(raw) {
      const key = keyOf(raw);
      const known = objects.get(key);
      if (known === undefined || (raw.metadata.uid !== undefined && known.uid !== raw.metadata.uid)) return;
      objects.delete(key);
      changed();
    },
  };
}
