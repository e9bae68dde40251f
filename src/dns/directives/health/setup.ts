import type { CorefileLine } from "../../corefile/corefile.ts";
import type { Directive } from "../directive.ts";
import { hasShape, type ListenAddress, readDuration, readListenAddress } from "../read-arguments.ts";
import { readOptions } from "../read-options.ts";

export type HealthSettings = {
  readonly listen: ListenAddress;
  /** How long questions are still answered behind the signal to stop, while /ready already says no. */
  readonly lameduckMs: number;
};

const DEFAULT_LISTEN: ListenAddress = { host: "", port: 8080 };
/** CoreDNS has none, and drops questions of clients that have not heard yet; this is its manifests' value. */
const DEFAULT_LAMEDUCK_MS = 5000;

/** `health [ADDRESS] { lameduck DURATION }`: /health. */
export const healthDirective: Directive<HealthSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "health [ADDRESS]", maximum: 1, block: true }, context);
    const [address] = line.args;
    let lameduckMs = DEFAULT_LAMEDUCK_MS;
    const lameduck = (option: CorefileLine) => {
      const [value] = option.args;
      if (!hasShape(option, { form: "lameduck DURATION", minimum: 1 }, context) || value === undefined) return;
      lameduckMs = readDuration(value, { what: "lameduck", maximumMs: 3_600_000 }, context) ?? lameduckMs;
    };
    readOptions(line, { lameduck }, context);
    const listen = address === undefined ? undefined : readListenAddress(address, context);
    return { listen: listen ?? DEFAULT_LISTEN, lameduckMs };
  },
};
