import { TYPE } from "../../wire/codes.ts";
import { foldKey, MAX_NAME_OCTETS, type NameKey, parseName } from "../../wire/name.ts";
import type { RecordNode, RecordSet } from "./record-zones.ts";

/** Kuadrant's figures. The last is the TTL of negative answers (RFC 2308 section 4), and of what is made here. */
const TIMES = { refresh: 7200, retry: 1800, expire: 86_400, minimum: 60 };

const SERVER = "\x03ns1";
const HOSTMASTER = "\x0ahostmaster";

/** A name below the zone, or the zone itself where that is too long to have any. */
const below = (label: string, zone: NameKey): NameKey =>
  label.length + zone.length + 1 > MAX_NAME_OCTETS ? zone : label + zone;

const wire = (name: string): Buffer => Buffer.from(`${name}\0`, "latin1");

/**
 * SOA and NS of a zone, as Kuadrant makes them: servers that an object names come behind `ns1`. `rname` is the mailbox
 * as a domain name; undefined: hostmaster of the zone.
 */
export function apexNode(zone: NameKey, node: RecordNode, rname: string | undefined, serial: number): RecordNode {
  const mailbox = rname === undefined ? undefined : parseName(rname);
  const numbers = Buffer.alloc(20);
  [serial >>> 0, TIMES.refresh, TIMES.retry, TIMES.expire, TIMES.minimum].forEach((value, index) => {
    numbers.writeUInt32BE(value, 4 * index);
  });
  const server = wire(below(SERVER, zone));
  const contact = wire(mailbox === undefined ? below(HOSTMASTER, zone) : foldKey(mailbox));
  const soa: RecordSet = { ttlSeconds: TIMES.minimum, data: [Buffer.concat([server, contact, numbers])] };
  const named = node.get(TYPE.NS)?.data.filter((data) => !server.equals(data)) ?? [];
  const servers: RecordSet = { ttlSeconds: TIMES.minimum, data: [server, ...named] };
  return new Map([...node, [TYPE.SOA, soa], [TYPE.NS, servers]]);
}
