import type { CorefileLine } from "../../corefile/corefile.ts";
import type { Directive, SetupContext } from "../directive.ts";
import { hasShape, readWord, wrongCount } from "../read-arguments.ts";

export type HeaderRule = {
  readonly of: "query" | "response";
  readonly action: "set" | "clear";
  readonly flags: readonly (typeof FLAGS)[number][];
};

export type HeaderSettings = { readonly rules: readonly HeaderRule[] };

const FLAGS = ["aa", "ra", "rd"] as const;

/** `header { [response|query] set|clear aa|ra|rd… }`. */
export const headerDirective: Directive<HeaderSettings> = {
  occurs: "any",
  setup: (line, context) => {
    hasShape(line, { form: "header { response set ra }", block: true }, context);
    if ((line.block ?? []).length === 0) context.error(line.name, "header needs a block with at least one rule");
    return { rules: (line.block ?? []).flatMap((option) => readRule(option, context) ?? []) };
  },
};

function readRule(option: CorefileLine, context: SetupContext): HeaderRule | undefined {
  const words = [option.name, ...option.args];
  const selector = option.name.text.toLowerCase();
  const of = selector === "query" ? "query" : "response";
  const [action, ...flags] = selector === "query" || selector === "response" ? words.slice(1) : words;
  if (action === undefined || flags.length === 0)
    return wrongCount(option, "[response|query] set|clear aa|ra|rd...", context);
  const done = readWord(action, { what: "header action", words: ["set", "clear"] as const }, context);
  const known = flags.flatMap((flag) => readWord(flag, { what: "header flag", words: FLAGS }, context) ?? []);
  return done === undefined ? undefined : { of, action: done, flags: known };
}
