import { type Answer, failed, messageAnswer } from "../../pipeline/answer.ts";
import { composeMessage, type Piece } from "../../pipeline/compose.ts";
import { askedName, type Exchange } from "../../pipeline/exchange.ts";
import { EDE, FLAG, RCODE, TYPE } from "../../wire/codes.ts";
import type { NameKey } from "../../wire/name.ts";
import type { LocalAnswer } from "../../wire/reply.ts";

const TOO_LONG = failed("sluice", EDE.OTHER, "the answer does not fit a message");

/**
 * The answer to a name that is an alias of an egress name (`search cname`): the alias, and behind it what the egress
 * name answers. `alias` are the first labels of what is asked, so that they are shown in the case of the question. A
 * failure stays one: half an answer would be cached and believed.
 */
export function aliasAnswer(exchange: Exchange, alias: NameKey, local: LocalAnswer, ttlSeconds: number): Answer {
  const { rcode, answer, authority, ede } = local;
  if (rcode !== RCODE.NOERROR) return { form: "prepared", by: "sluice", ...local };
  const asked = askedName(exchange);
  const owner = asked.slice(0, alias.length);
  const pieces: Piece[] = [
    { section: "answer", owner: asked, type: TYPE.CNAME, ttlSeconds, data: Buffer.from(`${owner}\0`, "latin1") },
  ];
  if (answer !== undefined) pieces.push({ section: "answer", owner, prepared: answer });
  if (authority !== undefined) pieces.push({ section: "authority", owner, prepared: authority });
  const composed = composeMessage(exchange, { rcode, flags: FLAG.AA, pieces });
  if (composed === undefined) return TOO_LONG;
  return { ...messageAnswer("sluice", composed, FLAG.AA), ...(ede && { ede }) };
}
