import type { CorefileLine } from "../../corefile/corefile.ts";
import type { Directive, SetupContext } from "../directive.ts";
import { parseRe2, type Re2Pattern } from "../re2-syntax.ts";
import { hasShape, readDuration, readWord, wrongCount } from "../read-arguments.ts";
import { readOptions } from "../read-options.ts";

/** Errors whose text matches are counted for a while and logged as one line. */
export type Consolidation = {
  readonly periodMs: number;
  readonly pattern: Re2Pattern;
  readonly level: (typeof LEVELS)[number];
  /** Whether the first one is logged at once. */
  readonly showFirst: boolean;
};

export type ErrorsSettings = { readonly stacktrace: boolean; readonly consolidations: readonly Consolidation[] };

const LEVELS = ["error", "warning", "info", "debug"] as const;

/** `errors { stacktrace; consolidate DURATION REGEXP [LEVEL] [show_first] }`: a line for each failed question. */
export const errorsDirective: Directive<ErrorsSettings> = {
  occurs: "once",
  setup: (line, context) => {
    const [output] = line.args;
    if (output !== undefined && output.text !== "stdout") {
      context.error(output, `invalid log file: ${output.text}; errors go to the log, leave it out`);
    }
    hasShape(line, { form: "errors", maximum: 1, block: true }, context);
    let stacktrace = false;
    const consolidations: Consolidation[] = [];
    const readers = {
      stacktrace: (option: CorefileLine) => {
        stacktrace = hasShape(option, { form: "stacktrace" }, context);
      },
      consolidate: (option: CorefileLine) => {
        const read = readConsolidation(option, context);
        if (read !== undefined) consolidations.push(read);
      },
    };
    readOptions(line, readers, context);
    return { stacktrace, consolidations };
  },
};

function readConsolidation(option: CorefileLine, context: SetupContext): Consolidation | undefined {
  const [period, text, ...rest] = option.args;
  const last = rest.at(-1);
  const showFirst = last?.text === "show_first";
  const [level, tooMany] = showFirst ? rest.slice(0, -1) : rest;
  if (period === undefined || text === undefined || tooMany !== undefined) {
    return wrongCount(option, "consolidate DURATION REGEXP [LEVEL] [show_first]", context);
  }
  const pattern = parseRe2(text.text);
  if (!pattern.ok) context.error(text, pattern.problems.join("; "));
  const periodMs = readDuration(period, { what: "consolidate", minimumMs: 1 }, context);
  const what = "log level";
  const known = level === undefined ? "error" : readWord(level, { what, words: LEVELS }, context);
  if (!pattern.ok || periodMs === undefined || known === undefined) return undefined;
  return { periodMs, pattern: pattern.value, level: known, showFirst };
}
