import { type EgressEntry, type EgressTable, namesOf } from "./table.ts";
import { EDE, RCODE, TYPE } from "./wire/codes.ts";
import { firstLabel, isAtOrBelow, type NameKey, parentKey } from "./wire/name.ts";
import { edeOption, type LocalAnswer, type RecordBlock } from "./wire/reply.ts";

/** Why a question is sent on. Kebab-case, stable: shown by `sluice dns query`. */
export type ForwardReason = "not-egress" | "gateway-client" | "cluster-name-before-sync";

/** Why a question is answered here. */
export type AnswerReason = "steered" | "no-such-type" | "attribute-name" | "soa" | "any" | "search-expansion";

/** What becomes of one question. */
export type Decision =
  | {
      readonly action: "answer";
      readonly reason: AnswerReason;
      readonly entry: EgressEntry;
      readonly answer: LocalAnswer;
      /** As of a `resolve`. */
      readonly alias?: NameKey;
    }
  /** SERVFAIL with an extended error: claimed but closed, or nothing is known yet. Never forwarded. */
  | {
      readonly action: "fail";
      readonly reason: "closed" | "not-synced";
      readonly entry?: EgressEntry;
      readonly answer: LocalAnswer;
    }
  /** The gateway's address is a host name: look it up, then answer as if it had been in the table. */
  | {
      readonly action: "resolve";
      readonly entry: EgressEntry;
      /**
       * The egress name that the question's name is an alias of (`search cname`): the answer is a CNAME to it, and
       * behind that what it answers itself.
       */
      readonly alias?: NameKey;
    }
  /** A record type of an egress name that keeps its real data, under three guards. */
  | { readonly action: "passthrough"; readonly entry: EgressEntry }
  | { readonly action: "forward"; readonly reason: ForwardReason; readonly guarded: boolean };

/** One question from one client. */
export type Question = { readonly key: NameKey; readonly type: number; readonly fromGateway: boolean };

/** RFC 8482 section 4.2: HINFO with CPU "RFC8482" and an empty OS, owner a pointer to the question. */
const HINFO_DATA = Buffer.from("\x07RFC8482\x00", "latin1");

const FORWARD_NOT_EGRESS: Decision = { action: "forward", reason: "not-egress", guarded: true };
const FORWARD_GATEWAY: Decision = { action: "forward", reason: "gateway-client", guarded: false };
const FORWARD_CLUSTER: Decision = { action: "forward", reason: "cluster-name-before-sync", guarded: false };
const NOT_SYNCED: Decision & { readonly action: "fail" } = {
  action: "fail",
  reason: "not-synced",
  answer: {
    rcode: RCODE.SERVFAIL,
    ede: edeOption(
      EDE.NOT_READY,
      "egress hostnames are not known yet: waiting for the first complete read of the cluster",
    ),
  },
};

/** The claim on a name, exact before wildcard, longest wildcard first; undefined for a name that nobody claims. */
export function findClaim(table: EgressTable, key: NameKey): EgressEntry | undefined {
  const names = namesOf(table);
  const exact = names.find(key, false);
  return exact === -1 ? findWildcard(table, key) : names.entry(exact);
}

/** The claim on a name that the table is in charge of: undefined too for excepted names and those outside its zones. */
export function findEntry(table: EgressTable, key: NameKey): EgressEntry | undefined {
  const claim = findClaim(table, key);
  return claim === undefined || isExcepted(table, key) || isOutside(table, key) ? undefined : claim;
}

/** A wildcard covers one or more labels, never its base (Gateway API, Hostname), so the search starts at the parent. */
function findWildcard(table: EgressTable, key: NameKey): EgressEntry | undefined {
  if (table.counts.wildcards === 0 || key === "") return undefined;
  const names = namesOf(table);
  for (let base = parentKey(key); base !== ""; base = parentKey(base)) {
    const claim = names.find(base, true);
    if (claim !== -1) return names.entry(claim);
  }
  return undefined;
}

