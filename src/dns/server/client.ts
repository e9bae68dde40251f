import { canonicalAddress } from "../../model/address.ts";

/** 1 for IPv4, 2 for IPv6, as CoreDNS numbers them in its metrics. */
export type Family = 1 | 2;
export type Protocol = "udp" | "tcp";

/** Who asks; the address in canonical form. */
export type Client = { readonly address: string; readonly family: Family; readonly protocol: Protocol };

/** A client as a socket names it: an IPv4 client of a dual-stack socket shows as `::ffff:10.0.0.1`. */
export function clientOf(address: string, protocol: Protocol): Client {
  const plain = address.includes("%") ? address.slice(0, address.indexOf("%")) : address;
  // Nearly all clients have plain IPv4 addresses, which have one spelling.
  const canonical = plain.includes(":") ? (canonicalAddress(plain) ?? plain) : plain;
  return { address: canonical, family: canonical.includes(":") ? 2 : 1, protocol };
}
