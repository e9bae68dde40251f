import { addressAnswer, type Decision, decide, failure } from "../decide.ts";
import { guardAnswer, passthroughRecords } from "../guard.ts";
import { type Delivery, relayPassthrough, relayRecords, relaySpliced } from "../relay.ts";
import type { EgressEntry, EgressTable } from "../table.ts";
import type { Forwarder, ForwardOutcome } from "../upstream/forwarder.ts";
import { EDE, RCODE, TYPE } from "../wire/codes.ts";
import type { Query } from "../wire/gate.ts";
import { foldKey } from "../wire/name.ts";
import type { WireMessage } from "../wire/records.ts";
import { edeOption, type LocalAnswer } from "../wire/reply.ts";
import type { Client } from "./client.ts";
import type { RateVerdict } from "./client-rate.ts";
import type { Flattener } from "./flatten.ts";
import type { Tally } from "./tally.ts";

/** What the answerer reads anew for every question, so that it can be swapped whole. */
export type ResolverState = {
  readonly table: EgressTable;
  /** Questions that we send on come back to us: nothing is forwarded until that ends. */
  readonly looping: boolean;
};

export type LateDeps = {
  readonly state: () => ResolverState;
  readonly forwarder: Forwarder;
  readonly flattener: Flattener;
  readonly clientRate: (client: string) => RateVerdict;
  readonly tally: Tally;
  /** Encodes an answer that was made here. */
  readonly local: (delivery: Delivery, answer: LocalAnswer) => Buffer;
};

/** Decisions that need an upstream. */
export type LateDecision = Exclude<Decision, { readonly action: "answer" | "fail" }>;

/** The answer to a loop probe, and to everything that would be forwarded while forwarding loops. */
export const LOOPING = failure(EDE.OTHER, "forwarding loop: the upstream sends our questions back to us");
const TOO_MANY: LocalAnswer = { rcode: RCODE.REFUSED, ede: edeOption(EDE.OTHER, "too many questions at once") };
const BROKEN = failure(EDE.NETWORK_ERROR, "the upstream's answer is malformed");

/**
 * Starts what a decision needs from an upstream. Undefined drops the question, a buffer refuses it at once. The promise
 * gives the answer to send; it rejects only for a fault of ours.
 */
export function startLateAnswer(
  deps: LateDeps,
  decision: LateDecision,
  delivery: Delivery,
  client: Client,
): Buffer | undefined | Promise<Buffer> {
  const { tally, local } = deps;
  const { query, limit } = delivery;
  // The socket's buffer is ours only until the next message: what outlives this turn is copied.
  const kept: Delivery = { message: Buffer.from(delivery.message.subarray(0, query.questionEnd)), query, limit };
  const { table, looping } = deps.state();
  if (decision.action === "resolve") return resolveAnswer(deps, decision.entry, kept, table);
  if (looping) {
    tally.response("forward", RCODE.SERVFAIL);
    return local(kept, LOOPING);
  }
  const rate = deps.clientRate(client.address);
  if (rate === "pass") return forward(deps, kept, client);
  tally.single("rate_limited");
  if (rate === "drop") return undefined;
  tally.response("forward", RCODE.REFUSED);
  return local(kept, TOO_MANY);
}

/** `local` may write into memory that is used again; what is sent later must be its own. */
const localCopy = (deps: LateDeps, delivery: Delivery, answer: LocalAnswer): Buffer => {
  return Buffer.from(deps.local(delivery, answer));
};

async function resolveAnswer(
  deps: LateDeps,
  entry: EgressEntry,
  delivery: Delivery,
  table: EgressTable,
): Promise<Buffer> {
  const answer = await deps.flattener.answer(entry, delivery.query.type, table);
  deps.tally.response("sluice", answer.rcode);
  return localCopy(deps, delivery, answer);
}

