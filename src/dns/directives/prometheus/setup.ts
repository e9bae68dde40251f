import type { Directive } from "../directive.ts";
import { hasShape, type ListenAddress, readListenAddress, readWord } from "../read-arguments.ts";
import { readOptions } from "../read-options.ts";

export type PrometheusSettings = {
  readonly listen: ListenAddress;
  /** Whether the series are shown that CoreDNS has dropped and dashboards still ask for. */
  readonly legacyMetrics: boolean;
};

/** All addresses, as every Kubernetes Corefile writes it; CoreDNS itself defaults to localhost. */
const DEFAULT_LISTEN: ListenAddress = { host: "", port: 9153 };

/** `prometheus [ADDRESS] { legacy_metrics on|off }`: /metrics. */
export const prometheusDirective: Directive<PrometheusSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "prometheus [ADDRESS]", maximum: 1, block: true }, context);
    const [address] = line.args;
    const runtimeMetrics = ({ name }: typeof line) =>
      context.warning(name, "runtime_metrics has no effect: there is no Go runtime to measure");
    let legacyMetrics = true;
    const legacy = (option: typeof line) => {
      const [value] = option.args;
      if (!hasShape(option, { form: "legacy_metrics on|off", minimum: 1 }, context) || value === undefined) return;
      legacyMetrics = readWord(value, { what: "legacy_metrics", words: ["on", "off"] as const }, context) !== "off";
    };
    readOptions(line, { runtime_metrics: runtimeMetrics, legacy_metrics: legacy }, context);
    const listen = address === undefined ? undefined : readListenAddress(address, context);
    return { listen: listen ?? DEFAULT_LISTEN, legacyMetrics };
  },
};
