import { decide } from "../decide.ts";
import type { Delivery } from "../relay.ts";
import { EDE, RCODE, TYPE } from "../wire/codes.ts";
import { type Gate, gate, type Query } from "../wire/gate.ts";
import type { NameKey } from "../wire/name.ts";
import { edeOption, type LocalAnswer, TCP_OCTETS, udpLimit, writeLocalAnswer, writeRefusal } from "../wire/reply.ts";
import type { Access } from "./access.ts";
import type { Client } from "./client.ts";
import { type LateDeps, LOOPING, startLateAnswer } from "./late-answer.ts";

export type AnswererDeps = Omit<LateDeps, "local"> & {
  readonly access: Access;
  /** A name that only our own probe asks for: seeing it here means that forwarding loops. */
  readonly loopProbe: NameKey;
  readonly onLoopProbe: () => void;
};

/**
 * One message in, at most one out: undefined answers nothing. The bytes of a synchronous answer are valid until
 * `ANSWER_RING` further calls.
 */
export type Answerer = (message: Buffer, client: Client) => Buffer | undefined | Promise<Buffer | undefined>;

/** Answers that may be on their way to the kernel before their memory is used again. */
export const ANSWER_RING = 1_024;
/** The longest local answer to the longest question fits; `writeLocalAnswer` keeps to the client's limit. */
const SLOT_OCTETS = 2_048;

const BLOCKED = edeOption(EDE.BLOCKED, "this client is outside the allowed networks");

/** Buffers for answers, used in turn. */
function createRing(): () => Buffer {
  const ring = Buffer.alloc(ANSWER_RING * SLOT_OCTETS);
  let slot = 0;
  return () => {
    slot = (slot + 1) % ANSWER_RING;
    return ring.subarray(slot * SLOT_OCTETS, (slot + 1) * SLOT_OCTETS);
  };
}

/** The whole way of a message: gate, access, decision, and the answer, at once or when an upstream has answered. */
export function createAnswerer(deps: AnswererDeps): Answerer {
  const nextSlot = createRing();
  let turn = 0;
  const local = ({ message, query, limit }: Delivery, answer: LocalAnswer): Buffer => {
    const out = nextSlot();
    // A slot is smaller than a TCP client's limit, and holds every address that an answer needs.
    return out.subarray(0, writeLocalAnswer(out, message, query, answer, Math.min(limit, SLOT_OCTETS), turn++));
  };
  const late: LateDeps = { ...deps, local };
  return (message, client) => {
    const gated = gate(message);
    const query = countGated(deps, gated, client);
    if (gated.verdict === "drop") return undefined;
    const allowed = deps.access(client.address);
    if (gated.verdict === "refuse" || !allowed) {
      const refusal = gated.verdict === "refuse" ? gated.refusal : { rcode: RCODE.REFUSED, query: gated.query };
      deps.tally.response(allowed ? "gate" : "acl", refusal.rcode);
      const out = nextSlot();
      return out.subarray(0, writeRefusal(out, message, refusal, allowed ? undefined : BLOCKED));
    }
    return answerQuestion(late, deps, query as Query, message, client);
  };
}

/** Counts the message, and gives its question if it has one. */
function countGated({ tally }: AnswererDeps, gated: Gate, client: Client): Query | undefined {
  const query =
    gated.verdict === "question" ? gated.query : gated.verdict === "refuse" ? gated.refusal.query : undefined;
  if (query === undefined) tally.dropped(client);
  else tally.request(client, query);
  return query;
}

function answerQuestion(late: LateDeps, deps: AnswererDeps, query: Query, message: Buffer, client: Client) {
  const { tally } = deps;
  const delivery: Delivery = { message, query, limit: client.protocol === "tcp" ? TCP_OCTETS : udpLimit(query) };
  const { key, type } = query;
  if (type === TYPE.HINFO && key === deps.loopProbe) {
    deps.onLoopProbe();
    return late.local(delivery, LOOPING);
  }
  const { table } = deps.state();
  const fromGateway = table.gatewayClients.has(client.address);
  const decision = decide(table, { key, type, fromGateway });
  if (fromGateway) tally.single("gateway_client");
  tally.decision(decision, type);
  if (decision.action !== "answer" && decision.action !== "fail") {
    return startLateAnswer(late, decision, delivery, client);
  }
  tally.response("sluice", decision.answer.rcode);
  return late.local(delivery, decision.answer);
}
