import type { Config } from "../config/schema.ts";
import { buildInfo, enabledPlugins, reloadVersion } from "../dns/metrics/facts.ts";
import { makePlan, settingsOf } from "../dns/pipeline/plan.ts";
import { VERSION } from "../model/version.ts";
import { type EndpointSettings, type Endpoints, type EndpointsInput, startEndpoints } from "../observe/endpoints.ts";
import type { MetricSample } from "../observe/sample.ts";
import { followCorefile } from "./follow-corefile.ts";
import { listenAddress } from "./listen-address.ts";
import type { DnsService } from "./serve-dns.ts";
import type { LoadedText } from "./served-corefile.ts";
import { checkSettled } from "./settled-at-start.ts";

/** A Corefile at work: its pages, its facts as metrics, and its reload. */
export type CorefileService = {
  readonly samples: () => readonly MetricSample[];
  readonly drain: () => void;
  readonly close: () => Promise<void>;
  /** How long questions are still answered behind the signal to stop (`lameduck`). */
  readonly lameDuckMilliseconds: () => number;
};

export type CorefileServiceInput = Pick<EndpointsInput, "notReady" | "metrics" | "log"> & {
  readonly dns: DnsService;
  readonly config: Config;
  /** Pages that the settings ask for, whatever the Corefile says. */
  readonly pages: EndpointSettings;
};

/** /health, /ready and /metrics where the settings say. */
export const configuredPages = (config: Config): EndpointSettings => ({
  health: [listenAddress(config.healthListen)],
  ready: [listenAddress(config.readyListen)],
  metrics: [listenAddress(config.metricsListen)],
});

export const NO_PAGES: EndpointSettings = { health: [], ready: [], metrics: [] };

/** The pages of a Corefile that was given; the default one's are those of the settings. */
function pagesOf({ config, pages }: CorefileServiceInput, { servers }: LoadedText): EndpointSettings {
  if (config.corefile === undefined) return pages;
  const all = <N extends "health" | "ready" | "prometheus">(name: N) =>
    servers.flatMap((server) => settingsOf(server, name));
  return {
    health: [...pages.health, ...all("health").map(({ listen }) => listen)],
    ready: [...pages.ready, ...all("ready").map(({ listen, monitor }) => ({ ...listen, monitor }))],
    metrics: [...pages.metrics, ...all("prometheus").map(({ listen }) => listen)],
  };
}

function factsOf({ servers, hash }: LoadedText): readonly MetricSample[] {
  const plan = makePlan(servers);
  const blocks = plan.servers.map(({ zones, directives }, index) => ({
    zones,
    directives: directives.map(({ name }) => name),
    servers: plan.listeners.filter((one) => one.zones.some(([, server]) => server === index)).map(({ label }) => label),
  }));
  return [buildInfo(VERSION, "", process.version), ...enabledPlugins(blocks), reloadVersion(hash)];
}

/** Serves a Corefile's pages and follows the file. Rejects with a SluiceError when an address cannot be had. */
export async function startCorefileService(input: CorefileServiceInput): Promise<CorefileService> {
  const { dns, log, config } = input;
  const { resolver, corefile } = dns;
  let serving = dns.loaded;
  const failures = resolver.meter.counter("coredns_reload_failed_total");
  const healthSeconds = resolver.meter.histogram("coredns_health_request_duration_seconds");
  const healthFailures = resolver.meter.counter("coredns_health_request_failures_total");
  const endpoints: Endpoints = await startEndpoints({
    ...input,
    settings: pagesOf(input, serving),
    selfCheck: { observe: (seconds) => healthSeconds.observe(seconds), failed: () => healthFailures.add() },
  });
  const showDebugLines = ({ servers }: LoadedText): void => {
    const wanted = servers.some((server) => settingsOf(server, "debug").length > 0);
    // Whoever has set another level wants that one.
    log.level = wanted && config.logLevel === "info" ? "debug" : config.logLevel;
  };
  showDebugLines(serving);
  const followed = followCorefile({
    corefile,
    current: serving,
    log,
    onFailure: () => failures.add(),
    async apply(next) {
      checkSettled(config, dns.loaded.servers, next.servers);
      await endpoints.update(pagesOf(input, next));
      try {
        await dns.reload(next.servers);
      } catch (error) {
        await endpoints.update(pagesOf(input, serving));
        throw error;
      }
      serving = next;
      showDebugLines(serving);
    },
  });
  return {
    samples: () => factsOf(serving),
    drain: endpoints.drain,
    async close() {
      await followed.close();
      await endpoints.close();
    },
    lameDuckMilliseconds: () =>
      config.corefile === undefined
        ? config.drainSeconds * 1_000
        : Math.max(
            0,
            ...serving.servers.flatMap((server) => settingsOf(server, "health")).map((one) => one.lameduckMs),
          ),
  };
}
