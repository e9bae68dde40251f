import type { Answer, MessageAnswer } from "../../pipeline/answer.ts";
import type { CreateHandler } from "../../pipeline/serve.ts";
import { RCODE } from "../../wire/codes.ts";
import type { NoSettings } from "../directive.ts";

/** Leaves authority and additional records out of answers that have records of their own (CoreDNS plugin/minimal). */
export const createMinimalHandler: CreateHandler<NoSettings> = () => ({
  wrap: (next) => (exchange) => {
    const answer = next(exchange);
    return answer instanceof Promise ? answer.then(smaller) : smaller(answer);
  },
});

/** Denials keep their SOA, delegations their name servers, errors all they have. */
function smaller(answer: Answer): Answer {
  if (answer.form === "dropped" || answer.rcode !== RCODE.NOERROR) return answer;
  if (answer.form === "message") return smallerMessage(answer);
  if (answer.answer === undefined || answer.authority === undefined) return answer;
  const { authority: _, ...shown } = answer;
  return shown;
}

function smallerMessage(answer: MessageAnswer): MessageAnswer {
  const { message } = answer;
  const records = answer.records.filter(({ section }) => section === "answer");
  const last = records.at(-1);
  if (last === undefined || records.length === answer.records.length) return answer;
  if (answer.records !== message.records || message.plainEnd === -1) return { ...answer, records };
  // Names point backwards only, so that what stands in front of the first record left out can be copied whole.
  return { ...answer, message: { ...message, records, plainEnd: last.end }, records };
}
