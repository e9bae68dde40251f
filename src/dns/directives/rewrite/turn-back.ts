import { type Answer, failed, type MessageAnswer, type PreparedAnswer } from "../../pipeline/answer.ts";
import { composeMessage } from "../../pipeline/compose.ts";
import type { Exchange } from "../../pipeline/exchange.ts";
import { EDE, FLAG, RCODE } from "../../wire/codes.ts";
import { changedBlock } from "./changed-block.ts";
import type { NameMap } from "./name-maps.ts";
import type { AnswerChange } from "./rules.ts";

const MALFORMED = failed("rewrite", EDE.NETWORK_ERROR, "the answer is malformed and cannot be turned back");

/** One function for each part of an answer that rules change; undefined where none does. */
export type AnswerMaps = {
  readonly owner: NameMap | undefined;
  readonly value: NameMap | undefined;
  readonly ttl: ((seconds: number) => number) | undefined;
  readonly rcode: ((rcode: number) => number) | undefined;
};

/** What was done last on the way in is undone first. */
function inReverse<T>(maps: readonly ((value: T) => T)[]): ((value: T) => T) | undefined {
  if (maps.length < 2) return maps[0];
  return (value) => maps.reduceRight((changed, map) => map(changed), value);
}

function mapsOf(changes: readonly AnswerChange[]): AnswerMaps {
  const names = (part: "owner" | "value"): NameMap | undefined =>
    inReverse(changes.flatMap((change) => (change.part === part ? [change.map] : [])));
  const numbers = (part: "ttl" | "rcode"): ((value: number) => number) | undefined =>
    inReverse(changes.flatMap((change) => (change.part === part ? [change.map] : [])));
  return { owner: names("owner"), value: names("value"), ttl: numbers("ttl"), rcode: numbers("rcode") };
}

/**
 * The answer to what `exchange` asks, made of the answer to what the rules made of it. `asksElse`: name, type or class are
 * not the same.
 */
export function turnBack(
  exchange: Exchange,
  answer: Answer,
  changes: readonly AnswerChange[],
  asksElse: boolean,
): Answer {
  if (answer.form === "dropped") return answer;
  const maps = mapsOf(changes);
  if (answer.form === "prepared") return turnPreparedBack(answer, maps);
  return turnMessageBack(exchange, answer, maps, asksElse);
}

/** Only these are prepared with AA, which a rule about rcodes must not lend to a failure. */
const isAuthoritative = (rcode: number): boolean => rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN;

/** Its owners are whatever the question is. */
function turnPreparedBack(prepared: PreparedAnswer, { value, ttl, rcode: mapRcode }: AnswerMaps): PreparedAnswer {
  const { answer, authority, header } = prepared;
  const rcode = mapRcode?.(prepared.rcode) ?? prepared.rcode;
  const withoutAa = { set: header?.set ?? 0, clear: (header?.clear ?? 0) | FLAG.AA };
  const changed = { ...prepared, rcode, ...(!isAuthoritative(prepared.rcode) && { header: withoutAa }) };
  if (ttl === undefined && value === undefined) return changed;
  return {
    ...changed,
    ...(answer && { answer: changedBlock(answer, { ttl, value }) }),
    ...(authority && { authority: changedBlock(authority, { ttl, value }) }),
  };
}

function turnMessageBack(
  exchange: Exchange,
  answer: MessageAnswer,
  { owner, value, ttl, rcode: mapRcode }: AnswerMaps,
  asksElse: boolean,
): Answer {
  const rcode = mapRcode?.(answer.rcode) ?? answer.rcode;
  const { ttlSeconds } = answer;
  const changed = { ...answer, rcode, ...(ttl && ttlSeconds !== undefined && { ttlSeconds: ttl(ttlSeconds) }) };
  if (!asksElse && ttl === undefined && owner === undefined && value === undefined) return changed;
  const message = composeMessage(exchange, {
    rcode,
    flags: answer.flags,
    pieces: answer.records.map((record) => ({
      from: answer.message,
      record,
      ...(owner && { owner }),
      ...(value && { value }),
      ...(ttl && { ttlSeconds: ttl(record.ttlSeconds) }),
    })),
  });
  return message === undefined ? MALFORMED : { ...changed, message, records: message.records };
}
