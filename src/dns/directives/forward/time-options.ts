import type { CorefileLine } from "../../corefile/corefile.ts";
import { parseZone } from "../../corefile/zone.ts";
import type { SetupContext } from "../directive.ts";
import { hasShape, readDuration, readInteger, wrongCount } from "../read-arguments.ts";
import type { OptionReaders } from "../read-options.ts";
import type { ForwardBuilding } from "./setup.ts";

type DurationKey = "expireMs" | "maxAgeMs" | "readTimeoutMs";
type CountKey = "maxIdleConnections" | "maxFails" | "maxConnectAttempts" | "maxConcurrent";

const MAX_COUNT = 1_000_000;

/** Options of `forward` that are a time or a number. */
export function timeReaders(settings: ForwardBuilding, context: SetupContext): OptionReaders {
  const duration =
    (key: DurationKey, minimumMs = 0) =>
    (option: CorefileLine) => {
      const name = option.name.text;
      const [value] = option.args;
      if (!hasShape(option, { form: `${name} DURATION`, minimum: 1 }, context) || value === undefined) return;
      settings[key] = readDuration(value, { what: name, minimumMs }, context) ?? settings[key];
    };
  const count = (key: CountKey) => (option: CorefileLine) => {
    const name = option.name.text;
    const [value] = option.args;
    if (!hasShape(option, { form: `${name} N`, minimum: 1 }, context) || value === undefined) return;
    settings[key] = readInteger(value, { what: name, minimum: 0, maximum: MAX_COUNT }, context) ?? settings[key];
  };
  return {
    expire: duration("expireMs"),
    max_age: duration("maxAgeMs"),
    read_timeout: duration("readTimeoutMs", 1),
    max_idle_conns: count("maxIdleConnections"),
    max_fails: count("maxFails"),
    max_connect_attempts: count("maxConnectAttempts"),
    max_concurrent: count("maxConcurrent"),
    health_check: (option: CorefileLine) => {
      settings.healthCheck = readHealthCheck(option, context) ?? settings.healthCheck;
    },
  };
}

/** `health_check DURATION [no_rec] [domain NAME]`. */
function readHealthCheck(option: CorefileLine, context: SetupContext): ForwardBuilding["healthCheck"] | undefined {
  const [interval, ...words] = option.args;
  if (interval === undefined) return wrongCount(option, "health_check DURATION [no_rec] [domain NAME]", context);
  const intervalMs = readDuration(interval, { what: "health_check", minimumMs: 10 }, context) ?? 500;
  let recursion = true;
  let domain = ".";
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index];
    if (word === undefined) break;
    if (word.text === "no_rec") recursion = false;
    else if (word.text === "domain" && words[index + 1] !== undefined) {
      index += 1;
      const zone = parseZone(words[index]?.text ?? "");
      if (zone.ok) domain = zone.value;
      else context.error(word, `health_check: invalid domain name ${words[index]?.text}`);
    } else context.error(word, `health_check: unknown option ${word.text}; write no_rec or domain NAME`);
  }
  return { intervalMs, recursion, domain };
}
