import type { Directive } from "../directive.ts";
import { hasShape, readInteger } from "../read-arguments.ts";

/** `sockets` undefined: as many as the program decides. */
export type MultisocketSettings = { readonly sockets: number | undefined };

/** CoreDNS's bound (plugin/multisocket). */
const MAX_SOCKETS = 1024;

/** A thread has a heap of its own, and more threads than cores gain nothing. */
const MAX_THREADS = 64;

/** `multisocket [N]`: how many worker threads share the port. */
export const multisocketDirective: Directive<MultisocketSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "multisocket [N]", maximum: 1 }, context);
    const [count] = line.args;
    const bounds = { what: "num sockets", minimum: 1, maximum: MAX_SOCKETS };
    const wanted = count === undefined ? undefined : readInteger(count, bounds, context);
    if (count === undefined || wanted === undefined || wanted <= MAX_THREADS) return { sockets: wanted };
    context.warning(count, `no more than ${MAX_THREADS} worker threads are started`);
    return { sockets: MAX_THREADS };
  },
};
