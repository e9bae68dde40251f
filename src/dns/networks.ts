import { BlockList, isIP } from "node:net";
import { canonicalAddress } from "../model/address.ts";

/** Whether an address, in canonical form, lies in one of the networks. What is no address lies nowhere. */
export type InNetworks = (address: string) => boolean;

/** How many bits of an IPv4-mapped address stand in front of the IPv4 address (RFC 4291 section 2.5.5.2). */
const MAPPED_BITS = 96;

/**
 * Networks as CIDR; undefined is everywhere. The families have lists of their own: to Node `::/0` holds every IPv4
 * address, to CoreDNS and to those who write it none.
 */
export function networksOf(networks: readonly string[] | undefined): InNetworks {
  if (networks === undefined) return () => true;
  const lists = { 4: new BlockList(), 6: new BlockList() };
  for (const network of networks) {
    const [text = "", bits] = network.split("/");
    const base = (Number(bits) >= MAPPED_BITS ? canonicalAddress(text) : undefined) ?? text;
    if (isIP(base) === 6) lists[6].addSubnet(base, Number(bits), "ipv6");
    else lists[4].addSubnet(base, isIP(text) === 6 ? Number(bits) - MAPPED_BITS : Number(bits), "ipv4");
  }
  return (address) => {
    const version = isIP(address);
    if (version === 4) return lists[4].check(address, "ipv4");
    return version === 6 && lists[6].check(address, "ipv6");
  };
}
