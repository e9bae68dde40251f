import { randomInt } from "node:crypto";
import type { NameKey } from "../wire/name.ts";

const PLACE_BITS = 10;
/** How many places there are. */
export const PLACES = 2 ** PLACE_BITS;

/** Odd, so that no bit is lost. Nobody who chooses names knows it, or could choose many that have one place. */
const FACTOR = 2 * randomInt(0x4000_0000) + 1;

/** Spreads names over PLACES: the upper bits of a polynomial of their octets. Another one in each process. */
export function placeOf(key: NameKey): number {
  let mixed = key.length;
  for (let index = 0; index < key.length; index++) mixed = (Math.imul(mixed, FACTOR) + key.charCodeAt(index)) | 0;
  return Math.imul(mixed, FACTOR) >>> (32 - PLACE_BITS);
}
