import { isIPv4, isIPv6 } from "node:net";

/** The four octets of an IPv4 address; undefined for anything else. */
export const ipv4Octets = (text: string): Uint8Array | undefined =>
  isIPv4(text) ? Uint8Array.from(text.split("."), Number) : undefined;

/** The sixteen octets of an IPv6 address, an IPv4-mapped one included; undefined for anything else, or with a zone. */
export function ipv6Octets(text: string): Uint8Array | undefined {
  if (!isIPv6(text) || text.includes("%")) return undefined;
  // The URL parser writes groups in hex only.
  const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [left = [], right = []] = canonical.split("::").map((part) => (part === "" ? [] : part.split(":")));
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  const groups = [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}
