import type { Directive } from "../directive.ts";
import { hasShape, readInteger } from "../read-arguments.ts";

/** `sockets` undefined: as many as the program decides. */
export type MultisocketSettings = { readonly sockets: number | undefined };

/** CoreDNS's bound (plugin/multisocket). */
const MAX_SOCKETS = 1024;

/** `multisocket [N]`: how many worker threads share the port. */
export const multisocketDirective: Directive<MultisocketSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "multisocket [N]", maximum: 1 }, context);
    const [count] = line.args;
    const bounds = { what: "num sockets", minimum: 1, maximum: MAX_SOCKETS };
    return { sockets: count === undefined ? undefined : readInteger(count, bounds, context) };
  },
};
