import { usableAddress } from "../../../model/address.ts";
import { findAttributeEntry, isExact } from "../../decide.ts";
import { isAlias, nextHop } from "../../guard.ts";
import type { Answer } from "../../pipeline/answer.ts";
import type { EgressTable } from "../../table.ts";
import { EDE, RCODE, TYPE } from "../../wire/codes.ts";
import { foldKey, type NameKey, parseName } from "../../wire/name.ts";
import type { WireMessage, WireRecord } from "../../wire/records.ts";

/** Asks what comes behind `sluice` in the server block; `raw` is a name as on the wire without the root's zero octet. */
export type Ask = (raw: string, type: number) => Answer | Promise<Answer>;

/** Aliases that are followed from the gateway's host name to its addresses. */
const MAX_HOPS = 16;
/** Of a name without the root's zero octet (RFC 1035 section 3.1). */
const MAX_NAME_OCTETS = 254;

/** The addresses behind a gateway's host names, or the extended error that says why there are none. */
export type Looked =
  | {
      readonly ok: true;
      readonly addresses: readonly string[];
      readonly ttlSeconds: number;
      /** Every name on the way to the addresses: one that becomes an egress hostname makes a loop of it. */
      readonly via: readonly NameKey[];
    }
  | { readonly ok: false; readonly code: number; readonly text: string };

/** Why addresses behind an egress hostname are not a gateway's. */
export const LOOP = "leads to an egress hostname, which is a loop";

const bad = (code: number, text: string): Looked => ({ ok: false, code, text });

/** Whether addresses of this name are an egress hostname's own, so that they are no gateway's. */
export const isLoop = (table: EgressTable, key: NameKey): boolean =>
  isExact(table, key) || findAttributeEntry(table, key, TYPE.HTTPS) !== undefined;

/**
 * The addresses at the end of one answer's chain, or why there are none. A chain through an exact egress name is a loop;
 * a wildcard such as `*.amazonaws.com` may well cover a load balancer's own name.
 */
function readAddresses(message: WireMessage, table: EgressTable): Looked {
  if (message.rcode !== RCODE.NOERROR) return bad(EDE.NO_REACHABLE_AUTHORITY, "does not exist or cannot be resolved");
  const answer = message.records.filter(({ section }) => section === "answer");
  const aliases = answer.filter(isAlias);
  const via: NameKey[] = [];
  let raw: string | undefined = message.bytes.toString("latin1", 12, message.questionEnd - 5);
  let ttlSeconds = table.ttlSeconds;
  while (raw !== undefined && raw.length <= MAX_NAME_OCTETS && via.length < MAX_HOPS) {
    const current = foldKey(raw);
    if (isLoop(table, current)) return bad(EDE.OTHER, LOOP);
    via.push(current);
    const hop = nextHop(message, aliases, raw);
    const found = answer.filter(({ key, type }) => key === current && type === message.type);
    for (const record of hop?.via ?? found) ttlSeconds = Math.min(ttlSeconds, record.ttlSeconds);
    if (hop === undefined) return { ok: true, addresses: usable(message, found), ttlSeconds, via };
    raw = hop.raw;
  }
  return bad(EDE.NO_REACHABLE_AUTHORITY, "has too long a chain of aliases");
}

/** The addresses of records that a gateway can have; loopback and the like would lead a pod to itself. */
const usable = (message: WireMessage, records: readonly WireRecord[]): readonly string[] =>
  records
    .map((record) => usableAddress(addressText(message.bytes.subarray(record.data, record.end))))
    .filter((address) => address !== undefined);

function addressText(data: Buffer): string {
  if (data.length === 4) return data.join(".");
  if (data.length !== 16) return "";
  return Array.from({ length: 8 }, (_, index) => data.readUInt16BE(index * 2).toString(16)).join(":");
}

const readAnswer = (answer: Answer, table: EgressTable): Looked =>
  answer.form === "message"
    ? readAddresses(answer.message, table)
    : bad(EDE.NO_REACHABLE_AUTHORITY, "cannot be looked up");

type Found = Extract<Looked, { ok: true }>;

const joined = (all: readonly Found[]): Found => ({
  ok: true,
  addresses: [...new Set(all.flatMap(({ addresses }) => addresses))],
  ttlSeconds: Math.min(...all.map(({ ttlSeconds }) => ttlSeconds)),
  via: [...new Set(all.flatMap(({ via }) => via))],
});

/** Looks one host name up, both families: without any address of either the gateway has none. */
async function lookUp(ask: Ask, target: string, table: EgressTable): Promise<Looked> {
  const raw = parseName(target);
  if (raw === undefined || raw === "") return bad(EDE.OTHER, "is no host name");
  const key = foldKey(raw);
  if (isLoop(table, key)) return bad(EDE.OTHER, "is an egress hostname itself, which is a loop");
  const answers = await Promise.all([ask(raw, TYPE.A), ask(raw, TYPE.AAAA)]);
  const looked = answers.map((answer) => readAnswer(answer, table));
  const good = looked.filter((one) => one.ok);
  const useful = good.filter(({ addresses }) => addresses.length > 0);
  if (useful.length > 0) return joined(useful);
  return looked.find((one) => !one.ok) ?? bad(EDE.NO_REACHABLE_AUTHORITY, "has no usable address");
}

/** Looks up all host names of one gateway, and gives the addresses of those that have any. Never rejects. */
export async function lookUpAll(ask: Ask, targets: readonly string[], table: EgressTable): Promise<Looked> {
  const looked = await Promise.all(targets.map((target) => lookUp(ask, target, table)));
  const good = looked.filter((one) => one.ok);
  if (good.length === 0) return looked[0] ?? bad(EDE.OTHER, "is missing");
  return joined(good);
}