/** Whether a name is forwarded although it is claimed: `except` names it or one above it. */
export function isExcepted(table: EgressTable, key: NameKey): boolean {
  if (table.except.size === 0) return false;
  for (let name = key; name !== ""; name = parentKey(name)) if (table.except.has(name)) return true;
  return false;
}

/** Whether a name lies outside the zones that the table is limited to. */
export const isOutside = ({ zones }: EgressTable, key: NameKey): boolean =>
  zones.length > 0 && !zones.some((zone) => isAtOrBelow(key, zone));

export const isExact = (table: EgressTable, key: NameKey): boolean => namesOf(table).find(key, false) !== -1;

/** NODATA: NOERROR, no answer, SOA. Never NXDOMAIN, which stub resolvers take for every type (RFC 8020, RFC 4074). */
export const nodata = (table: EgressTable): LocalAnswer => ({ rcode: RCODE.NOERROR, authority: table.soa });

/** Addresses of one family, or NODATA when the gateway has none of it. */
export const addressAnswer = (table: EgressTable, records: RecordBlock | undefined): LocalAnswer =>
  records === undefined ? nodata(table) : { rcode: RCODE.NOERROR, answer: records };

/** SERVFAIL that says why: retried by every stub resolver, cached by none for long (RFC 2308 section 7). */
export const failure = (code: number, text: string): LocalAnswer => ({
  rcode: RCODE.SERVFAIL,
  ede: edeOption(code, text),
});

function hinfo(ttlSeconds: number): RecordBlock {
  const bytes = Buffer.alloc(12 + HINFO_DATA.length);
  bytes.writeUInt16BE(0xc00c, 0);
  bytes.writeUInt16BE(TYPE.HINFO, 2);
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt32BE(ttlSeconds, 6);
  bytes.writeUInt16BE(HINFO_DATA.length, 10);
  bytes.set(HINFO_DATA, 12);
  return { bytes, count: 1, stride: 0 };
}

/** What an egress name answers. A closed one fails for every type: half an answer would be cached and believed. */
function decideEgress(table: EgressTable, entry: EgressEntry, type: number): Decision {
  if (entry.status === "closed") {
    return { action: "fail", reason: "closed", entry, answer: failure(EDE.NOT_READY, entry.trouble) };
  }
  if (type === TYPE.A || type === TYPE.AAAA) {
    if (entry.status === "unresolved") return { action: "resolve", entry };
    const records = type === TYPE.A ? entry.a : entry.aaaa;
    const reason = records === undefined ? "no-such-type" : "steered";
    return { action: "answer", reason, entry, answer: addressAnswer(table, records) };
  }
  if (table.passthrough.has(type)) return { action: "passthrough", entry };
  if (type === TYPE.SOA) {
    return { action: "answer", reason: "soa", entry, answer: { rcode: RCODE.NOERROR, answer: table.soa } };
  }
  if (type === TYPE.ANY) {
    return {
      action: "answer",
      reason: "any",
      entry,
      answer: { rcode: RCODE.NOERROR, answer: hinfo(table.ttlSeconds) },
    };
  }
  return { action: "answer", reason: "no-such-type", entry, answer: nodata(table) };
}

/**
 * The claim behind a port-prefixed name such as `_8443._https.api.openai.com` (RFC 9460 section 2.3, RFC 9461): its
 * records would bring hints, that is real addresses. Other underscored names below an exact host are not captured.
 */
export function findAttributeEntry(table: EgressTable, key: NameKey, type: number): EgressEntry | undefined {
  if (key === "" || !firstLabel(key).startsWith("_")) return undefined;
  const parent = parentKey(key);
  const scheme = parent === "" ? "" : firstLabel(parent);
  const serviceBinding = type === TYPE.HTTPS || type === TYPE.SVCB;
  if (!serviceBinding && scheme !== "_https") return undefined;
  return findEntry(table, scheme.startsWith("_") ? parentKey(parent) : parent);
}

