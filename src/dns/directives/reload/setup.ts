import type { Directive } from "../directive.ts";
import { hasShape, readDuration } from "../read-arguments.ts";

export type ReloadSettings = { readonly intervalMs: number; readonly jitterMs: number };

/** CoreDNS's defaults and minima (plugin/reload). */
const DEFAULT_INTERVAL_MS = 30_000;
const DEFAULT_JITTER_MS = 15_000;
const MIN_INTERVAL_MS = 2000;
const MIN_JITTER_MS = 1000;

/** `reload [INTERVAL] [JITTER]`: the Corefile is looked at again every INTERVAL, give or take JITTER. */
export const reloadDirective: Directive<ReloadSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "reload [INTERVAL] [JITTER]", maximum: 2 }, context);
    const [first, second] = line.args;
    const interval = first === undefined ? undefined : readDuration(first, { what: "interval" }, context);
    const jitter = second === undefined ? undefined : readDuration(second, { what: "jitter" }, context);
    if (first !== undefined && interval !== undefined && interval < MIN_INTERVAL_MS) {
      context.error(first, "interval value must be greater or equal to 2s");
    }
    if (second !== undefined && jitter !== undefined && jitter > 0 && jitter < MIN_JITTER_MS) {
      context.error(second, "jitter value must be greater or equal to 1s, or 0");
    }
    const intervalMs = interval ?? DEFAULT_INTERVAL_MS;
    if (second !== undefined && jitter !== undefined && jitter > intervalMs / 2) {
      context.warning(second, `jitter is cut to half of the interval, ${intervalMs / 2000}s`);
    }
    return { intervalMs, jitterMs: Math.min(jitter ?? DEFAULT_JITTER_MS, intervalMs / 2) };
  },
};
