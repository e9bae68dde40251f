import { parseSelector } from "../../../model/parse-selector.ts";
import type { TopologySettings } from "../../../model/topology.ts";
import type { TableOptions } from "../../table.ts";
import { DEFAULT_GATEWAYS, type SluiceSettings } from "./setup.ts";

/** What of a `sluice` line acts when its block's egress table is compiled. */
export const tableOptionsOf = (settings: SluiceSettings): Omit<TableOptions, "version" | "synced"> => ({
  ttlSeconds: settings.ttl,
  passthrough: settings.passthrough,
  guard: settings.cnameGuard,
  search: settings.search,
  except: settings.except,
  zones: settings.zones,
  gatewayClients: settings.gatewayClients,
  ...(settings.clusterDomain !== undefined && { clusterDomain: settings.clusterDomain }),
});

/**
 * What of a `sluice` line acts before that, when the Topology is built: which Gateways are egress gateways, who owns a
 * name that several claim, and with which address a gateway is answered. To be laid over the process's own settings.
 */
export function topologySettingsOf(settings: SluiceSettings): Partial<TopologySettings> {
  const gateways = parseSelector(settings.gateways);
  return {
    conflict: settings.conflict,
    gatewayAddress: settings.gatewayAddress,
    ...(gateways.ok && settings.gateways !== DEFAULT_GATEWAYS && { gateways: gateways.value }),
    ...(settings.clusterDomain !== undefined && { clusterDomain: settings.clusterDomain.replace(/\.$/, "") }),
  };
}
