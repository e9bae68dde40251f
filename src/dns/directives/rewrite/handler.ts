import { guardAnswer } from "../../guard.ts";
import { type Answer, failed } from "../../pipeline/answer.ts";
import type { Exchange } from "../../pipeline/exchange.ts";
import type { Handler, HandlerContext } from "../../pipeline/serve.ts";
import { CLASS_IN, EDE } from "../../wire/codes.ts";
import { type AnswerChange, compileRules, runRules } from "./rules.ts";
import type { RewriteSettings } from "./setup.ts";
import { turnBack } from "./turn-back.ts";

const INVALID = failed(
  "rewrite",
  EDE.OTHER,
  "a rewrite rule made a text that is no name",
  "invalid name after rewrite",
);

/**
 * All `rewrite` lines of a server block, in the order of the file: a line that stops ends the search in all of them, and
 * answers are turned back in the opposite order (CoreDNS plugin/rewrite).
 */
export function createRewriteHandlers(settings: readonly RewriteSettings[], context: HandlerContext): Handler {
  const rules = compileRules(settings);
  return {
    classes: settings.flatMap(({ rule }) => (rule?.field === "class" && rule.from !== CLASS_IN ? [rule.from] : [])),
    wrap: (next) => (exchange) => {
      const outcome = runRules(rules, exchange);
      if (outcome === undefined) return next(exchange);
      if (outcome === "invalid") return INVALID;
      const { asked, back } = outcome;
      const asksElse = asked !== exchange.asked;
      const answer = next(asksElse ? { ...exchange, asked } : exchange);
      const turned = (late: Answer): Answer =>
        checked(context, exchange, turnBack(exchange, late, back, asksElse), back);
      return answer instanceof Promise ? answer.then(turned) : turned(answer);
    },
  };
}

const LEADS_PAST = failed(
  "rewrite",
  EDE.OTHER,
  "a rewrite rule would give an egress hostname another address than its gateway's",
);

/**
 * `sluice` has seen an answer before its names were turned back: where that makes an egress name of another one, its
 * address must not follow.
 */
function checked(
  { table }: HandlerContext,
  { client }: Exchange,
  answer: Answer,
  changes: readonly AnswerChange[],
): Answer {
  const renames = changes.some(({ part }) => part === "owner" || part === "value");
  if (!renames || answer.form !== "message" || table().gatewayClients.has(client.address)) return answer;
  const { events } = guardAnswer(answer.message, table());
  return events.some((event) => event !== "wildcard_cname") ? LEADS_PAST : answer;
}
