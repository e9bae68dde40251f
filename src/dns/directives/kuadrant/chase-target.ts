import { type Answer, failed, type MessageAnswer, messageAnswer } from "../../pipeline/answer.ts";
import { composeMessage, type Piece } from "../../pipeline/compose.ts";
import type { Exchange } from "../../pipeline/exchange.ts";
import type { Serve } from "../../pipeline/serve.ts";
import { EDE, FLAG, RCODE } from "../../wire/codes.ts";
import { foldKey, nameText } from "../../wire/name.ts";
import type { Walk } from "./walk-aliases.ts";

/** Who answered where no directive is left that does: nobody. */
const END_OF_CHAIN = "";

/**
 * Asks the whole server for the target of an alias that leads out of the zones, and puts what it answers behind the
 * aliases. The rcode is that of the last name (RFC 6604 section 3). Where no directive answers, the aliases are all that
 * this server has to say: whoever resolves names goes on from there.
 */
export function chaseTarget(exchange: Exchange, walk: Walk, reenter: Serve): Answer | Promise<Answer> {
  const { type, class: klass } = exchange.asked;
  const below = reenter({ ...exchange, asked: { key: foldKey(walk.owner), type, class: klass, raw: walk.owner } });
  return below instanceof Promise
    ? below.then((late) => answerChased(exchange, walk, late))
    : answerChased(exchange, walk, below);
}

function answerChased(exchange: Exchange, walk: Walk, below: Answer): Answer {
  if (below.by === END_OF_CHAIN) return compose(exchange, RCODE.NOERROR, walk.aliases) ?? notChased(walk, below);
  const { rcode } = below;
  if (below.form === "dropped" || (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN)) return notChased(walk, below);
  const answer = compose(exchange, rcode, [...walk.aliases, ...piecesOf(below, walk.owner)]);
  if (answer === undefined) return notChased(walk, below);
  return { ...answer, ...(below.ede && { ede: below.ede }) };
}

function compose(exchange: Exchange, rcode: number, pieces: readonly Piece[]): MessageAnswer | undefined {
  const message = composeMessage(exchange, { rcode, flags: FLAG.AA, pieces });
  return message && messageAnswer("kuadrant", message, FLAG.AA);
}

/** Half an answer would be taken for one without data: what is behind the alias must be known. */
function notChased({ owner }: Walk, { cause }: Answer): Answer {
  const text = `the alias's target ${nameText(owner)} cannot be looked up`;
  return failed("kuadrant", EDE.NO_REACHABLE_AUTHORITY, text, cause === undefined ? text : `${text}: ${cause}`);
}

/** What another directive answered to the target's name. Additional records are not the client's business. */
function piecesOf(below: Exclude<Answer, { form: "dropped" }>, owner: string): readonly Piece[] {
  if (below.form === "message") {
    const { message, records, ttlSeconds } = below;
    return records
      .filter(({ section }) => section !== "additional")
      .map((record) => ({ from: message, record, ...(ttlSeconds !== undefined && { ttlSeconds }) }));
  }
  const pieces: Piece[] = [];
  if (below.answer !== undefined) pieces.push({ section: "answer", owner, prepared: below.answer });
  if (below.authority !== undefined) pieces.push({ section: "authority", owner, prepared: below.authority });
  return pieces;
}
