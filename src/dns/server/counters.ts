import type { GuardEvent } from "../guard.ts";
import type { EgressTable } from "../table.ts";
import type { RetryReason } from "../upstream/exchange.ts";
import { TYPE, typeName } from "../wire/codes.ts";
import type { Family, Protocol } from "./client.ts";

/** Types that have a `type` label of their own, as CoreDNS 1.14.7 counts them; all others are `other`. */
export const COUNTED_TYPES: readonly string[] = [
  ...["AAAA", "A", "CNAME", "DNSKEY", "DS", "MX", "NSEC3", "NSEC", "NS", "PTR", "RRSIG", "SOA", "SRV", "TXT"],
  ...["HTTPS", "SVCB", "IXFR", "AXFR", "ANY", "other"],
];
/** Who answered. `gate` stands for what was refused before anybody read it. */
export const COUNTED_PLUGINS = ["sluice", "forward", "acl", "gate"] as const;
export type CountedPlugin = (typeof COUNTED_PLUGINS)[number];
/** Extended rcodes up to BADVERS fit. */
export const COUNTED_RCODES = 17;
export const COUNTED_RESULTS = ["steered", "nodata", "passthrough", "closed"] as const;
export type CountedResult = (typeof COUNTED_RESULTS)[number];
export const COUNTED_PREVENTED = ["aaaa", "https", "cname", "additional", "svcb_target"] as const;
export type CountedPrevented = (typeof COUNTED_PREVENTED)[number];
export const COUNTED_RETRIES: readonly RetryReason[] = ["timeout", "network", "truncated", "no-edns"];
export const COUNTED_SINGLES = [
  "dropped",
  "do",
  "gateway_client",
  "wildcard_cname",
  "overload",
  "panic",
  "rate_limited",
] as const;
export type CountedSingle = (typeof COUNTED_SINGLES)[number];

/** Pairs of gateway and listener that are counted apart; later ones share the last slot. Bounds the label set. */
export const MAX_CLAIM_SLOTS = 512;

const FAMILIES = 2;
const PROTOCOLS = 2;
const REQUESTS = 0;
const DROPPED_REQUESTS = REQUESTS + FAMILIES * PROTOCOLS * COUNTED_TYPES.length;
const RESPONSES = DROPPED_REQUESTS + FAMILIES * PROTOCOLS;
const PREVENTED = RESPONSES + COUNTED_PLUGINS.length * COUNTED_RCODES;
const RETRIES = PREVENTED + COUNTED_PREVENTED.length;
const SINGLES = RETRIES + COUNTED_RETRIES.length;
const EGRESS = SINGLES + COUNTED_SINGLES.length;

/** Numbers that one worker counts in; each has one writer, the reader adds them up. */
export const COUNTER_COUNT = EGRESS + MAX_CLAIM_SLOTS * COUNTED_RESULTS.length;
export const COUNTER_OCTETS = COUNTER_COUNT * Float64Array.BYTES_PER_ELEMENT;

const OTHER_TYPE = COUNTED_TYPES.length - 1;
const TYPE_SLOTS = new Map(Object.values(TYPE).map((code) => [code as number, COUNTED_TYPES.indexOf(typeName(code))]));

/** Places in the array; shared by the workers that count and the thread that reads. */
export const slotOf = {
  request: (family: Family, protocol: Protocol, type: number): number =>
    REQUESTS + (familyAndProtocol(family, protocol) * COUNTED_TYPES.length + typeSlot(type)),
  requestOfType: (family: Family, protocol: Protocol, typeIndex: number): number =>
    REQUESTS + familyAndProtocol(family, protocol) * COUNTED_TYPES.length + typeIndex,
  droppedRequest: (family: Family, protocol: Protocol): number =>
    DROPPED_REQUESTS + familyAndProtocol(family, protocol),
  response: (plugin: CountedPlugin, rcode: number): number =>
    RESPONSES + COUNTED_PLUGINS.indexOf(plugin) * COUNTED_RCODES + Math.min(rcode, COUNTED_RCODES - 1),
  prevented: (kind: CountedPrevented): number => PREVENTED + COUNTED_PREVENTED.indexOf(kind),
  retry: (reason: RetryReason): number => RETRIES + COUNTED_RETRIES.indexOf(reason),
  single: (name: CountedSingle): number => SINGLES + COUNTED_SINGLES.indexOf(name),
  egress: (claim: number, result: CountedResult): number =>
    EGRESS + claim * COUNTED_RESULTS.length + COUNTED_RESULTS.indexOf(result),
};

const familyAndProtocol = (family: Family, protocol: Protocol): number =>
  (family - 1) * 2 + (protocol === "udp" ? 0 : 1);

function typeSlot(type: number): number {
  const slot = TYPE_SLOTS.get(type) ?? -1;
  return slot === -1 ? OTHER_TYPE : slot;
}

/** Which slot each claim of a table counts in, parallel to the order of its entries. */
export type ClaimSlots = ReadonlyMap<string, number>;

/** Names a pair of gateway and listener for counting. */
export const claimName = (entry: { gateway: { namespace: string; name: string }; listener: string }): string =>
  `${entry.gateway.namespace}/${entry.gateway.name} ${entry.listener}`;

/** Gives every claim of `table` a slot that it keeps for the life of the process. */
export function assignSlots(table: EgressTable, slots: Map<string, number>): void {
  for (const names of [table.exact, table.wildcard]) {
    for (const entry of names.values()) {
      const name = claimName(entry);
      if (!slots.has(name)) slots.set(name, Math.min(slots.size, MAX_CLAIM_SLOTS - 1));
    }
  }
}

/** What a guard took away, as a kind of prevented bypass; a wildcard alias is not prevented. */
export const preventedKind = (event: GuardEvent): CountedPrevented | undefined =>
  event === "wildcard_cname" ? undefined : event;
