import { BlockList, isIP, isIPv4 } from "node:net";

/** Addresses that no pod can reach a gateway at; an answer with one of them would be a hole or a loop. */
const UNUSABLE = new BlockList();
UNUSABLE.addSubnet("0.0.0.0", 8);
UNUSABLE.addSubnet("127.0.0.0", 8);
UNUSABLE.addSubnet("169.254.0.0", 16);
UNUSABLE.addSubnet("224.0.0.0", 4);
UNUSABLE.addAddress("255.255.255.255");
// Unspecified, loopback, and IPv4-compatible addresses, which nothing routes (RFC 4291 section 2.5.5.1).
UNUSABLE.addSubnet("::", 96, "ipv6");
UNUSABLE.addSubnet("fe80::", 10, "ipv6");
UNUSABLE.addSubnet("ff00::", 8, "ipv6");

/**
 * Networks that are not the Internet: RFC 1918, RFC 6598, RFC 4193, loopback and link-local. Whoever asks from there may
 * ask the resolver, and what listens there is no provider.
 */
export const PRIVATE_NETWORKS: readonly string[] = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "169.254.0.0/16",
  "127.0.0.0/8",
  "fc00::/7",
  "fe80::/10",
  "::1/128",
];

/**
 * One spelling for each address (RFC 5952), so that they can be compared and encoded: an IPv4-mapped address becomes
 * IPv4. Undefined for what is no address, or an address with a zone. The URL parser writes the canonical form.
 */
export function canonicalAddress(text: string): string | undefined {
  const version = isIP(text);
  if (version === 4) return text;
  if (version === 0 || text.includes("%")) return undefined;
  const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (mapped === null) return canonical;
  const [high, low] = [Number.parseInt(mapped[1] ?? "", 16), Number.parseInt(mapped[2] ?? "", 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/**
 * A gateway address in canonical form, or undefined when it cannot be used: not an IP literal, unspecified, loopback,
 * link-local, multicast, or with a zone.
 */
export function usableAddress(text: string): string | undefined {
  const address = canonicalAddress(text);
  if (address === undefined) return undefined;
  return UNUSABLE.check(address, isIPv4(address) ? "ipv4" : "ipv6") ? undefined : address;
}

/** Whether an address is one of these: each an IP literal or a CIDR. Anything else in the list matches as plain text. */
export function isListed(address: string, list: readonly string[]): boolean {
  return list.some((entry) => {
    if (entry === address) return true;
    if (isIP(address) === 0) return false;
    const [base = "", bits = ""] = entry.split("/");
    const version = isIP(base);
    const prefix = Number(bits);
    if (version === 0 || bits === "" || !Number.isInteger(prefix) || prefix > (version === 4 ? 32 : 128)) return false;
    const block = new BlockList();
    block.addSubnet(base, prefix, version === 4 ? "ipv4" : "ipv6");
    return block.check(address, isIPv4(address) ? "ipv4" : "ipv6");
  });
}
