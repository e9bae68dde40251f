import { isIP } from "node:net";
import { PRIVATE_NETWORKS } from "../../model/address.ts";
import { fail, ok, type Result } from "../../model/result.ts";
import { networksOf } from "../networks.ts";
import { remembering } from "./remember.ts";

/**
 * Who may ask: private and shared ranges (RFC 1918, RFC 6598, RFC 4193), link-local and loopback. A resolver that
 * answers the internet is an amplifier (RFC 5358). A cluster with public pod addresses adds its ranges.
 */
export const DEFAULT_ALLOWED_NETWORKS = PRIVATE_NETWORKS;

/** Whether a client, its address in canonical form, may ask. */
export type Access = (address: string) => boolean;

/** Reads networks in CIDR form, or single addresses; all that are wrong are reported. */
export function parseNetworks(networks: readonly string[]): Result<Access> {
  const allowed: string[] = [];
  const problems: string[] = [];
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    const family = isIP(address);
    const bits = family === 4 ? 32 : 128;
    const size = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
    if (family === 0 || size < 0 || size > bits)
      problems.push(`network '${network}' must be an IP address or a CIDR such as 10.0.0.0/8`);
    else allowed.push(`${address}/${size}`);
  }
  return problems.length > 0 ? fail(...problems) : ok(remembering(networksOf(allowed)));
}
