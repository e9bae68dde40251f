import type { MetricSample } from "../../observe/sample.ts";
import { definitionOf } from "./catalogue.ts";
import type { Labels } from "./meter.ts";

/** A server block, as far as it shows in metrics. */
export type BlockLabels = {
  /** `dns://:53`, one for each address listened on. */
  readonly servers: readonly string[];
  readonly zones: readonly string[];
  /** Names of its directives. */
  readonly directives: readonly string[];
};

/** Directives that set something up and never see a question: CoreDNS does not list theirs either. */
const WITHOUT_HANDLER: ReadonlySet<string> = new Set([
  ...["root", "timeouts", "multisocket", "reload", "bind", "debug", "ready", "health"],
]);

const one = (name: string, labels: Labels): MetricSample => {
  const { help } = definitionOf(name);
  return { name, help, type: "gauge", labels, value: 1 };
};

/** `coredns_build_info`: `goversion` names the run time, as CoreDNS's does. */
export const buildInfo = (version: string, revision: string, runtime: string): MetricSample =>
  one("coredns_build_info", { goversion: runtime, revision, version });

/** `coredns_plugin_enabled` of all server blocks. */
export function enabledPlugins(blocks: readonly BlockLabels[]): readonly MetricSample[] {
  return blocks.flatMap(({ servers, zones, directives }) => {
    const names = [...new Set(directives)].filter((name) => !WITHOUT_HANDLER.has(name));
    return servers.flatMap((server) =>
      zones.flatMap((zone) => names.map((name) => one("coredns_plugin_enabled", { name, server, view: "", zone }))),
    );
  });
}

/** `coredns_reload_version_info`: `sha512` is the hash of the Corefile in use, in hexadecimal. */
export const reloadVersion = (sha512: string): MetricSample =>
  one("coredns_reload_version_info", { hash: "sha512", value: sha512 });
