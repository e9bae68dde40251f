import type { PreparedAnswer } from "../../pipeline/answer.ts";
import type { CreateHandler } from "../../pipeline/serve.ts";
import { CLASS_IN, RCODE, TYPE } from "../../wire/codes.ts";
import { recordBlock } from "../../wire/record-block.ts";
import type { NoSettings } from "../directive.ts";

/** CoreDNS's words and TTL (plugin/any): CPU "ANY obsoleted", OS "See RFC 8482". */
const DATA = Buffer.from("\x0dANY obsoleted\x0cSee RFC 8482", "latin1");

const ANSWER: PreparedAnswer = {
  form: "prepared",
  by: "any",
  rcode: RCODE.NOERROR,
  answer: recordBlock({ type: TYPE.HINFO, ttlSeconds: 8482, data: [DATA] }),
};

/** Answers questions of type ANY with a HINFO record (RFC 8482 section 4.2). */
export const createAnyHandler: CreateHandler<NoSettings> = () => ({
  wrap: (next) => (exchange) =>
    exchange.asked.type === TYPE.ANY && exchange.asked.class === CLASS_IN ? ANSWER : next(exchange),
});
