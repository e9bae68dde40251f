import type { Answer } from "../../pipeline/answer.ts";
import { type Exchange, questionOctets } from "../../pipeline/exchange.ts";
import { OWN_CLIENT } from "../../pipeline/internal-exchange.ts";
import type { HandlerContext, Serve } from "../../pipeline/serve.ts";
import { FLAG, RCODE } from "../../wire/codes.ts";
import { gate } from "../../wire/gate.ts";
import { encodeQuery } from "../../wire/question.ts";
import { type Admit, isToQuestion } from "./admission.ts";
import type { CacheCounts } from "./cache-counts.ts";
import type { Entry } from "./entry.ts";
import { hasData } from "./judge.ts";
import type { KeptEntries } from "./kept-entries.ts";
import type { CacheSettings } from "./setup.ts";
import type { StaleRule } from "./stale-rule.ts";

export type RenewalDeps = {
  readonly settings: CacheSettings;
  readonly context: Pick<HandlerContext, "now" | "log">;
  readonly rule: StaleRule;
  readonly entries: KeptEntries;
  readonly counts: CacheCounts;
  readonly admit: Admit;
  readonly next: Serve;
};

export type Renewal = {
  /** Renews an entry in the background; one renewal at a time for each, none soon after a failure. */
  start(exchange: Exchange, entry: Entry): void;
  /** The answer as the client gets it when it takes the entry's place; undefined when the entry is still the best. */
  accept(exchange: Exchange, entry: Entry, answer: Answer): Answer | undefined;
};

/** Renewals under way at once. They belong to no client, so no client's rate bounds them. */
const MAX_RENEWALS = 256;

export function createRenewal(deps: RenewalDeps): Renewal {
  const { context, counts, next } = deps;
  const underWay = new Set<string>();
  const accept: Renewal["accept"] = (exchange, entry, answer) => acceptAnswer(deps, exchange, entry, answer);
  const renew = async (own: Exchange, entry: Entry): Promise<void> => void accept(own, entry, await next(own));
  return {
    accept,
    start(exchange, entry) {
      const id = `${entry.slot} ${entry.key}`;
      if (context.now() < entry.recheckAtMs || underWay.size >= MAX_RENEWALS || underWay.has(id)) return;
      // The client's octets are gone once it has its answer, and nothing is asked before that.
      const own = ownExchange(exchange);
      if (own === undefined) return;
      underWay.add(id);
      counts.renewals.add();
      Promise.resolve()
        .then(() => renew(own, entry))
        .catch((error: unknown) => {
          context.log({ level: "error", text: `plugin/cache: renewing an entry failed: ${String(error)}` });
        })
        .finally(() => underWay.delete(id));
    },
  };
}

/** The same question, asked by ourselves: with recursion, and with DO and CD as in the entry's key. */
function ownExchange(exchange: Exchange): Exchange | undefined {
  const { query, block } = exchange;
  const flags = FLAG.RD | FLAG.AD | (query.flags & FLAG.CD);
  const edns = query.edns === undefined ? {} : { edns: { dnssecOk: query.edns.dnssecOk } };
  const message = encodeQuery(questionOctets(exchange), { id: 0, flags, ...edns });
  const gated = gate(message);
  if (gated.verdict !== "question") return undefined;
  const { key, type, class: klass } = gated.query;
  const asked = { key, type, class: klass };
  return { client: OWN_CLIENT, message, query: gated.query, asked, block, startedAt: performance.now() };
}

/** Whether an answer says how things are now (RFC 8767 section 4), or only that nobody knows. */
function replaces(exchange: Exchange, answer: Answer, entry: Entry, preferPositive: boolean): boolean {
  if (answer.form === "dropped" || !isToQuestion(answer, exchange)) return false;
  if (answer.form === "message" && answer.message.truncated) return false;
  if (answer.rcode !== RCODE.NOERROR && answer.rcode !== RCODE.NXDOMAIN) return false;
  if (!preferPositive || entry.kind !== "success") return true;
  return answer.form === "message" ? hasData(answer) : answer.answer !== undefined;
}

function acceptAnswer(deps: RenewalDeps, exchange: Exchange, entry: Entry, answer: Answer): Answer | undefined {
  const { admit, context, rule, settings } = deps;
  const shown = admit(exchange, entry.slot, answer);
  if (replaces(exchange, answer, entry, settings.preferPositive)) {
    handOn(deps.entries, entry);
    return shown;
  }
  // A refusal of ours, of a client that asks too much, says nothing about those who know the answer.
  if (answer.form === "message" || answer.rcode === RCODE.SERVFAIL) entry.recheckAtMs = context.now() + rule.recheckMs;
  return undefined;
}

/** The new entry is as popular as the old one was. What could not be kept leaves nothing old behind it either. */
function handOn(entries: KeptEntries, entry: Entry): void {
  const { slot, key, hits, lastHitAtMs } = entry;
  entries.remove(entry);
  const fresh = entries.find(slot, key);
  if (fresh === undefined) return;
  fresh.hits = hits;
  fresh.lastHitAtMs = lastHitAtMs;
}
