import { leavesZones } from "../../alias-targets.ts";
import { type Decision, decide, notSynced, zonesBeforeSync } from "../../decide.ts";
import type { Answer } from "../../pipeline/answer.ts";
import type { Exchange } from "../../pipeline/exchange.ts";
import { internalExchange } from "../../pipeline/internal-exchange.ts";
import type { CreateHandler, HandlerContext, Serve } from "../../pipeline/serve.ts";
import type { EgressTable } from "../../table.ts";
import { CLASS_IN } from "../../wire/codes.ts";
import type { NameKey } from "../../wire/name.ts";
import type { LocalAnswer } from "../../wire/reply.ts";
import { createEgressCounts, type EgressCounts } from "./egress-counts.ts";
import { createFlattener, type Flattener } from "./flatten.ts";
import { guardedAnswer, passthroughAnswer } from "./guarded-answer.ts";
import { aliasAnswer } from "./search-alias.ts";
import type { SluiceSettings } from "./setup.ts";

type Parts = {
  readonly table: () => EgressTable;
  readonly counts: EgressCounts;
  readonly flattener: Flattener;
  readonly next: Serve;
};

/** Egress names are answered here; what comes back for all others passes the guard, from the cache too. */
export const createSluiceHandler: CreateHandler<SluiceSettings> = (_settings, context) => ({
  wrap: (next) => wrap(context, next),
});

function wrap(context: HandlerContext, next: Serve): Serve {
  const counts = createEgressCounts(context.meter);
  let block: Exchange["block"] | undefined;
  const flattener = createFlattener((raw, type) => {
    // Only questions bring a flattener into play, so that one has told the block by then.
    if (block === undefined) throw new Error("nothing was asked yet");
    return next(internalExchange(block, raw, type));
  }, context.now);
  const parts: Parts = { table: context.table, counts, flattener, next };
  return (exchange) => {
    if (exchange.asked.class !== CLASS_IN) return next(exchange);
    block = exchange.block;
    const table = context.table();
    const decision = decideBoth(parts, exchange, table);
    if (decision.action === "forward" && decision.reason === "gateway-client") counts.gatewayClient();
    counts.decision(decision, exchange.query.type, table);
    return answer(parts, exchange, table, decision);
  };
}

/**
 * The table is asked about the name that the client asked for and about the one that a rewriting directive made of it:
 * neither way leads past it (CVE-2026-26017 was such a way).
 */
function decideBoth({ counts }: Parts, { client, query, asked }: Exchange, table: EgressTable): Decision {
  const fromGateway = table.gatewayClients.has(client.address);
  const decision = decide(table, { key: query.key, type: query.type, fromGateway });
  const changed = asked.key !== query.key || asked.type !== query.type;
  // What passes through by the client's type need not by the type that was made of it.
  if (!changed || (decision.action !== "forward" && decision.action !== "passthrough")) return decision;
  const rewritten = decide(table, { key: asked.key, type: asked.type, fromGateway });
  if (rewritten.action === "forward") return decision;
  if (decision.action === "forward") counts.rewritten();
  return rewritten;
}

function answer(parts: Parts, exchange: Exchange, table: EgressTable, decision: Decision): Answer | Promise<Answer> {
  if (decision.action === "fail") return prepared(decision.answer);
  if (decision.action === "answer") return located(exchange, table, decision.alias, decision.answer);
  if (decision.action === "resolve") return resolve(parts, exchange, table, decision);
  const below = parts.next(exchange);
  return below instanceof Promise
    ? below.then((late) => comeBack(parts, exchange, table, decision, late))
    : comeBack(parts, exchange, table, decision, below);
}

/** Written out, so that all of these answers have one shape. */
const prepared = ({ rcode, answer, authority, ede }: LocalAnswer): Answer => ({
  form: "prepared",
  by: "sluice",
  rcode,
  answer,
  authority,
  ede,
});

/** Under the name that was asked for, or behind an alias that it is (`search cname`). */
const located = (exchange: Exchange, table: EgressTable, alias: NameKey | undefined, local: LocalAnswer): Answer =>
  alias === undefined ? prepared(local) : aliasAnswer(exchange, alias, local, table.ttlSeconds);

async function resolve(
  parts: Parts,
  exchange: Exchange,
  table: EgressTable,
  { entry, alias }: Extract<Decision, { action: "resolve" }>,
): Promise<Answer> {
  const local = await parts.flattener.answer(entry, exchange.query.type, table);
  const newest = parts.table();
  // Addresses that were waited for may be the real ones of a name that is egress by now.
  if (newest !== table) return answer(parts, exchange, newest, decideBoth(parts, exchange, newest));
  return located(exchange, table, alias, local);
}

/** On the way back. The table may have been replaced meanwhile: a name that is egress by now must not be shown. */
function comeBack(
  parts: Parts,
  exchange: Exchange,
  before: EgressTable,
  decided: Decision,
  below: Answer,
): Answer | Promise<Answer> {
  const table = parts.table();
  const decision = table === before ? decided : decideBoth(parts, exchange, table);
  if (decision.action === "passthrough") return passthroughAnswer(exchange, below, table);
  if (decision.action !== "forward") return answer(parts, exchange, table, decision);
  if (below.form !== "message") return below;
  if (decision.reason === "cluster-name-before-sync") {
    return leavesZones(below.message, zonesBeforeSync(table)) ? prepared(notSynced()) : below;
  }
  if (!decision.guarded) return below;
  const guarded = guardedAnswer(parts, exchange, below, table);
  // What is waited for at the end of an alias is judged by the table of then, as everything is.
  return guarded instanceof Promise
    ? guarded.then((late) => (parts.table() === table ? late : comeBack(parts, exchange, table, decision, below)))
    : guarded;
}
