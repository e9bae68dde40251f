import { BlockList, isIP, isIPv4 } from "node:net";

/** Addresses that no pod can reach a gateway at; an answer with one of them would be a hole or a loop. */
const UNUSABLE = new BlockList();
UNUSABLE.addSubnet("0.0.0.0", 8);
UNUSABLE.addSubnet("127.0.0.0", 8);
UNUSABLE.addSubnet("169.254.0.0", 16);
UNUSABLE.addSubnet("224.0.0.0", 4);
UNUSABLE.addAddress("255.255.255.255");
UNUSABLE.addAddress("::", "ipv6");
UNUSABLE.addAddress("::1", "ipv6");
UNUSABLE.addSubnet("fe80::", 10, "ipv6");
UNUSABLE.addSubnet("ff00::", 8, "ipv6");

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** RFC 5952 text of an IPv6 address. The URL parser writes it; a zone index is not an address of the cluster. */
const canonicalIPv6 = (text: string): string | undefined =>
  URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1) ?? undefined;

/**
 * A gateway address in canonical form, or undefined when it cannot be used: not an IP literal, unspecified, loopback,
 * link-local, multicast, or with a zone. An IPv4-mapped IPv6 address becomes the IPv4 address that it is.
 */
export function usableAddress(text: string): string | undefined {
  const version = isIP(text);
  if (version === 0) return undefined;
  const canonical = version === 4 ? text : canonicalIPv6(text);
  if (canonical === undefined) return undefined;
  const mapped = MAPPED.exec(text)?.[1] ?? mappedFromHex(canonical);
  const address = mapped ?? canonical;
  return UNUSABLE.check(address, isIPv4(address) ? "ipv4" : "ipv6") ? undefined : address;
}

/** `::ffff:a0b:c0d`, the form in which the URL parser writes IPv4-mapped addresses. */
function mappedFromHex(canonical: string): string | undefined {
  const match = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (match === null) return undefined;
  const [high, low] = [Number.parseInt(match[1] ?? "", 16), Number.parseInt(match[2] ?? "", 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** Whether an address is one of these: each an IP literal or a CIDR. Anything else in the list matches as plain text. */
export function isListed(address: string, list: readonly string[]): boolean {
  return list.some((entry) => {
    if (entry === address) return true;
    const [base = "", bits = ""] = entry.split("/");
    const version = isIP(base);
    const prefix = Number(bits);
    if (version === 0 || bits === "" || !Number.isInteger(prefix) || prefix > (version === 4 ? 32 : 128)) return false;
    const block = new BlockList();
    block.addSubnet(base, prefix, version === 4 ? "ipv4" : "ipv6");
    return block.check(address, isIPv4(address) ? "ipv4" : "ipv6");
  });
}
