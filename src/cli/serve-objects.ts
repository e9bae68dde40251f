import type { Config } from "../config/schema.ts";
import type { LoadedServer } from "../dns/directives/load-corefile.ts";
import { topologySettingsOf } from "../dns/directives/sluice/table-options.ts";
import { settingsOf } from "../dns/pipeline/plan.ts";
import { SluiceError } from "../model/errors.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { buildTopology, type Topology, type TopologySettings } from "../model/topology.ts";
import type { Log } from "../observe/log.ts";
import type { ConfigMapOptions, FollowedConfigMap } from "../sources/cluster/config-map.ts";
import type { EventWriter } from "../sources/cluster/event-writer.ts";
import { applyGatewayAddresses, parseGatewayAddress } from "../sources/gateway-addresses.ts";
import { createLiveSnapshot, type LiveSnapshot } from "../sources/live-snapshot.ts";
import { startManifestSource } from "../sources/manifest-source.ts";
import { readCorefile } from "./served-corefile.ts";

/** Objects from wherever they come, as one picture that follows its sources. */
export type ServedObjects = {
  readonly snapshot: Snapshot;
  /** Seconds since the picture was last proved right; 0 for files. */
  readonly ageSeconds: () => number;
  /** `sync` while a source has not delivered everything once. */
  readonly notReady: () => readonly string[];
  /** Writes Events about objects; undefined where there is no cluster to write them to. */
  readonly writeEvent?: EventWriter["write"];
  /** Follows a ConfigMap of Sluice's own namespace; undefined where there is no cluster that has one. */
  readonly followConfigMap?: (name: string, onData: ConfigMapOptions["onData"]) => FollowedConfigMap;
  /** Networks of the pods, where there is a cluster that tells them. */
  readonly podNetworks?: () => Promise<readonly string[] | undefined>;
  /** The picture as the first `sluice` of these server blocks wants objects read, for the whole process. */
  readonly readFor: (servers: readonly LoadedServer[]) => Reading;
  readonly close: () => Promise<void>;
};

/** The picture read in some way. `keep` makes it the one that follows its sources, and tells who follows it. */
type Reading = { readonly topology: Topology; readonly keep: () => void };

/** Starts the source. Rejects for files that cannot be used and for a kubeconfig that cannot; an API server may be away. */
export async function startObjects(config: Config, log: Log): Promise<ServedObjects> {
  const settings = topologySettings(config, servedBlocks(config));
  const name = config.source === "files" ? "files" : "cluster";
  const live = createLiveSnapshot({ sources: [name], build: (objects) => buildTopology(objects, settings), log });
  // Clients of the cluster's API are most of what is loaded here, and files need none of them.
  const follow = config.source === "files" ? followFiles : (await import("./cluster-objects.ts")).followCluster;
  const source = await follow(config, live, log);
  const readFor = readerOf(config, live);
  return { snapshot: live, notReady: () => (live.synced() ? [] : ["sync"]), readFor, ...source };
}

const servedBlocks = ({ corefile, roles }: Config): readonly LoadedServer[] =>
  corefile === undefined || !roles.includes("dns") ? [] : readCorefile(corefile);

/** How objects are read: as the first `sluice` says, for the whole process, else as the settings do. */
export function topologySettings(config: Config, servers: readonly LoadedServer[]): TopologySettings {
  const [sluice] = servers.flatMap((server) => settingsOf(server, "sluice"));
  return {
    clusterDomain: config.clusterDomain,
    gatewayAddress: config.gatewayAddressMode,
    conflict: "oldest",
    ...(sluice !== undefined && topologySettingsOf(sluice)),
  };
}

/** Reads what the sources hold anew, in the way that other server blocks want. */
export const readerOf =
  (config: Config, live: LiveSnapshot): ServedObjects["readFor"] =>
  (servers) => {
    const settings = topologySettings(config, servers);
    return {
      topology: buildTopology(live.current().decoded, settings),
      keep: () => live.rebuild((objects) => buildTopology(objects, settings)),
    };
  };

/** What following a source adds to its objects. */
export type Followed = Pick<ServedObjects, "ageSeconds" | "writeEvent" | "followConfigMap" | "podNetworks" | "close">;

async function followFiles(config: Config, live: LiveSnapshot, log: Log): Promise<Followed> {
  const parsed = config.gatewayAddress.map(parseGatewayAddress);
  const problems = parsed.flatMap((read) => (read.ok ? [] : read.problems));
  if (problems.length > 0) throw new SluiceError("SLUICE_CONFIG_INVALID", problems.join("\n"), "see --gateway-address");
  const gatewayAddresses = parsed.flatMap((read) => (read.ok ? [read.value] : []));
  const source = await startManifestSource({
    paths: config.manifests,
    gatewayAddresses,
    log,
    onObjects: (objects) => live.update("files", objects, true),
  });
  const unknown = applyGatewayAddresses(live.current().decoded, gatewayAddresses).problems;
  if (unknown.length > 0) {
    await source.close();
    throw new SluiceError("SLUICE_CONFIG_INVALID", unknown.join("\n"), "give the name of a Gateway in the manifests");
  }
  return { ageSeconds: () => 0, close: () => source.close() };
}
