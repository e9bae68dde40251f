import type { Directive, NoSettings } from "../directive.ts";
import { hasShape } from "../read-arguments.ts";

/** `debug`: lines of level debug are logged. */
export const debugDirective: Directive<NoSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "debug" }, context);
    return {};
  },
};
