import type { Directive, NoSettings } from "../directive.ts";
import { hasShape } from "../read-arguments.ts";

/** `local`: names of RFC 6303 and 6761 are answered here. */
export const localDirective: Directive<NoSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "local" }, context);
    return {};
  },
};
