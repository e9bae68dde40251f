import type { Answer } from "../../pipeline/answer.ts";
import type { Exchange } from "../../pipeline/exchange.ts";
import { FLAG } from "../../wire/codes.ts";
import type { WireMessage } from "../../wire/records.ts";
import { createZoneLookup } from "../zone-lookup.ts";
import type { CacheCounts } from "./cache-counts.ts";
import { compact, createEntry } from "./entry.ts";
import { judge, type Verdict } from "./judge.ts";
import type { KeptEntries } from "./kept-entries.ts";
import type { CacheSettings } from "./setup.ts";

/** Keeps an answer that came from below when it is worth it, and gives it as the client gets it. */
export type Admit = (exchange: Exchange, slot: number, answer: Answer) => Answer;

export type AdmissionDeps = {
  readonly settings: CacheSettings;
  readonly entries: KeptEntries;
  readonly counts: CacheCounts;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
};

/** Whether it has the question that was asked; another one would be an answer to somebody else. */
export const isToQuestion = (answer: Answer, { asked }: Exchange): boolean =>
  answer.form !== "message" || (answer.message.key === asked.key && answer.message.type === asked.type);

/** The least TTL for all records, so that the first answer does not last longer than the next ones. */
const capped = (answer: Answer, { kind, ttlMs }: Verdict): Answer =>
  answer.form !== "message" || kind === "failure" ? answer : { ...answer, ttlSeconds: ttlMs / 1000 };

export function createAdmission({ settings, entries, counts, now }: AdmissionDeps): Admit {
  const disabled = {
    success: createZoneLookup(settings.disabled.success),
    denial: createZoneLookup(settings.disabled.denial),
  };
  const isWanted = ({ asked, query }: Exchange, { kind, ttlMs }: Verdict): boolean =>
    ttlMs > 0 &&
    // A server that was told not to recurse may know less than it would tell others.
    (query.flags & FLAG.RD) !== 0 &&
    disabled[kind === "success" ? "success" : "denial"](asked.key) === undefined;
  // Those who waited for one answer bring it one after the other: they get one copy, and make one entry.
  let copied: { readonly from: WireMessage; readonly own: WireMessage } | undefined;
  const ownMessage = (from: WireMessage): WireMessage => {
    if (copied?.from !== from) copied = { from, own: compact(from) };
    return copied.own;
  };
  const isKeptAlready = ({ asked }: Exchange, slot: number, answer: Answer, at: number): boolean => {
    const before = entries.find(slot, asked.key);
    if (before?.storedAtMs !== at || before.answer.form !== "message") return false;
    return answer.form === "message" && before.answer.message === answer.message;
  };

  return (exchange, slot, answer) => {
    const verdict = judge(answer, settings);
    if (verdict === undefined || answer.form === "dropped") return answer;
    if (!isToQuestion(answer, exchange)) {
      counts.drops.add();
      return answer;
    }
    if (!isWanted(exchange, verdict)) return capped(answer, verdict);
    const own =
      answer.form === "message" && verdict.kind !== "failure"
        ? { ...answer, message: ownMessage(answer.message) }
        : answer;
    const at = now();
    if (!isKeptAlready(exchange, slot, own, at)) {
      entries.put(createEntry({ slot, key: exchange.asked.key }, own, verdict, at), at);
    }
    return capped(own, verdict);
  };
}
