import type { NameKey } from "./name.ts";

/** A power of two. Names of 254 octets in all slots are 4 MB. */
const SLOTS = 16_384;

/** One name for each slot. */
const names: NameKey[] = Array(SLOTS).fill("");
/** The hash of the name that was last asked for in vain in each slot. */
const seen = new Int32Array(SLOTS);

/**
 * The first `length` octets of `octets` as a key. A name that is asked for again and again is given again as it is: that
 * saves making the text, and whoever looks it up in a Map its hash, which is most of what reading a question costs.
 * A name is remembered when it comes twice with no other name of its slot between, so that a flood of names that come
 * once leaves the known ones alone. `hash` tells names apart, any 32 bits; names that share it cost their making, no more.
 */
export function knownName(octets: Buffer, length: number, hash: number): NameKey {
  const slot = hash & (SLOTS - 1);
  const known = names[slot] as NameKey;
  if (known.length === length && equals(known, octets)) return known;
  const name = octets.toString("latin1", 0, length);
  if (seen[slot] === hash) names[slot] = name;
  else seen[slot] = hash;
  return name;
}

function equals(name: NameKey, octets: Buffer): boolean {
  for (let index = 0; index < name.length; index++) if (name.charCodeAt(index) !== octets[index]) return false;
  return true;
}
