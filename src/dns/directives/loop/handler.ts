import type { CreateHandler } from "../../pipeline/serve.ts";
import { TYPE } from "../../wire/codes.ts";
import type { NoSettings } from "../directive.ts";
import { loopingAnswer } from "./looping.ts";

const LOOPING = loopingAnswer("loop");

/**
 * Notices our own probe when it comes in as a question, by the name that came in, whatever was rewritten since. It is not
 * sent on, so that one probe goes round once (CoreDNS plugin/loop lets it circle and exits).
 */
export const createLoopHandler: CreateHandler<NoSettings> = (_settings, { loopProbe, onLoopProbe }) => ({
  wrap: (next) => (exchange) => {
    const { key, type } = exchange.query;
    if (type !== TYPE.HINFO || key !== loopProbe) return next(exchange);
    onLoopProbe();
    return LOOPING;
  },
});