/** `<service>.<namespace>.svc`, below the cluster's domain. */
const SERVICE_LABELS = 3;

type Expanded = { readonly entry: EgressEntry; readonly name: NameKey };

/**
 * The claim on a name that a pod's search list made of an egress name: the name and one of `<namespace>.svc.<zone>`,
 * `svc.<zone>`, `<zone>`. No such name exists in a cluster (Kubernetes DNS specification 1.1.0), so that asking for it
 * is waste, and fails while cluster DNS is down. The exception is a claimed name of two labels in `svc.<zone>`: that has
 * the form of a Service's name (section 2.3), and cluster DNS must say whether there is one.
 */
function findExpanded(table: EgressTable, key: NameKey): Expanded | undefined {
  const zone = table.clusterDomain;
  if (key.length <= zone.length || !isAtOrBelow(key, zone)) return undefined;
  const labels: string[] = [];
  for (let name = key.slice(0, key.length - zone.length); name !== ""; name = parentKey(name))
    labels.push(firstLabel(name));
  if (labels.length === SERVICE_LABELS && labels.at(-1) === "svc") return undefined;
  const suffixLabels = [1, 2].filter((count) => labels.at(-1) === "svc" && labels.length > count);
  for (const count of [0, ...suffixLabels]) {
    const kept = labels.slice(0, labels.length - count);
    const name = kept.map((label) => String.fromCharCode(label.length) + label).join("");
    const entry = findEntry(table, name);
    if (entry !== undefined) return { entry, name };
  }
  return undefined;
}

/** The addresses behind an alias, or nothing: types that pass through are for those who ask for the bare name. */
function decideExpanded(table: EgressTable, { entry, name }: Expanded, type: number): Decision {
  if (table.search === "nxdomain") {
    const answer = { rcode: RCODE.NXDOMAIN, authority: table.soa };
    return { action: "answer", reason: "search-expansion", entry, answer };
  }
  const decision = decideEgress(table, entry, type);
  if (decision.action === "resolve") return { ...decision, alias: name };
  if (decision.action === "fail") return decision;
  const addresses = decision.action === "answer" && decision.reason === "steered" ? decision.answer : nodata(table);
  const answer = type === TYPE.CNAME || type === TYPE.ANY ? { rcode: RCODE.NOERROR } : addresses;
  return { action: "answer", reason: "search-expansion", entry, answer, alias: name };
}

/** Zones that are forwarded before the first sync: no gateway can claim a name there. */
export const zonesBeforeSync = ({ clusterDomain, reverseZones }: EgressTable): readonly NameKey[] => [
  clusterDomain,
  ...reverseZones,
];

/** What an answer is before the first sync that leads out of those zones, as an ExternalName Service does. */
export const notSynced = (): LocalAnswer => NOT_SYNCED.answer;

/** What becomes of a question. Total and pure: every name and type has exactly one outcome. */
export function decide(table: EgressTable, question: Question): Decision {
  const { key, type } = question;
  if (question.fromGateway) return FORWARD_GATEWAY;
  if (!table.synced) {
    return zonesBeforeSync(table).some((zone) => isAtOrBelow(key, zone)) ? FORWARD_CLUSTER : NOT_SYNCED;
  }
  const entry = findEntry(table, key);
  if (entry !== undefined) return decideEgress(table, entry, type);
  const attributes = findAttributeEntry(table, key, type);
  if (attributes !== undefined) {
    const decision = decideEgress(table, attributes, TYPE.HTTPS);
    return decision.action === "answer" ? { ...decision, reason: "attribute-name" } : decision;
  }
  const expanded = table.search === "forward" ? undefined : findExpanded(table, key);
  return expanded === undefined ? FORWARD_NOT_EGRESS : decideExpanded(table, expanded, type);
}
