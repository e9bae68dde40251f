import type { Answer } from "../../pipeline/answer.ts";
import type { Exchange } from "../../pipeline/exchange.ts";
import type { CreateHandler, HandlerContext, Serve } from "../../pipeline/serve.ts";
import { CLASS_IN, FLAG } from "../../wire/codes.ts";
import { createZoneLookup } from "../zone-lookup.ts";
import { type Admit, createAdmission } from "./admission.ts";
import { type CacheCounts, createCacheCounts, type PartCounts } from "./cache-counts.ts";
import { type Entry, isLive, isUsableStale, liveAnswer, remainingSeconds, staleAnswer } from "./entry.ts";
import type { Prefetch } from "./freshness.ts";
import { type KeptEntries, openKeptEntries } from "./kept-entries.ts";
import { createRenewal, type Renewal } from "./renewal.ts";
import type { CacheSettings } from "./setup.ts";
import { type StaleRule, staleRuleOf } from "./stale-rule.ts";

type Parts = {
  readonly settings: CacheSettings;
  readonly context: HandlerContext;
  readonly rule: StaleRule;
  readonly counts: CacheCounts;
  readonly entries: KeptEntries;
  readonly admit: Admit;
};

/** Answers what was answered before, for as long as it holds; everything else is asked of the next directive. */
export const createCacheHandler: CreateHandler<CacheSettings> = (settings, context) => {
  const rule = staleRuleOf(settings);
  const counts = createCacheCounts(context.meter, context.server, settings.zones.join(","));
  const entries = openKeptEntries(settings, context, counts, rule.forMs);
  const admit = createAdmission({ settings, entries, counts, now: context.now });
  const parts: Parts = { settings, context, rule, counts, entries, admit };
  return { wrap: (next) => serveKept(parts, next), close: () => entries.release() };
};

/**
 * With the name the key of an entry: the type, DO and CD (RFC 6840 section 5.9: what was fetched with CD is for those
 * who set it). The class is always IN.
 */
const slotOf = ({ asked, query }: Exchange): number =>
  asked.type * 4 + (query.edns?.dnssecOk === true ? 2 : 0) + ((query.flags & FLAG.CD) === 0 ? 0 : 1);

function serveKept(parts: Parts, next: Serve): Serve {
  const { settings, context, rule, counts, entries, admit } = parts;
  const { success, denial } = entries;
  const zoneOf = createZoneLookup(settings.zones);
  const renewal = createRenewal({ ...parts, next });
  const hit = (exchange: Exchange, entry: Entry, half: PartCounts, now: number): Answer => {
    entry.wanted = true;
    half.hits.add();
    if (settings.prefetch !== undefined) renewPopular(renewal, settings.prefetch, exchange, entry, now);
    return liveAnswer(entry, settings.keepTtl ? entry.ttlSeconds : remainingSeconds(entry, now));
  };
  const ofUse = (entry: Entry | undefined, now: number): Entry | undefined =>
    entry !== undefined && isUsableStale(entry, now, rule.forMs) ? entry : undefined;

  return (exchange) => {
    const { asked } = exchange;
    if (asked.class !== CLASS_IN || zoneOf(asked.key) === undefined) return next(exchange);
    counts.requests.add();
    const now = context.now();
    const slot = slotOf(exchange);
    const good = success.get(slot, asked.key);
    if (good !== undefined && isLive(good, now)) return hit(exchange, good, counts.success, now);
    const stale = ofUse(good, now);
    const bad = denial.get(slot, asked.key);
    const denied = bad !== undefined && isLive(bad, now);
    if (denied && (stale === undefined || !settings.preferPositive)) return hit(exchange, bad, counts.denial, now);
    const old = stale ?? ofUse(bad, now);
    if (old !== undefined) return serveStale(parts, renewal, next, { exchange, entry: old, now, renew: !denied });
    counts.misses.add();
    const answer = next(exchange);
    return answer instanceof Promise
      ? answer.then((late) => admit(exchange, slot, late))
      : admit(exchange, slot, answer);
  };
}

/** CoreDNS's measure: questions that follow one another without a pause, and the part of the time that is left. */
function renewPopular(renewal: Renewal, prefetch: Prefetch, exchange: Exchange, entry: Entry, now: number): void {
  entry.hits = now - entry.lastHitAtMs > prefetch.durationMs ? 1 : entry.hits + 1;
  entry.lastHitAtMs = now;
  if (entry.kind === "failure" || entry.hits < prefetch.amount) return;
  const threshold = Math.ceil((entry.ttlSeconds * prefetch.percentage) / 100);
  if (remainingSeconds(entry, now) <= threshold) renewal.start(exchange, entry);
}

type StaleHit = {
  readonly exchange: Exchange;
  readonly entry: Entry;
  readonly now: number;
  /** False while a denial is kept that will tell when to ask again. */
  readonly renew: boolean;
};

function serveStale(parts: Parts, renewal: Renewal, next: Serve, hit: StaleHit): Answer | Promise<Answer> {
  const { rule, counts } = parts;
  const { exchange, entry, now } = hit;
  entry.wanted = true;
  (entry.kind === "success" ? counts.success : counts.denial).hits.add();
  const asItWas = (): Answer => {
    counts.servedStale.add();
    return staleAnswer(entry, rule.ttlSeconds);
  };
  const mayRecurse = (exchange.query.flags & FLAG.RD) !== 0;
  if (!rule.verify || !hit.renew || !mayRecurse || now < entry.recheckAtMs) {
    if (hit.renew) renewal.start(exchange, entry);
    return asItWas();
  }
  const settle = (answer: Answer): Answer | undefined =>
    answer.form === "dropped" ? answer : renewal.accept(exchange, entry, answer);
  // An answer that is waited for no longer comes when the client's octets are gone.
  const lasting = rule.verifyTimeoutMs === 0 ? exchange : { ...exchange, message: Buffer.from(exchange.message) };
  const fresh = next(lasting);
  if (!(fresh instanceof Promise)) return settle(fresh) ?? asItWas();
  return within(fresh.then(settle), rule.verifyTimeoutMs).then((settled) => settled ?? asItWas());
}

/** What a promise gives in time, undefined when it is late; 0 milliseconds: however late. */
function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  if (milliseconds === 0) return promise;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
