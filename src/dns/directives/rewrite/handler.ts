import { failed } from "../../pipeline/answer.ts";
import type { Handler, HandlerContext } from "../../pipeline/serve.ts";
import { CLASS_IN, EDE } from "../../wire/codes.ts";
import { compileRules, runRules } from "./rules.ts";
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
export function createRewriteHandlers(settings: readonly RewriteSettings[], _context: HandlerContext): Handler {
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
      return answer instanceof Promise
        ? answer.then((late) => turnBack(exchange, late, back, asksElse))
        : turnBack(exchange, answer, back, asksElse);
    },
  };
}
