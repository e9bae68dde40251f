import type { Config } from "../config/schema.ts";
import type { Kind } from "../model/kinds.ts";
import type { Log } from "../observe/log.ts";
import { type ClusterSource, startClusterSource, WATCHED_KINDS } from "../sources/cluster/cluster-source.ts";
import { followConfigMap } from "../sources/cluster/config-map.ts";
import { createEventWriter } from "../sources/cluster/event-writer.ts";
import { loadKubeConfig } from "../sources/cluster/kube-config.ts";
import { readPodNetworks } from "../sources/cluster/pod-networks.ts";
import { createTransport } from "../sources/cluster/transport.ts";
import type { LiveSnapshot } from "../sources/live-snapshot.ts";
import { clusterOf } from "./chosen-cluster.ts";
import type { Followed } from "./serve-objects.ts";

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

/** Follows the cluster of the settings or the Corefile, else the one around the pod. Rejects for a kubeconfig that cannot be used. */
export async function followCluster(config: Config, live: LiveSnapshot, log: Log): Promise<Followed> {
  const transport = createTransport(loadKubeConfig(clusterOf(config)));
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
  const events = createEventWriter({ transport, identity: config.identity, log, now: Date.now });
  return {
    ageSeconds: () => started.ageSeconds(),
    writeEvent: events.write,
    followConfigMap: (name, onData) => followConfigMap({ transport, namespace: config.namespace, name, log, onData }),
    podNetworks: () => readPodNetworks(transport),
    async close() {
      events.close();
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
