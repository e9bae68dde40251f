import { FLAG } from "../wire/codes.ts";
import { gate } from "../wire/gate.ts";
import { encodeQuery, encodeQuestion } from "../wire/question.ts";
import type { BlockFacts } from "./block-facts.ts";
import type { Exchange } from "./exchange.ts";

/** Nobody's address: a question of our own has no rate and no network. */
export const OWN_CLIENT = { address: "", port: 0, family: 1, protocol: "tcp", source: "", local: "" } as const;

/** A question of our own, as if a client had asked it. `raw` is a name as on the wire without the root's zero octet. */
export function internalExchange(block: BlockFacts, raw: string, type: number): Exchange {
  const message = encodeQuery(encodeQuestion(raw, type), { id: 0, flags: FLAG.RD });
  const gated = gate(message);
  if (gated.verdict !== "question") throw new Error("a question of our own does not pass the gate");
  const { query } = gated;
  return {
    client: OWN_CLIENT,
    message,
    query,
    asked: { key: query.key, type: query.type, class: query.class },
    block,
    startedAt: performance.now(),
  };
}
