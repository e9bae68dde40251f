import type { MessageAnswer, PreparedAnswer } from "../../pipeline/answer.ts";
import { EDE, FLAG, RCODE } from "../../wire/codes.ts";
import type { NameKey } from "../../wire/name.ts";
import type { WireMessage } from "../../wire/records.ts";
import { edeOption } from "../../wire/reply.ts";
import type { Verdict } from "./judge.ts";

/** An answer that is kept, with its place among the others of its store. */
export type Entry = {
  readonly slot: number;
  readonly key: NameKey;
  readonly kind: Verdict["kind"];
  /** Milliseconds since the epoch. */
  readonly storedAtMs: number;
  readonly expiresAtMs: number;
  /** What the client saw when the entry was made; 0 for a failure. */
  readonly ttlSeconds: number;
  /** Octets that it takes up, with all objects around it: an estimate. */
  readonly octets: number;
  /** As it is given to clients, but for the TTL. */
  readonly answer: MessageAnswer | PreparedAnswer;
  /** The answer with the TTL that was last given: most questions for a popular name come within one second. */
  shown: MessageAnswer | PreparedAnswer;
  /** Questions since the last pause, for `prefetch`. */
  hits: number;
  lastHitAtMs: number;
  /** Renewing has failed: it is not tried again before. */
  recheckAtMs: number;
  /** Whether it was asked for since its turn to be dropped came last. */
  wanted: boolean;
  newer: Entry | undefined;
  older: Entry | undefined;
};

/** Measured: an entry with its answer, message, buffer and place in the maps; and one record of it. */
const ENTRY_OCTETS = 900;
const RECORD_OCTETS = 140;

/** RFC 8914 section 4.4. */
const STALE = edeOption(EDE.STALE_ANSWER, "");

/** The same message in memory of its own size: a part of something larger would keep all of that alive. */
export function compact(message: WireMessage): WireMessage {
  const { bytes } = message;
  if (bytes.buffer.byteLength === bytes.length) return message;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return { ...message, bytes: own };
}

function octetsOf(key: NameKey, answer: MessageAnswer | PreparedAnswer): number {
  let octets = ENTRY_OCTETS + key.length;
  if (answer.form === "prepared") return octets;
  octets += answer.message.bytes.length;
  for (const record of answer.message.records) octets += RECORD_OCTETS + record.key.length;
  return octets;
}

/** As clients get it from the cache: ours is never the word of authority, and what went wrong was logged once. */
function keptAnswer(answer: MessageAnswer | PreparedAnswer, kind: Verdict["kind"]): MessageAnswer | PreparedAnswer {
  const extras = { ...(answer.ede && { ede: answer.ede }), ...(answer.header && { header: answer.header }) };
  if (answer.form === "prepared" || kind === "failure") {
    return { form: "prepared", by: "cache", rcode: RCODE.SERVFAIL, ...extras };
  }
  const { rcode, message, records } = answer;
  return { form: "message", by: "cache", rcode, flags: answer.flags & ~FLAG.AA, message, records, ...extras };
}

/** Makes an entry of an answer that was found worth keeping. `answer.message` is in memory of its own. */
export function createEntry(
  { slot, key }: { readonly slot: number; readonly key: NameKey },
  answer: MessageAnswer | PreparedAnswer,
  { kind, ttlMs }: Verdict,
  now: number,
): Entry {
  const kept = keptAnswer(answer, kind);
  return {
    slot,
    key,
    kind,
    storedAtMs: now,
    expiresAtMs: now + ttlMs,
    ttlSeconds: kind === "failure" ? 0 : ttlMs / 1000,
    octets: octetsOf(key, kept),
    answer: kept,
    shown: kept,
    hits: 0,
    lastHitAtMs: now,
    recheckAtMs: 0,
    wanted: false,
    newer: undefined,
    older: undefined,
  };
}

/** A clock that was set back must not lengthen a life: what was stored later than now counts as over. */
export const isLive = (entry: Entry, now: number): boolean => now >= entry.storedAtMs && now < entry.expiresAtMs;

/** Whether an entry that is over may still be used, `staleMs` after its end at most; a failure never is. */
export const isUsableStale = (entry: Entry, now: number, staleMs: number): boolean =>
  entry.kind !== "failure" && now >= entry.storedAtMs && now < entry.expiresAtMs + staleMs;

/** Whole seconds that a live entry has left, at least 1 and at most its TTL. */
export const remainingSeconds = (entry: Entry, now: number): number => Math.ceil((entry.expiresAtMs - now) / 1000);

/** What a client gets of a live entry; `ttlSeconds` takes the place of every record's. */
export function liveAnswer(entry: Entry, ttlSeconds: number): MessageAnswer | PreparedAnswer {
  const { answer, shown } = entry;
  if (answer.form === "prepared" || shown.form === "prepared") return answer;
  if (shown.ttlSeconds === ttlSeconds) return shown;
  const aged = { ...answer, ttlSeconds };
  entry.shown = aged;
  return aged;
}

/** What a client gets of an entry that is over. */
export const staleAnswer = ({ answer }: Entry, ttlSeconds: number): MessageAnswer | PreparedAnswer =>
  answer.form === "prepared" ? answer : { ...answer, ttlSeconds, ede: STALE };
