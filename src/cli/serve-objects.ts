import type { Config } from "../config/schema.ts";
import { topologySettingsOf } from "../dns/directives/sluice/table-options.ts";
import { settingsOf } from "../dns/pipeline/plan.ts";
import { SluiceError } from "../model/errors.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { buildTopology, type TopologySettings } from "../model/topology.ts";
import type { Log } from "../observe/log.ts";
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
  /** Networks of the pods, where there is a cluster that tells them. */
  readonly podNetworks?: () => Promise<readonly string[] | undefined>;
  readonly close: () => Promise<void>;
};

/** Starts the source. Rejects for files that cannot be used and for a kubeconfig that cannot; an API server may be away. */
export async function startObjects(config: Config, log: Log): Promise<ServedObjects> {
  const settings: TopologySettings = {
    clusterDomain: config.clusterDomain,
    gatewayAddress: config.gatewayAddressMode,
    conflict: "oldest",
    ...corefileSettings(config),
  };
  const name = config.source === "files" ? "files" : "cluster";
  const live = createLiveSnapshot({ sources: [name], build: (objects) => buildTopology(objects, settings), log });
  // Clients of the cluster's API are most of what is loaded here, and files need none of them.
  const follow = config.source === "files" ? followFiles : (await import("./cluster-objects.ts")).followCluster;
  const source = await follow(config, live, log);
  return { snapshot: live, notReady: () => (live.synced() ? [] : ["sync"]), ...source };
}

/** What the Corefile says about how objects are read: the first `sluice` counts, for the whole process. */
function corefileSettings(config: Config): Partial<TopologySettings> {
  if (config.corefile === undefined || !config.roles.includes("dns")) return {};
  const [sluice] = readCorefile(config.corefile).flatMap((server) => settingsOf(server, "sluice"));
  return sluice === undefined ? {} : topologySettingsOf(sluice);
}

/** What following a source adds to its objects. */
export type Followed = Pick<ServedObjects, "ageSeconds" | "writeEvent" | "podNetworks" | "close">;

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
