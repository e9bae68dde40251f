import type { CorefileLine } from "../../corefile/corefile.ts";
import type { SetupContext } from "../directive.ts";
import { hasShape, readDuration, readInteger, wrongCount } from "../read-arguments.ts";

/** An entry that was asked for `amount` times, never `durationMs` apart, is renewed when `percentage` of its time is left. */
export type Prefetch = { readonly amount: number; readonly durationMs: number; readonly percentage: number };

/** How long an expired entry may still be used, and whether it is renewed before or after it is. */
export type ServeStale = {
  readonly durationMs: number;
  readonly mode: "immediate" | "verify";
  /**
   * What the file gives behind the mode: times in milliseconds, in its order. `immediate [RESPONSE_TTL
   * [FAILURE_RECHECK]]`, `verify [VERIFY_TIMEOUT [RESPONSE_TTL [FAILURE_RECHECK]]]`.
   */
  readonly timingsMs: readonly number[];
};

/** CoreDNS's defaults (plugin/cache). */
const PREFETCH = { durationMs: 60_000, percentage: 10 };
const STALE_MS = 3_600_000;

/** `prefetch AMOUNT [DURATION [PERCENTAGE%]]`. */
export function readPrefetch(option: CorefileLine, context: SetupContext): Prefetch | undefined {
  const form = "prefetch AMOUNT [DURATION [PERCENTAGE%]]";
  const [amount, duration, percentage] = option.args;
  if (!hasShape(option, { form, minimum: 1, maximum: 3 }, context) || amount === undefined) return undefined;
  const count = readInteger(amount, { what: "prefetch amount", minimum: 0, maximum: 1_000_000 }, context);
  const ms = duration === undefined ? undefined : readDuration(duration, { what: "prefetch duration" }, context);
  const share = percentage === undefined ? undefined : readPercentage(percentage, context);
  if (count === undefined || count === 0) return undefined;
  return { amount: count, durationMs: ms ?? PREFETCH.durationMs, percentage: share ?? PREFETCH.percentage };
}

function readPercentage(token: CorefileLine["name"], context: SetupContext): number | undefined {
  const match = /^(-?\d{1,6})%$/.exec(token.text);
  if (match === null)
    return context.error(token, `last character of percentage should be '%', but is: '${token.text.slice(-1)}'`);
  const value = Number(match[1]);
  if (value >= 10 && value <= 90) return value;
  return context.error(token, `percentage should fall in range [10, 90]: ${value}`);
}

/** `serve_stale [DURATION] [immediate|verify [TIME…]]`. */
export function readServeStale(option: CorefileLine, context: SetupContext): ServeStale | undefined {
  const [duration, mode, ...timings] = option.args;
  if (option.args.length > (mode?.text.toLowerCase() === "verify" ? 5 : 4)) {
    const times = "[VERIFY_TIMEOUT] [RESPONSE_TTL] [FAILURE_RECHECK]";
    return wrongCount(option, `serve_stale [DURATION] [immediate|verify] ${times}`, context);
  }
  const read = (token: CorefileLine["name"]) => readDuration(token, { what: "serve_stale duration" }, context);
  const refresh = mode?.text.toLowerCase() ?? "immediate";
  if (mode !== undefined && refresh !== "immediate" && refresh !== "verify") {
    return context.error(mode, `invalid value for serve_stale refresh mode: ${mode.text}; write immediate or verify`);
  }
  const durationMs = duration === undefined ? STALE_MS : (read(duration) ?? STALE_MS);
  const timingsMs = timings.flatMap((token) => read(token) ?? []);
  return { durationMs, mode: refresh === "verify" ? "verify" : "immediate", timingsMs };
}
