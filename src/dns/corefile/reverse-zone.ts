import { isIPv4 } from "node:net";
import { fail, ok, type Result } from "../../model/result.ts";

/** Half octets of an IPv6 address, 32 of them; the URL parser writes the canonical form. */
function nibblesOf(address: string): readonly string[] {
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].flatMap((group) => [...group.padStart(4, "0")]);
}

/**
 * The reverse zones of a network: one on an octet boundary (half an octet for IPv6), otherwise the 2 to 128 that it
 * falls into, as CoreDNS's cidr package splits it. Host bits are masked away.
 */
export function reverseZones(base: string, bits: string): Result<readonly string[]> {
  const v4 = isIPv4(base);
  const length = /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (!(length <= (v4 ? 32 : 128)) || base.includes("%")) return fail(`illegal CIDR notation '${base}/${bits}'`);
  const [width, radix, suffix] = v4 ? [8, 10, "in-addr.arpa."] : [4, 16, "ip6.arpa."];
  const parts = v4 ? base.split(".") : nibblesOf(base);
  const whole = Math.floor(length / width);
  const fixed = parts.slice(0, whole);
  const name = (labels: readonly string[]): string => [...labels.toReversed(), suffix].join(".");
  const rest = length % width;
  if (rest === 0) return ok([name(fixed)]);
  const count = 2 ** (width - rest);
  const first = Math.floor(Number.parseInt(parts[whole] ?? "0", radix) / count) * count;
  return ok(Array.from({ length: count }, (_, index) => name([...fixed, (first + index).toString(radix)])));
}
