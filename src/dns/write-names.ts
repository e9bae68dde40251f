import { BLOCK, CLAIM, ENTRY, HEADER, hashOf, type NameTable, packLength, type Told } from "./egress-names.ts";
import type { NameKey } from "./wire/name.ts";
import type { RecordBlock } from "./wire/reply.ts";

/** A name table that is being written. */
export type NameWriter = {
  /** Adds a name; false when it is there already, and then nothing has changed. Key of at most 254 octets. */
  add(key: NameKey, wildcard: boolean, claim: number): boolean;
  /** The number under which a claim is found; equal ones share it. */
  claim(told: Told): number;
  /** The number under which a block of records is found. Each object is written once. */
  block(block: RecordBlock): number;
  /** The table with everything that was added. */
  finish(): NameTable;
};

type Written = {
  readonly keys: { readonly key: NameKey; readonly wildcard: boolean; readonly claim: number }[];
  readonly claims: Map<string, number>;
  readonly blocks: Map<RecordBlock, number>;
};

export function createNameWriter(): NameWriter {
  const known = { exact: new Set<NameKey>(), wildcard: new Set<NameKey>() };
  const written: Written = { keys: [], claims: new Map(), blocks: new Map() };
  return {
    add(key, wildcard, claim) {
      const names = wildcard ? known.wildcard : known.exact;
      if (names.has(key)) return false;
      names.add(key);
      written.keys.push({ key, wildcard, claim });
      return true;
    },
    claim: (told) => numberOf(written.claims, JSON.stringify(told)),
    block: (block) => numberOf(written.blocks, block),
    finish: () => write(written),
  };
}

function numberOf<T>(numbers: Map<T, number>, value: T): number {
  const known = numbers.get(value);
  if (known !== undefined) return known;
  numbers.set(value, numbers.size);
  return numbers.size - 1;
}

/** At most half of the slots are taken, so that a search ends after one or two. */
const slotsFor = (entries: number): number => 2 ** Math.ceil(Math.log2(2 * entries + 2));

function write({ keys, claims, blocks }: Written): NameTable {
  const slots = slotsFor(keys.length);
  const texts = [...claims.keys()].map((text) => Buffer.from(text));
  const entriesAt = HEADER.words + slots;
  const claimsAt = entriesAt + keys.length * ENTRY.words;
  const blocksAt = claimsAt + texts.length * CLAIM.words;
  const octetsAt = 4 * (blocksAt + blocks.size * BLOCK.words);
  const sizes = [...keys.map(({ key }) => key), ...texts, ...[...blocks.keys()].map(({ bytes }) => bytes)];
  const octetCount = sizes.reduce((sum, { length }) => sum + length, 0);
  // In whole words, because the numbers are read through a view of words.
  const table = new SharedArrayBuffer(4 * Math.ceil((octetsAt + octetCount) / 4));
  const words = new Int32Array(table);
  const out = Buffer.from(table);
  let position = octetsAt;
  const put = (octets: Uint8Array, where: number): void => {
    words.set([position, octets.length], where);
    out.set(octets, position);
    position += octets.length;
  };
  words.set([slots, keys.length, texts.length, blocks.size, octetsAt]);
  for (const [number, { key, wildcard, claim }] of keys.entries()) {
    words.set([position, packLength(key, wildcard), claim], entriesAt + number * ENTRY.words);
    position += out.write(key, position, "latin1");
    let slot = hashOf(key, wildcard) & (slots - 1);
    while (words[HEADER.words + slot] !== 0) slot = (slot + 1) & (slots - 1);
    words[HEADER.words + slot] = number + 1;
  }
  for (const [number, text] of texts.entries()) put(text, claimsAt + number * CLAIM.words);
  for (const [{ bytes, count, stride }, number] of blocks) {
    const where = blocksAt + number * BLOCK.words;
    put(bytes, where);
    words.set([count, stride], where + BLOCK.count);
  }
  return table;
}
