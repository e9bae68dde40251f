import type { Answer } from "../../pipeline/answer.ts";
import type { Exchange } from "../../pipeline/exchange.ts";
import type { CreateHandler } from "../../pipeline/serve.ts";
import { RCODE, TYPE } from "../../wire/codes.ts";
import { isAtOrBelow } from "../../wire/name.ts";
import { settingKey } from "../zone-lookup.ts";
import { compileFormat } from "./format.ts";
import type { LogClass, LogSettings } from "./setup.ts";

/** Whether the name exists and the type does not: no answer, and a SOA that says so (RFC 2308 section 2.2). */
function isNoData(answer: Answer): boolean {
  if (answer.form === "dropped") return false;
  if (answer.form === "prepared") return (answer.answer?.count ?? 0) === 0 && answer.authority !== undefined;
  const { records } = answer;
  return (
    !records.some(({ section }) => section === "answer") &&
    records.some(({ section, type }) => section === "authority" && type === TYPE.SOA)
  );
}

/** CoreDNS's classes (plugin/pkg/response): what is dropped is an error. */
function classOf(answer: Answer): Exclude<LogClass, "all"> {
  if (answer.form === "dropped") return "error";
  if (answer.rcode === RCODE.NXDOMAIN) return "denial";
  if (answer.rcode !== RCODE.NOERROR) return "error";
  return isNoData(answer) ? "denial" : "success";
}

/**
 * Logs what a client gets. The answer carries the line out, because only the server's edge knows octets and time. Of
 * several lines the first whose names match decides, as in CoreDNS: a line behind it has written its wish already, and
 * is overruled.
 */
export const createLogHandler: CreateHandler<LogSettings> = ({ zones, format, classes }, { log }) => {
  const keys = zones.map(settingKey);
  const lineOf = compileFormat(format);
  const isLogged = (answer: Answer): boolean => classes.includes("all") || classes.includes(classOf(answer));
  const withLine = (exchange: Exchange, answer: Answer): Answer => {
    if (isLogged(answer)) {
      return { ...answer, onSent: (bytes, seconds) => log(lineOf({ exchange, answer, bytes, seconds })) };
    }
    if (answer.onSent === undefined) return answer;
    const { onSent: _overruled, ...unlogged } = answer;
    return unlogged;
  };
  return {
    wrap: (next) => (exchange) => {
      const answer = next(exchange);
      if (!keys.some((zone) => isAtOrBelow(exchange.asked.key, zone))) return answer;
      return answer instanceof Promise ? answer.then((late) => withLine(exchange, late)) : withLine(exchange, answer);
    },
  };
};