async function forward(deps: LateDeps, delivery: Delivery, client: Client): Promise<Buffer> {
  const { query, message } = delivery;
  const outcome = await deps.forwarder.ask({
    question: message.subarray(12, query.questionEnd),
    key: query.key,
    type: query.type,
    flags: query.flags,
    dnssecOk: query.edns?.dnssecOk ?? false,
  });
  if (!outcome.ok) return failedForward(deps, outcome, delivery);
  // The table may have been replaced meanwhile: a name that is egress by now must not get its real address.
  const { table } = deps.state();
  const fromGateway = table.gatewayClients.has(client.address);
  const decision = decide(table, { key: query.key, type: query.type, fromGateway });
  if (decision.action === "answer" || decision.action === "fail") return localCopy(deps, delivery, decision.answer);
  if (decision.action === "resolve") return resolveAnswer(deps, decision.entry, delivery, table);
  const relayed =
    decision.action === "passthrough"
      ? passThrough(deps, outcome.message, delivery, table)
      : decision.guarded
        ? await relayGuarded(deps, outcome.message, delivery, table)
        : relayWhole(deps, outcome.message, delivery);
  return relayed ?? localCopy(deps, delivery, BROKEN);
}

function failedForward(deps: LateDeps, outcome: Exclude<ForwardOutcome, { ok: true }>, delivery: Delivery): Buffer {
  const { tally } = deps;
  if (outcome.reason === "overload") {
    tally.single("overload");
    tally.response("forward", RCODE.REFUSED);
    return localCopy(deps, delivery, TOO_MANY);
  }
  tally.response("forward", RCODE.SERVFAIL);
  const code = outcome.reason === "timeout" ? EDE.NO_REACHABLE_AUTHORITY : EDE.NETWORK_ERROR;
  return localCopy(deps, delivery, failure(code, outcome.error));
}

function passThrough(
  deps: LateDeps,
  upstream: WireMessage,
  delivery: Delivery,
  table: EgressTable,
): Buffer | undefined {
  deps.tally.response("sluice", upstream.rcode === RCODE.NXDOMAIN ? RCODE.NOERROR : upstream.rcode);
  return relayPassthrough(upstream, passthroughRecords(upstream), table, delivery);
}

function relayWhole(deps: LateDeps, upstream: WireMessage, delivery: Delivery): Buffer | undefined {
  deps.tally.response("forward", upstream.rcode);
  return relayRecords(upstream, upstream.records, delivery);
}

async function relayGuarded(
  deps: LateDeps,
  upstream: WireMessage,
  delivery: Delivery,
  table: EgressTable,
): Promise<Buffer | undefined> {
  const { tally } = deps;
  const guarded = guardAnswer(upstream, table);
  tally.guarded(guarded.events);
  if (guarded.splice === undefined) {
    tally.response("forward", upstream.rcode);
    return relayRecords(upstream, guarded.keep, delivery);
  }
  const { entry, owner } = guarded.splice;
  const ownRecords = guarded.keep.some((record) => record.key === foldKey(owner));
  const answer = ownRecords ? { rcode: RCODE.NOERROR } : await splicedAnswer(deps, entry, delivery.query, table);
  tally.response("sluice", answer.rcode);
  return relaySpliced(upstream, guarded.keep, { owner, answer }, delivery);
}

/** What an egress name at the end of an alias chain answers. */
async function splicedAnswer(
  deps: LateDeps,
  entry: EgressEntry,
  query: Query,
  table: EgressTable,
): Promise<LocalAnswer> {
  const { type } = query;
  if (entry.status === "closed") return failure(EDE.NOT_READY, entry.trouble);
  if (type !== TYPE.A && type !== TYPE.AAAA) return { rcode: RCODE.NOERROR, authority: table.soa };
  if (entry.status === "unresolved") return deps.flattener.answer(entry, type, table);
  return addressAnswer(table, type === TYPE.A ? entry.a : entry.aaaa);
}
