import type { Directive, NoSettings } from "../directive.ts";
import { hasShape } from "../read-arguments.ts";

/** `any`: questions of type ANY get the minimal answer of RFC 8482. */
export const anyDirective: Directive<NoSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "any" }, context);
    return {};
  },
};
