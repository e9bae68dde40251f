import type { Answer, MessageAnswer } from "../../pipeline/answer.ts";
import type { CreateHandler } from "../../pipeline/serve.ts";
import type { RandomInteger } from "../../upstream/random.ts";
import { RCODE } from "../../wire/codes.ts";
import type { LoadbalanceSettings } from "./setup.ts";
import { canShuffle, reordered, shuffled } from "./shuffle.ts";

/** Changes the order of addresses and MX in an answer. Prepared ones take turns when they are written. */
export const createLoadbalanceHandler: CreateHandler<LoadbalanceSettings> = (_settings, { random }) => ({
  wrap: (next) => (exchange) => {
    const answer = next(exchange);
    return answer instanceof Promise ? answer.then((late) => balanced(late, random)) : balanced(answer, random);
  },
});

const balanced = (answer: Answer, random: RandomInteger): Answer =>
  answer.form === "message" && answer.rcode === RCODE.NOERROR && canShuffle(answer.records)
    ? inRandomOrder(answer, random)
    : answer;

function inRandomOrder(answer: MessageAnswer, random: RandomInteger): MessageAnswer {
  const { message } = answer;
  const order = shuffled(answer.records, random);
  if (order.every((record, place) => record === answer.records[place])) return answer;
  const whole = answer.records === message.records ? reordered(message, order) : undefined;
  return whole === undefined ? { ...answer, records: order } : { ...answer, message: whole, records: whole.records };
}
