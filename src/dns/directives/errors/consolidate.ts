import { formatGoDuration } from "../../../model/go-duration.ts";
import type { LogLine } from "../../pipeline/serve.ts";
import { compileRe2 } from "../re2-match.ts";
import type { Consolidation } from "./setup.ts";

/** Beyond this a timer of Node's ends at once: 24 days. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Counts the errors of one `consolidate` line. */
export type Consolidator = {
  /** Whether this line is about errors with this text. */
  matches(cause: string): boolean;
  /** Counts an error that matches; `line` gives its own line, should it be shown. */
  count(line: () => Pick<LogLine, "text" | "fields">): void;
  /** Logs what has been counted so far and forgets it. */
  flush(): void;
};

/**
 * The first error starts the period, and its end logs how many there were. With `show_first` the first one is logged at
 * once, and the end says something only if there were more.
 */
export function createConsolidator(consolidation: Consolidation, log: (line: LogLine) => void): Consolidator {
  const { level, pattern, periodMs, showFirst } = consolidation;
  const matcher = compileRe2(pattern);
  let errors = 0;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const counted = errors;
    errors = 0;
    if (counted < (showFirst ? 2 : 1)) return;
    const period = formatGoDuration(periodMs);
    log({
      level,
      text: `plugin/errors: ${counted} errors like '${pattern.text}' occurred in last ${period}`,
      fields: { errors: counted, pattern: pattern.text, period },
    });
  };
  return {
    matches: (cause) => matcher.test(cause),
    count(line) {
      errors++;
      if (timer !== undefined) return;
      timer = setTimeout(flush, Math.min(periodMs, LONGEST_TIMER_MS));
      timer.unref();
      if (showFirst) log({ level, ...line() });
    },
    flush,
  };
}
