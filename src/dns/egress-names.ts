import { firstLabel, type NameKey, parentKey } from "./wire/name.ts";
import type { RecordBlock } from "./wire/reply.ts";

/**
 * Names and what is said of them, in one piece of memory that all threads read and none writes any more. In 32-bit words:
 * a header (`HEADER`), the slots of a hash table with open addressing (number of an entry and one, 0: free), the entries
 * (`ENTRY`), then octets: the keys, what is said as JSON, and prepared records.
 */
export type NameTable = SharedArrayBuffer;

/** Where the numbers of the header stand, in words. */
export const HEADER = { slots: 0, entries: 1, claims: 2, blocks: 3, keyAt: 4, words: 5 } as const;
/** The numbers of an entry: its key's first octet, `packLength` of the key, and the number of what is said of it. */
export const ENTRY = { keyAt: 0, length: 1, claim: 2, words: 3 } as const;
/** The numbers of a claim: its JSON's first octet and length. */
export const CLAIM = { at: 0, length: 1, words: 2 } as const;
/** The numbers of a block of records: as of a claim, then `count` and `stride`. */
export const BLOCK = { at: 0, length: 1, count: 2, stride: 3, words: 4 } as const;

/** A wildcard stands under its base; its bit keeps it apart from an exact name of that base. */
const WILDCARD = 0x100;
export const packLength = (key: NameKey, wildcard: boolean): number => key.length | (wildcard ? WILDCARD : 0);

const FNV_PRIME = 0x01000193;
const EXACT_SEED = 0x811c9dc5;
const WILDCARD_SEED = 0x1b873593;

/** From the last octet to the first. What names a question holds cannot make chains longer: those are the table's own. */
export function hashOf(key: NameKey, wildcard: boolean): number {
  let hash = wildcard ? WILDCARD_SEED : EXACT_SEED;
  for (let index = key.length - 1; index >= 0; index--) hash = Math.imul(hash ^ key.charCodeAt(index), FNV_PRIME);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** A claim as it is told in JSON: prepared records as their numbers. */
export type Told = Readonly<Record<string, unknown>> & { readonly a?: number; readonly aaaa?: number };

/** A name table as one thread reads it. What was read is kept, so that asking again allocates nothing. */
export type NameReader<Claim> = {
  readonly size: number;
  /** The number of an exact name's entry, or of the wildcard with this base; -1 without. */
  find(key: NameKey, wildcard: boolean): number;
  /** What is said of a name, always the same object for one number. `hostname` is the name in text. */
  entry(number: number): Claim & { readonly hostname: string };
  /** Everything that is said, of one name or of many. */
  claims(): Iterable<Claim>;
};

/** `api.openai.com` of a key that was made of such a text. */
function hostnameText(octets: Uint8Array): string {
  const labels: string[] = [];
  for (let rest = Buffer.from(octets).toString("latin1"); rest !== ""; rest = parentKey(rest))
    labels.push(firstLabel(rest));
  return labels.join(".");
}

/** Reads a table. `Claim` is what was written into it. */
export function readNames<Claim extends object>(table: NameTable): NameReader<Claim> {
  const words = new Int32Array(table);
  const octets = new Uint8Array(table);
  const at = (index: number): number => words[index] as number;
  const slotsAt = HEADER.words;
  const mask = at(HEADER.slots) - 1;
  const entriesAt = slotsAt + at(HEADER.slots);
  const size = at(HEADER.entries);
  const claimsAt = entriesAt + size * ENTRY.words;
  const blocksAt = claimsAt + at(HEADER.claims) * CLAIM.words;
  const entries: (Claim & { readonly hostname: string })[] = [];
  const claims: Claim[] = [];
  const blocks: RecordBlock[] = [];

  const slice = (where: number): Uint8Array => octets.slice(at(where), at(where) + at(where + 1));
  const block = (number: number): RecordBlock => {
    const where = blocksAt + number * BLOCK.words;
    blocks[number] ??= { bytes: slice(where), count: at(where + BLOCK.count), stride: at(where + BLOCK.stride) };
    return blocks[number];
  };
  const claim = (number: number): Claim => {
    const known = claims[number];
    if (known !== undefined) return known;
    const told = JSON.parse(Buffer.from(slice(claimsAt + number * CLAIM.words)).toString("utf8")) as Told;
    const { a, aaaa, ...rest } = told;
    const made = { ...rest, ...(a !== undefined && { a: block(a) }), ...(aaaa !== undefined && { aaaa: block(aaaa) }) };
    claims[number] = made as unknown as Claim;
    return claims[number];
  };
  const isAt = (entry: number, key: NameKey, length: number): boolean => {
    const where = entriesAt + entry * ENTRY.words;
    if (at(where + ENTRY.length) !== length) return false;
    const keyAt = at(where);
    for (let index = 0; index < key.length; index++) {
      if (octets[keyAt + index] !== key.charCodeAt(index)) return false;
    }
    return true;
  };
  return {
    size,
    find(key, wildcard) {
      const length = packLength(key, wildcard);
      for (let slot = hashOf(key, wildcard) & mask; ; slot = (slot + 1) & mask) {
        const entry = at(slotsAt + slot) - 1;
        if (entry === -1 || isAt(entry, key, length)) return entry;
      }
    },
    entry(number) {
      const known = entries[number];
      if (known !== undefined) return known;
      const where = entriesAt + number * ENTRY.words;
      const packed = at(where + ENTRY.length);
      const name = hostnameText(octets.slice(at(where), at(where) + (packed & 0xff)));
      const hostname = packed & WILDCARD ? `*.${name}` : name;
      const made = { hostname, ...claim(at(where + ENTRY.claim)) };
      entries[number] = made;
      return made;
    },
    *claims() {
      for (let number = 0; number < at(HEADER.claims); number++) yield claim(number);
    },
  };
}
