import { usableAddress } from "../../../model/address.ts";
import { isExact } from "../../decide.ts";
import type { Answer } from "../../pipeline/answer.ts";
import type { EgressTable } from "../../table.ts";
import { EDE, RCODE, TYPE } from "../../wire/codes.ts";
import { expandName, foldKey, parseName } from "../../wire/name.ts";
import type { WireMessage, WireRecord } from "../../wire/records.ts";

/** Asks what comes behind `sluice` in the server block; `raw` is a name as on the wire without the root's zero octet. */
export type Ask = (raw: string, type: number) => Answer | Promise<Answer>;

/** Aliases that are followed from the gateway's host name to its addresses. */
const MAX_HOPS = 16;

/** The addresses behind a gateway's host names, or the extended error that says why there are none. */
export type Looked =
  | { readonly ok: true; readonly addresses: readonly string[]; readonly ttlSeconds: number }
  | { readonly ok: false; readonly code: number; readonly text: string };

const bad = (code: number, text: string): Looked => ({ ok: false, code, text });

/**
 * The addresses at the end of one answer's chain, or why there are none. A chain through an exact egress name is a loop;
 * a wildcard such as `*.amazonaws.com` may well cover a load balancer's own name.
 */
function readAddresses(message: WireMessage, table: EgressTable): Looked {
  if (message.rcode !== RCODE.NOERROR) return bad(EDE.NO_REACHABLE_AUTHORITY, "does not exist or cannot be resolved");
  let current = message.key;
  let ttlSeconds = table.ttlSeconds;
  for (let hops = 0; hops < MAX_HOPS; hops++) {
    if (isExact(table, current)) return bad(EDE.OTHER, "leads to an egress hostname, which is a loop");
    const own = message.records.filter((record) => record.section === "answer" && record.key === current);
    const alias = own.find((record) => record.type === TYPE.CNAME);
    const found = own.filter((record) => record.type === message.type);
    for (const record of alias ? [alias] : found) ttlSeconds = Math.min(ttlSeconds, record.ttlSeconds);
    if (alias === undefined) return { ok: true, addresses: usable(message, found), ttlSeconds };
    const target = expandName(message.bytes, alias.data);
    if (target === undefined) break;
    current = foldKey(target.raw);
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

/** Looks one host name up, both families: without any address of either the gateway has none. */
async function lookUp(ask: Ask, target: string, table: EgressTable): Promise<Looked> {
  const raw = parseName(target);
  if (raw === undefined || raw === "") return bad(EDE.OTHER, "is no host name");
  const key = foldKey(raw);
  if (isExact(table, key)) return bad(EDE.OTHER, "is an egress hostname itself, which is a loop");
  const answers = await Promise.all([ask(raw, TYPE.A), ask(raw, TYPE.AAAA)]);
  const looked = answers.map((answer) => readAnswer(answer, table));
  const good = looked.filter((one) => one.ok);
  const addresses = good.flatMap((one) => one.addresses);
  if (addresses.length > 0) {
    return {
      ok: true,
      addresses,
      ttlSeconds: Math.min(...good.filter((g) => g.addresses.length > 0).map((g) => g.ttlSeconds)),
    };
  }
  return looked.find((one) => !one.ok) ?? bad(EDE.NO_REACHABLE_AUTHORITY, "has no usable address");
}

/** Looks up all host names of one gateway, and gives the addresses of those that have any. Never rejects. */
export async function lookUpAll(ask: Ask, targets: readonly string[], table: EgressTable): Promise<Looked> {
  const looked = await Promise.all(targets.map((target) => lookUp(ask, target, table)));
  const good = looked.filter((one) => one.ok);
  if (good.length === 0) return looked[0] ?? bad(EDE.OTHER, "is missing");
  const addresses = [...new Set(good.flatMap((one) => one.addresses))];
  return { ok: true, addresses, ttlSeconds: Math.min(...good.map((one) => one.ttlSeconds)) };
}
