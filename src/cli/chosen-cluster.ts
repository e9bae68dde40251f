import type { Config } from "../config/schema.ts";
import type { LoadedServer } from "../dns/directives/load-corefile.ts";
import { settingsOf } from "../dns/pipeline/plan.ts";
import type { KubeConfigOrigin } from "../sources/cluster/kube-config.ts";
import { readCorefile } from "./served-corefile.ts";

/**
 * The cluster whose objects are read: that of the settings, else the one that the Corefile names (`kubeconfig` of `sluice`
 * or `kuadrant`, the first counts), else the pod's own. Throws a SluiceError for a Corefile that is wrong.
 */
export function clusterOf(config: Pick<Config, "kubeconfig" | "corefile" | "roles">): KubeConfigOrigin {
  const { corefile, roles } = config;
  return clusterNamedBy(config, corefile === undefined || !roles.includes("dns") ? [] : readCorefile(corefile));
}

/** The same for a Corefile that is read already. */
export function clusterNamedBy(
  { kubeconfig }: Pick<Config, "kubeconfig">,
  servers: readonly LoadedServer[],
): KubeConfigOrigin {
  const readers = servers.flatMap((server) => [...settingsOf(server, "sluice"), ...settingsOf(server, "kuadrant")]);
  const named = readers.find((reader) => reader.kubeconfig !== undefined)?.kubeconfig;
  const path = kubeconfig ?? named?.path;
  if (path === undefined) return { inCluster: true };
  // Of a file that both name the Corefile may choose the context.
  return named?.path === path && named.context !== undefined ? { path, context: named.context } : { path };
}
