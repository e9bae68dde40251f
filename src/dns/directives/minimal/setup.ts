import type { Directive, NoSettings } from "../directive.ts";
import { hasShape } from "../read-arguments.ts";

/** `minimal`: authority and additional sections are left out of answers that need none. */
export const minimalDirective: Directive<NoSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "minimal" }, context);
    return {};
  },
};
