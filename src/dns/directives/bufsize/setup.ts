import type { Directive } from "../directive.ts";
import { hasShape, readInteger } from "../read-arguments.ts";

export type BufsizeSettings = { readonly octets: number };

/** RFC 9715 section 3: fits every path without fragments. The bounds are CoreDNS's. */
const DEFAULT_OCTETS = 1232;
const MIN_OCTETS = 512;
const MAX_OCTETS = 4096;

/** `bufsize [SIZE]`: the largest UDP answer, whatever the client allows. */
export const bufsizeDirective: Directive<BufsizeSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "bufsize [SIZE]", maximum: 1 }, context);
    const [size] = line.args;
    const bounds = { what: "bufsize", minimum: MIN_OCTETS, maximum: MAX_OCTETS };
    const octets = size === undefined ? undefined : readInteger(size, bounds, context);
    return { octets: octets ?? DEFAULT_OCTETS };
  },
};
