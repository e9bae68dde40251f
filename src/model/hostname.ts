import { isIP } from "node:net";
import { domainToASCII } from "node:url";

/** RFC 1035 section 2.3.4 limits, on the text form without root dot. */
const MAX_NAME_OCTETS = 253;
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * Names that are normal already, which nearly all are: lower-case letters, digits and dashes, a last label that begins
 * with a letter (so it is no address) and no label that would have to be checked as an A-label.
 */
const PLAIN = /^(?:(?!xn--)[a-z0-9-]+\.)*(?!xn--)[a-z][a-z0-9-]*$/;

/** Characters that make a text more than a host name: `domainToASCII` would drop them, what follows them, or decode them. */
const BEYOND_NAME = /[\p{Cc}\s/?#:@\\%]/u;

/**
 * A host name as it is compared: lower case, A-labels (RFC 5890), no root dot; a leading `*.` is kept.
 * Undefined for what is no host name: empty, an IP address, a bad label, longer than 253 octets, one with a port or path.
 */
export function normalizeHostname(text: string): string | undefined {
  const wildcard = text.startsWith("*.");
  const bare = (wildcard ? text.slice(2) : text).replace(/\.$/, "");
  const ascii = PLAIN.test(bare) ? bare : BEYOND_NAME.test(bare) ? "" : domainToASCII(bare);
  if (ascii === "" || ascii.length > MAX_NAME_OCTETS || isIP(bare) !== 0 || isIP(ascii) !== 0) return undefined;
  if (!ascii.split(".").every((label) => LABEL.test(label))) return undefined;
  return wildcard ? `*.${ascii}` : ascii;
}

export const isWildcard = (hostname: string): boolean => hostname.startsWith("*.");

/** Whether every name of `inner` is one of `outer`'s; an empty `outer` stands for all names. Both normalised. */
export function isSubset(inner: string, outer: string): boolean {
  if (outer === "" || inner === outer) return true;
  if (!isWildcard(outer) || inner === "") return false;
  return (isWildcard(inner) ? inner.slice(1) : inner).endsWith(outer.slice(1)) && inner.length > outer.length - 1;
}

/**
 * The names that two host names share, by Gateway API's rules, as one host name; undefined when there are none.
 * A wildcard covers one or more labels, never its own base (HTTPRoute API documentation, `hostnames`).
 */
export function intersect(a: string, b: string): string | undefined {
  if (isSubset(a, b)) return a;
  if (isSubset(b, a)) return b;
  return undefined;
}

/** Orders host names from the most specific down: exact before wildcard, then more labels, then longer. */
export function compareSpecificity(a: string, b: string): number {
  const wild = Number(isWildcard(a)) - Number(isWildcard(b));
  if (wild !== 0) return wild;
  return b.split(".").length - a.split(".").length || b.length - a.length || (a < b ? -1 : a > b ? 1 : 0);
}
