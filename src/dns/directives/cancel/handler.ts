import { type Answer, failed } from "../../pipeline/answer.ts";
import type { CreateHandler } from "../../pipeline/serve.ts";
import { EDE } from "../../wire/codes.ts";
import type { CancelSettings } from "./setup.ts";

/** Answers SERVFAIL when nothing came back in time (CoreDNS plugin/cancel). What comes later is not shown. */
export const createCancelHandler: CreateHandler<CancelSettings> = ({ timeoutMs }) => {
  const text = `no answer within ${timeoutMs}ms`;
  const tooLate = failed("cancel", EDE.NO_REACHABLE_AUTHORITY, text, "context deadline exceeded");
  return {
    wrap: (next) => (exchange) => {
      const answer = next(exchange);
      return answer instanceof Promise ? inTime(answer, timeoutMs, tooLate) : answer;
    },
  };
};

const inTime = (answer: Promise<Answer>, timeoutMs: number, tooLate: Answer): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(tooLate), timeoutMs);
    answer.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
