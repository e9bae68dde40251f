import { addressAnswer, failure, nodata } from "../../decide.ts";
import { type Guarded, guardAnswer, passthroughRecords } from "../../guard.ts";
import { type Answer, failed, type MessageAnswer, messageAnswer } from "../../pipeline/answer.ts";
import { composeMessage, type Piece } from "../../pipeline/compose.ts";
import { askedName, type Exchange } from "../../pipeline/exchange.ts";
import type { EgressEntry, EgressTable } from "../../table.ts";
import { EDE, RCODE, TYPE } from "../../wire/codes.ts";
import { foldKey } from "../../wire/name.ts";
import type { WireMessage, WireRecord } from "../../wire/records.ts";
import type { LocalAnswer } from "../../wire/reply.ts";
import type { EgressCounts } from "./egress-counts.ts";
import type { Flattener } from "./flatten.ts";
import { isPlain } from "./plain-answer.ts";

export type GuardDeps = { readonly counts: EgressCounts; readonly flattener: Flattener };

const BROKEN = failed("sluice", EDE.NETWORK_ERROR, "the upstream's answer is malformed");

/** Verdicts by message, so that a cached answer is judged once for each table. */
const verdicts = new WeakMap<WireMessage, { readonly table: EgressTable; readonly guarded: Guarded }>();

function judgeKept(message: WireMessage, table: EgressTable): Guarded {
  const known = verdicts.get(message);
  if (known?.table === table) return known.guarded;
  const guarded = guardAnswer(message, table);
  verdicts.set(message, { table, guarded });
  return guarded;
}

/** A fresh answer comes once: remembering its verdict would cost more than the verdict. */
const judge = ({ by, message }: MessageAnswer, table: EgressTable): Guarded =>
  by === "cache" ? judgeKept(message, table) : guardAnswer(message, table);

/** What a directive below has already taken out stays out. */
const shownOf = (answer: MessageAnswer, keep: readonly WireRecord[]): readonly WireRecord[] => {
  if (answer.records === answer.message.records) return keep;
  const kept = new Set(keep);
  return answer.records.filter((record) => kept.has(record));
};

/** An answer without what must not be shown, its aliases spliced where they reach an egress name. */
export function guardedAnswer(
  deps: GuardDeps,
  exchange: Exchange,
  answer: MessageAnswer,
  table: EgressTable,
): Answer | Promise<Answer> {
  const { message } = answer;
  if (isPlain(message)) return answer;
  const guarded = judge(answer, table);
  if (guarded.events.length > 0) deps.counts.guarded(guarded.events);
  if (guarded.splice === undefined) {
    if (guarded.keep.length === message.records.length) return answer;
    return { ...answer, records: shownOf(answer, guarded.keep) };
  }
  const { entry, owner, attributes } = guarded.splice;
  const keep = shownOf(answer, guarded.keep);
  // Pass-through records of the egress name stand in the upstream's answer already.
  if (keep.some((record) => record.key === foldKey(owner))) {
    return splice(exchange, answer, keep, { owner, answer: { rcode: RCODE.NOERROR } });
  }
  const local = localAnswer(deps, entry, attributes ? TYPE.HTTPS : message.type, table);
  return local instanceof Promise
    ? local.then((late) => splice(exchange, answer, keep, { owner, answer: late }))
    : splice(exchange, answer, keep, { owner, answer: local });
}

/** What an egress name at the end of an alias chain answers. */
function localAnswer(
  { flattener }: GuardDeps,
  entry: EgressEntry,
  type: number,
  table: EgressTable,
): LocalAnswer | Promise<LocalAnswer> {
  if (entry.status === "closed") return failure(EDE.NOT_READY, entry.trouble);
  if (type !== TYPE.A && type !== TYPE.AAAA) return nodata(table);
  if (entry.status === "unresolved") return flattener.answer(entry, type, table);
  return addressAnswer(table, type === TYPE.A ? entry.a : entry.aaaa);
}

type Splice = { readonly owner: string; readonly answer: LocalAnswer };

/**
 * The alias chain up to an egress name, and our answer for that name behind it. The rcode is that of the last name
 * (RFC 6604), so an egress name that public DNS does not have is no NXDOMAIN; nothing of it is authoritative or signed.
 */
function splice(
  exchange: Exchange,
  { message, ttlSeconds }: MessageAnswer,
  keep: readonly WireRecord[],
  { owner, answer }: Splice,
): Answer {
  const { rcode, ede } = answer;
  if (rcode !== RCODE.NOERROR) return { form: "prepared", by: "sluice", rcode, ...(ede && { ede }) };
  const pieces: Piece[] = [
    ...keep.map((record) => ({ from: message, record, ...(ttlSeconds !== undefined && { ttlSeconds }) })),
    ...(answer.answer ? [{ section: "answer", owner, prepared: answer.answer } as const] : []),
    ...(answer.authority ? [{ section: "authority", owner, prepared: answer.authority } as const] : []),
  ];
  const composed = composeMessage(exchange, { rcode, pieces });
  if (composed === undefined) return BROKEN;
  return { ...messageAnswer("sluice", composed, 0), ...(ede && { ede }) };
}

/**
 * A pass-through type of an egress name: its own records, or NODATA with our SOA. NXDOMAIN becomes NODATA too, since
 * the name exists here. Another rcode (SERVFAIL, REFUSED) is relayed without records.
 */
export function passthroughAnswer(exchange: Exchange, answer: Answer, table: EgressTable): Answer {
  if (answer.form !== "message") return answer;
  const { rcode } = answer;
  // A directive above may have changed the type that is asked.
  const passed = table.passthrough.has(answer.message.type) ? passthroughRecords(answer.message) : [];
  const records = shownOf(answer, passed);
  const settled = rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN;
  if (!settled || (records.length > 0 && rcode === RCODE.NOERROR)) return { ...answer, by: "sluice", records };
  const authority = { section: "authority", owner: askedName(exchange), prepared: table.soa } as const;
  const composed = composeMessage(exchange, { rcode: RCODE.NOERROR, pieces: [authority] });
  return composed === undefined ? BROKEN : messageAnswer("sluice", composed, 0);
}
