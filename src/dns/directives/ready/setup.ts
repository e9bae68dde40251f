import type { CorefileLine } from "../../corefile/corefile.ts";
import type { Directive } from "../directive.ts";
import { hasShape, type ListenAddress, readListenAddress } from "../read-arguments.ts";
import { readOptions } from "../read-options.ts";

export type ReadySettings = {
  readonly listen: ListenAddress;
  /** Whether a part that was ready once may become unready again. */
  readonly monitor: "until-ready" | "continuously";
};

const DEFAULT_LISTEN: ListenAddress = { host: "", port: 8181 };
const MONITORS = ["until-ready", "continuously"] as const;

/** `ready [ADDRESS] { monitor until-ready|continuously }`: /ready. */
export const readyDirective: Directive<ReadySettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "ready [ADDRESS]", maximum: 1, block: true }, context);
    const [address] = line.args;
    let monitor: ReadySettings["monitor"] = "continuously";
    const readMonitor = (option: CorefileLine) => {
      const [value] = option.args;
      if (!hasShape(option, { form: "monitor until-ready|continuously", minimum: 1 }, context)) return;
      const known = MONITORS.find((word) => word === value?.text);
      if (known !== undefined) monitor = known;
      else if (value !== undefined) {
        context.error(value, `monitor type '${value.text}' not supported, write until-ready or continuously`);
      }
    };
    readOptions(line, { monitor: readMonitor }, context);
    const listen = address === undefined ? undefined : readListenAddress(address, context);
    return { listen: listen ?? DEFAULT_LISTEN, monitor };
  },
};
