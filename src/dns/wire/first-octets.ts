/** Longer views are not kept: they are rare, and of many lengths. */
const MAX_KEPT = 1232;

let memory: Buffer | undefined;
let views: (Buffer | undefined)[] = [];

/**
 * The first `length` octets of `bytes`, as a view. Those of the memory that was asked for last are kept: answers are
 * written to the same memory again and again, few lengths occur, and making a view costs a copy's time.
 */
export function firstOctets(bytes: Buffer, length: number): Buffer {
  if (length > MAX_KEPT) return bytes.subarray(0, length);
  if (memory !== bytes) {
    memory = bytes;
    views = [];
  }
  let view = views[length];
  if (view === undefined) {
    view = bytes.subarray(0, length);
    views[length] = view;
  }
  return view;
}
