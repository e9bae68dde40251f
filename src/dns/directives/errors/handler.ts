import type { Answer } from "../../pipeline/answer.ts";
import type { Exchange } from "../../pipeline/exchange.ts";
import type { CreateHandler, LogLine } from "../../pipeline/serve.ts";
import { nameText } from "../../wire/name.ts";
import { typeText } from "../dns-words.ts";
import { compileRe2 } from "../re2-match.ts";
import type { ErrorsSettings } from "./setup.ts";

/** Keeps a line short whatever an upstream or a system error says. */
const MAX_CAUSE = 500;

/** CoreDNS's line: `plugin/errors: 2 example.org. A: read udp 10.0.0.1:4242->10.0.0.2:53: i/o timeout`. */
function lineOf({ asked }: Exchange, { rcode }: Answer, cause: string): Pick<LogLine, "text" | "fields"> {
  const name = nameText(asked.key);
  const type = typeText(asked.type);
  return { text: `plugin/errors: ${rcode} ${name} ${type}: ${cause}`, fields: { rcode, name, type, cause } };
}

/** Logs every answer that has a cause, and passes it on as it is. What a `consolidate` line matches, the first counts. */
export const createErrorsHandler: CreateHandler<ErrorsSettings> = ({ consolidations }, { index, log, consolidate }) => {
  const groups = consolidations.map(({ pattern, ...consolidation }, place) => ({
    matcher: compileRe2(pattern),
    group: {
      ...consolidation,
      pattern: pattern.text,
      key: JSON.stringify([index, place, pattern.text, consolidation]),
    },
  }));
  const report = (exchange: Exchange, answer: Answer): Answer => {
    if (answer.cause === undefined) return answer;
    const cause = answer.cause.slice(0, MAX_CAUSE);
    const line = lineOf(exchange, answer, cause);
    const alike = groups.find(({ matcher }) => matcher.test(cause));
    if (alike === undefined) log({ level: "error", ...line });
    else consolidate(alike.group, line);
    return answer;
  };
  return {
    wrap: (next) => (exchange) => {
      const answer = next(exchange);
      return answer instanceof Promise ? answer.then((late) => report(exchange, late)) : report(exchange, answer);
    },
  };
};
