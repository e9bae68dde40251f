import type { Directive, NoSettings } from "../directive.ts";
import { hasShape } from "../read-arguments.ts";

/** `loop`: a probe finds out whether our own questions come back to us. */
export const loopDirective: Directive<NoSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "loop" }, context);
    return {};
  },
};
