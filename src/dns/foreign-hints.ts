import { expandName, foldKey } from "./wire/name.ts";
import type { WireMessage, WireRecord } from "./wire/records.ts";

/** Service parameters that hold addresses (RFC 9460 section 7.3). */
const IPV4_HINT = 4;
const IPV6_HINT = 6;

/**
 * Whether an HTTPS or SVCB record holds addresses of a name that is not its owner. That name may be an alias of an
 * egress name without this answer saying so, and a client that takes the hints never asks for it. Such a record is left
 * out: clients do without it, and look the name up (RFC 9460 section 3.1). False for what cannot be read.
 */
export function hasForeignHints(message: WireMessage, record: WireRecord): boolean {
  const { bytes } = message;
  const target = expandName(bytes, record.data + 2);
  if (target === undefined || target.raw === "" || foldKey(target.raw) === record.key) return false;
  for (let at = target.end; at + 4 <= record.end; at += 4 + bytes.readUInt16BE(at + 2)) {
    const key = bytes.readUInt16BE(at);
    if (key === IPV4_HINT || key === IPV6_HINT) return true;
  }
  return false;
}
