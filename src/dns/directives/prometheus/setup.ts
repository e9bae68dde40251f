import type { Directive } from "../directive.ts";
import { hasShape, type ListenAddress, readListenAddress } from "../read-arguments.ts";
import { readOptions } from "../read-options.ts";

export type PrometheusSettings = { readonly listen: ListenAddress };

/** All addresses, as every Kubernetes Corefile writes it; CoreDNS itself defaults to localhost. */
const DEFAULT_LISTEN: ListenAddress = { host: "", port: 9153 };

/** `prometheus [ADDRESS]`: /metrics. */
export const prometheusDirective: Directive<PrometheusSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "prometheus [ADDRESS]", maximum: 1, block: true }, context);
    const [address] = line.args;
    const runtimeMetrics = ({ name }: typeof line) =>
      context.warning(name, "runtime_metrics has no effect: there is no Go runtime to measure");
    readOptions(line, { runtime_metrics: runtimeMetrics }, context);
    const listen = address === undefined ? undefined : readListenAddress(address, context);
    return { listen: listen ?? DEFAULT_LISTEN };
  },
};
