import type { CorefileLine } from "../../corefile/corefile.ts";
import type { Directive } from "../directive.ts";
import { hasShape, readDuration, readInteger } from "../read-arguments.ts";
import { readOptions } from "../read-options.ts";

/** Of TCP connections. */
export type TimeoutsSettings = {
  readonly readMs: number;
  readonly writeMs: number;
  readonly idleMs: number;
  /** Questions on one connection; -1 is no limit. */
  readonly maxTcpQueries: number;
};

/** CoreDNS's defaults and bounds (plugin/timeouts). */
const DEFAULTS: TimeoutsSettings = { readMs: 3000, writeMs: 5000, idleMs: 10_000, maxTcpQueries: -1 };
const BOUNDS = { minimumMs: 1000, maximumMs: 24 * 3_600_000 };

/** `timeouts { read DUR; write DUR; idle DUR; maxtcpqueries N }`. */
export const timeoutsDirective: Directive<TimeoutsSettings> = {
  occurs: "once",
  setup: (line, context) => {
    const form = "timeouts { read DURATION }";
    hasShape(line, { form, block: true }, context);
    if ((line.block ?? []).length === 0) context.error(line.name, "timeouts block with no timeouts specified");
    const settings: { -readonly [K in keyof TimeoutsSettings]: number } = { ...DEFAULTS };
    const duration = (key: "readMs" | "writeMs" | "idleMs") => (option: CorefileLine) => {
      const [value] = option.args;
      if (!hasShape(option, { form: `${option.name.text} DURATION`, minimum: 1 }, context) || value === undefined)
        return;
      settings[key] = readDuration(value, { what: `timeout ${option.name.text}`, ...BOUNDS }, context) ?? settings[key];
    };
    const maxTcpQueries = (option: CorefileLine) => {
      const [value] = option.args;
      if (!hasShape(option, { form: "maxtcpqueries N", minimum: 1 }, context) || value === undefined) return;
      const bounds = { what: "maxtcpqueries", minimum: -1, maximum: 1_000_000 };
      settings.maxTcpQueries = readInteger(value, bounds, context) ?? settings.maxTcpQueries;
    };
    const readers = {
      read: duration("readMs"),
      write: duration("writeMs"),
      idle: duration("idleMs"),
      maxtcpqueries: maxTcpQueries,
    };
    readOptions(line, readers, context, "unknown option:");
    return settings;
  },
};
