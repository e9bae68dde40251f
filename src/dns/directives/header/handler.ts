import type { Answer } from "../../pipeline/answer.ts";
import type { Exchange } from "../../pipeline/exchange.ts";
import type { CreateHandler } from "../../pipeline/serve.ts";
import { FLAG } from "../../wire/codes.ts";
import type { HeaderRule, HeaderSettings } from "./setup.ts";

/** Header bits to set and to clear; none is in both. */
type Bits = { readonly set: number; readonly clear: number };

const NOTHING: Bits = { set: 0, clear: 0 };
const BITS = { aa: FLAG.AA, ra: FLAG.RA, rd: FLAG.RD } as const;

/** Sets and clears bits of the question on its way on, and of the answer (CoreDNS plugin/header). */
export const createHeaderHandler: CreateHandler<HeaderSettings> = ({ rules }) => {
  const ofQuery = bitsOf(rules.filter((rule) => rule.of === "query"));
  const ofResponse = bitsOf(rules.filter((rule) => rule.of === "response"));
  return {
    wrap: (next) => (exchange) => {
      const answer = next(changedQuestion(exchange, ofQuery));
      if (ofResponse === NOTHING) return answer;
      return answer instanceof Promise
        ? answer.then((late) => changedAnswer(late, ofResponse))
        : changedAnswer(answer, ofResponse);
    },
  };
};

/** Of two rules about one bit the later one counts. */
const after = (earlier: Bits, later: Bits): Bits => ({
  set: (earlier.set & ~later.clear) | later.set,
  clear: (earlier.clear & ~later.set) | later.clear,
});

const bitsOf = (rules: readonly HeaderRule[]): Bits =>
  rules.reduce((bits, { action, flags }) => {
    const mask = flags.reduce((sum, flag) => sum | BITS[flag], 0);
    return after(bits, action === "set" ? { set: mask, clear: 0 } : { set: 0, clear: mask });
  }, NOTHING);

function changedQuestion(exchange: Exchange, bits: Bits): Exchange {
  const flags = (exchange.query.flags | bits.set) & ~bits.clear;
  return flags === exchange.query.flags ? exchange : { ...exchange, query: { ...exchange.query, flags } };
}

/** A line that stands later in the file is nearer to the answer: what it has asked for counts. */
function changedAnswer(answer: Answer, bits: Bits): Answer {
  if (answer.form === "dropped") return answer;
  return { ...answer, header: answer.header === undefined ? bits : after(bits, answer.header) };
}
