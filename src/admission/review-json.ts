import { fail, ok, type Result } from "../model/result.ts";

/**
 * Deepest nesting of a review. Pods and policies reach 20, CustomResourceDefinitions 60; everything that walks an
 * object may recurse this far without fear for the stack.
 */
export const MAX_DEPTH = 500;

/** Keys that could reach a prototype where somebody assigns what they read. */
const POISON = new Set(["__proto__", "constructor"]);

/** Whether such a key can be in a text at all; escapes could hide one. */
const MAYBE_POISON = /__proto__|constructor|\\u/;

/** JSON without poisonous keys, and how many were left out. */
export type ReviewJson = { readonly value: unknown; readonly droppedKeys: number };

const OPEN_MAP = 0x7b;
const CLOSE_MAP = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether brackets outside strings nest deeper than `limit`. Works on any bytes; one pass. */
function nestsDeeper(bytes: Uint8Array, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (inString) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === OPEN_MAP || byte === OPEN_LIST) {
      if (++depth > limit) return true;
    } else if (byte === CLOSE_MAP || byte === CLOSE_LIST) depth--;
  }
  return false;
}

/**
 * Reads JSON that a stranger may have shaped. Keys `__proto__` and `constructor` are dropped and counted rather than
 * refused: with failurePolicy Ignore a refusal would let the object pass unseen.
 */
export function parseReviewJson(bytes: Buffer): Result<ReviewJson> {
  if (nestsDeeper(bytes, MAX_DEPTH)) return fail(`the body nests deeper than ${MAX_DEPTH} levels`);
  const text = bytes.toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fail("the body is no JSON");
  }
  return ok({ value, droppedKeys: MAYBE_POISON.test(text) ? dropPoison(value) : 0 });
}

/** Removes poisonous keys everywhere in a value that was just parsed, and counts them. */
function dropPoison(root: unknown): number {
  let dropped = 0;
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (value === null || typeof value !== "object") continue;
    for (const key of Object.keys(value)) {
      if (POISON.has(key) && !Array.isArray(value)) {
        Reflect.deleteProperty(value, key);
        dropped++;
      } else pending.push((value as Record<string, unknown>)[key]);
    }
  }
  return dropped;
}
