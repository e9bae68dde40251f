import type { Directive, NoSettings } from "../directive.ts";
import { hasShape } from "../read-arguments.ts";

/** `whoami`: the answer tells the client its own address and port. */
export const whoamiDirective: Directive<NoSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "whoami" }, context);
    return {};
  },
};
