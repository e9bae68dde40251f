import { formatGoDuration } from "../../../model/go-duration.ts";
import type { AlikeLines, LogLine } from "../../pipeline/serve.ts";

/** Beyond this a timer of Node's ends at once: 24 days. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Counts lines that are alike, for all threads of the process. */
export type Consolidation = {
  /** Counts so many lines of one group, of which `first` is the first. */
  count(group: AlikeLines, times: number, first: Pick<LogLine, "text" | "fields">): void;
  /** Logs what has been counted so far and forgets it. */
  flush(): void;
};

type Counted = { readonly group: AlikeLines; readonly timer: NodeJS.Timeout; times: number };

/**
 * The first line of a group starts its period, and the end of that logs how many there were. With `showFirst` the first one
 * is logged at once, and the end says something only if there were more.
 */
export function createConsolidation(log: (line: LogLine) => void): Consolidation {
  const counted = new Map<string, Counted>();
  const finish = ({ group, timer, times }: Counted): void => {
    clearTimeout(timer);
    counted.delete(group.key);
    if (times < (group.showFirst ? 2 : 1)) return;
    const { level, pattern } = group;
    const period = formatGoDuration(group.periodMs);
    log({
      level,
      text: `plugin/errors: ${times} errors like '${pattern}' occurred in last ${period}`,
      fields: { errors: times, pattern, period },
    });
  };
  return {
    count(group, times, first) {
      const known = counted.get(group.key);
      if (known !== undefined) {
        known.times += times;
        return;
      }
      const timer = setTimeout(() => finish(started), Math.min(group.periodMs, LONGEST_TIMER_MS));
      timer.unref();
      const started: Counted = { group, timer, times };
      counted.set(group.key, started);
      if (group.showFirst) log({ level: group.level, ...first });
    },
    flush() {
      for (const one of [...counted.values()]) finish(one);
    },
  };
}
