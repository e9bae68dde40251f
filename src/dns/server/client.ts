import { canonicalAddress } from "../../model/address.ts";
import { remembering } from "./remember.ts";

/** 1 for IPv4, 2 for IPv6, as CoreDNS numbers them in its metrics. */
export type Family = 1 | 2;
export type Protocol = "udp" | "tcp";

/** Who asks. */
export type Client = {
  /** In canonical form. */
  readonly address: string;
  readonly port: number;
  readonly family: Family;
  readonly protocol: Protocol;
  /** The address as the socket has it, to answer to. */
  readonly source: string;
  /** The address that was asked, where the socket knows it. */
  readonly local: string;
};

/** A client as a socket names it: an IPv4 client of a dual-stack socket shows as `::ffff:10.0.0.1`. */
export function clientOf(source: string, port: number, protocol: Protocol, local: string): Client {
  // Nearly all clients have plain IPv4 addresses, which have one spelling.
  if (!source.includes(":")) return { address: source, port, family: 1, protocol, source, local };
  const address = canonicalSource(source);
  return { address, port, family: address.includes(":") ? 2 : 1, protocol, source, local };
}

/** Of a client on a dual-stack socket; spelling an address anew costs as much as the rest of its answer. */
const canonicalSource = remembering((source) => {
  const plain = source.includes("%") ? source.slice(0, source.indexOf("%")) : source;
  return canonicalAddress(plain) ?? plain;
});
