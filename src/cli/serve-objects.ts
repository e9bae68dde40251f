import type { Config } from "../config/schema.ts";
import { topologySettingsOf } from "../dns/directives/sluice/table-options.ts";
import { settingsOf } from "../dns/pipeline/plan.ts";
import { SluiceError } from "../model/errors.ts";
import type { Kind } from "../model/kinds.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { buildTopology, type TopologySettings } from "../model/topology.ts";
import type { Log } from "../observe/log.ts";
import { type ClusterSource, startClusterSource, WATCHED_KINDS } from "../sources/cluster/cluster-source.ts";
import { loadKubeConfig } from "../sources/cluster/kube-config.ts";
import { createTransport } from "../sources/cluster/transport.ts";
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
  readonly close: () => Promise<void>;
};

/** What egress names and their addresses depend on; the resolver's account may read no more. */
const DNS_KINDS: readonly Kind[] = [
  "Namespace",
  "Service",
  "EndpointSlice",
  "Gateway",
  "HTTPRoute",
  "GRPCRoute",
  "DNSPolicy",
  "DNSRecord",
];

/** Read from files only: no rule needs them of a cluster, and an account that may not read them needs no excuse. */
const FILES_ONLY: readonly Kind[] = ["ServiceAccount", "Role", "RoleBinding"];

/** The kinds that a process with these roles follows in a cluster. */
export const kindsOf = (roles: Config["roles"]): readonly Kind[] =>
  roles.includes("admission") ? WATCHED_KINDS.filter((kind) => !FILES_ONLY.includes(kind)) : DNS_KINDS;

/**
 * Longest wait for the first picture where the resolver finds its upstream in it. Everybody else serves at once what is
 * safe without it, and says that it is not ready.
 */
const FIRST_SYNC_SECONDS = 10;

const needsPictureToStart = ({ source, roles, upstream }: Config): boolean =>
  source === "in-cluster" && roles.includes("dns") && upstream.length === 0;

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
  const source =
    config.source === "files" ? await followFiles(config, live, log) : await followCluster(config, live, log);
  return { snapshot: live, notReady: () => (live.synced() ? [] : ["sync"]), ...source };
}

/** What the Corefile says about how objects are read: the first `sluice` counts, for the whole process. */
function corefileSettings(config: Config): Partial<TopologySettings> {
  if (config.corefile === undefined || !config.roles.includes("dns")) return {};
  const [sluice] = readCorefile(config.corefile).flatMap((server) => settingsOf(server, "sluice"));
  return sluice === undefined ? {} : topologySettingsOf(sluice);
}

type Followed = Pick<ServedObjects, "ageSeconds" | "close">;

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

async function followCluster(config: Config, live: LiveSnapshot, log: Log): Promise<Followed> {
  const kubeConfig = loadKubeConfig(
    config.kubeconfig === undefined ? { inCluster: true } : { path: config.kubeconfig },
  );
  const transport = createTransport(kubeConfig);
  let source: ClusterSource | undefined;
  const synced = Promise.withResolvers<void>();
  const onChange = (): void => {
    if (source === undefined) return;
    live.update("cluster", source.objects(), source.synced());
    if (source.synced()) synced.resolve();
  };
  source = await startClusterSource({ transport, kinds: kindsOf(config.roles), log, onChange });
  const started = source;
  onChange();
  if (needsPictureToStart(config)) await withinSeconds(synced.promise, FIRST_SYNC_SECONDS);
  if (needsPictureToStart(config) && !started.synced())
    log.warn({ waitingFor: started.waitingFor() }, "the cluster has not been read completely yet");
  return {
    ageSeconds: () => started.ageSeconds(),
    async close() {
      await started.close();
      await transport.close();
    },
  };
}

async function withinSeconds(promise: Promise<void>, seconds: number): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, seconds * 1000);
  await Promise.race([promise, timeout.promise]);
  clearTimeout(timer);
}
