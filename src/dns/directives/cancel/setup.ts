import type { Directive } from "../directive.ts";
import { hasShape, readDuration } from "../read-arguments.ts";

export type CancelSettings = { readonly timeoutMs: number };

/** CoreDNS's default: one millisecond behind the five seconds after which clients give up. */
const DEFAULT_TIMEOUT_MS = 5001;

/** `cancel [TIMEOUT]`: a question that takes longer is given up. */
export const cancelDirective: Directive<CancelSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "cancel [TIMEOUT]", maximum: 1 }, context);
    const [timeout] = line.args;
    const bounds = { what: "cancel timeout", minimumMs: 1 };
    const timeoutMs = timeout === undefined ? undefined : readDuration(timeout, bounds, context);
    return { timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS };
  },
};
