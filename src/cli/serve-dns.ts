import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { corefileEnvironment } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { settingsOf } from "../dns/pipeline/plan.ts";
import { refusedNetworks } from "../dns/refused-networks.ts";
import type { ResolverData } from "../dns/server/block-data.ts";
import type { ClientRate } from "../dns/server/client-rate.ts";
import { type Resolver, startResolver } from "../dns/server/start-resolver.ts";
import { parseUpstream, type UpstreamAddress } from "../dns/upstream/address.ts";
import { parseResolvConf } from "../dns/upstream/resolv-conf.ts";
import { DNS_SERVICE_LABEL } from "../inject/facts.ts";
import type { EgressView } from "../model/egress.ts";
import { SluiceError } from "../model/errors.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { Topology } from "../model/topology.ts";
import { createLinePrinter, type Log } from "../observe/log.ts";
import { egressChangeLog } from "./egress-changes.ts";
import { egressEvents } from "./egress-events.ts";
import { listenAddress } from "./listen-address.ts";
import { rememberedView, rememberer, snapshotFile } from "./remembered-names.ts";
import type { ServedObjects } from "./serve-objects.ts";
import { createServedCorefile, type LoadedText, type ServedCorefile } from "./served-corefile.ts";

const RESOLV_CONF = "/etc/resolv.conf";

/** Services that are a cluster's DNS, in the order in which they are looked for. */
const CLUSTER_DNS = [
  { namespace: "kube-system", name: "kube-dns" },
  { namespace: "kube-system", name: "coredns" },
  { namespace: "openshift-dns", name: "dns-default" },
] as const;

type DnsRole = {
  readonly config: Config;
  readonly snapshot: Snapshot;
  /** Undefined where there is no cluster to write Events to. */
  readonly writeEvent?: ServedObjects["writeEvent"];
  readonly podNetworks?: ServedObjects["podNetworks"];
  readonly readFor: ServedObjects["readFor"];
  readonly workerUrl: URL;
  readonly log: Log;
};

/** The resolver, and the Corefile that it serves. */
export type DnsService = {
  readonly resolver: Resolver;
  readonly corefile: ServedCorefile;
  /** As it was when the resolver was started. */
  readonly loaded: LoadedText;
  /**
   * Goes over to other server blocks, and to the objects as these want them read, both at once. Rejects with a SluiceError
   * when they cannot be served; everything stays as it was then.
   */
  readonly reload: (servers: LoadedText["servers"]) => Promise<void>;
};

/** Starts the resolver and keeps it on the newest Topology. With a snapshot file it starts on the last one known. */
export async function startDnsRole({
  config,
  snapshot,
  writeEvent,
  podNetworks,
  readFor,
  workerUrl,
  log,
}: DnsRole): Promise<DnsService> {
  const upstreams = await clusterDnsOf(config, snapshot.current(), log);
  const environment = corefileEnvironment();
  const corefile = createServedCorefile({ file: config.corefile, environment, clusterDns: () => upstreams, log });
  const recordNamespaces = (environment["WATCH_NAMESPACES"] ?? "").split(",").filter((name) => name !== "");
  const loaded = corefile.load();
  warnOfOpenZones(loaded, recordNamespaces, log);
  void podNetworks?.().then((networks) => warnOfRefusedPods(loaded, networks, log));
  const file = snapshotFile(config, loaded.servers);
  const remembered = snapshot.synced() ? undefined : await rememberedView(file, log);
  const dataOf = (topology: Topology, view: EgressView, source: ResolverData["source"]): ResolverData => ({
    view,
    synced: snapshot.synced() || source === "snapshot",
    source,
    records: topology.objects.of("DNSRecord"),
    recordNamespaces,
    clusterDomain: config.clusterDomain,
    ownAddresses: ownAddresses(topology, config.namespace),
  });
  const current = snapshot.current();
  const workers = workersOf(config, loaded);
  const resolver = await startResolver({
    servers: loaded.servers,
    ...(config.dnsListen !== undefined && { listen: listenAddress(config.dnsListen) }),
    workers,
    clientRate: clientRateOf(config),
    workerUrl,
    data: dataOf(current, remembered ?? viewOf(current), remembered === undefined ? "watch" : "snapshot"),
    printLine: createLinePrinter(log, config.logFormat),
    log,
  });
  for (const { host, port } of resolver.addresses()) {
    log.info({ host, port, workers }, "resolver is listening");
  }
  const remember = rememberer(file, log);
  const report = egressChangeLog(log);
  const eventsOf = egressEvents();
  // Until everything has been listed once, an incomplete picture must not replace the remembered one.
  const keepsRemembered = (): boolean => remembered !== undefined && !snapshot.synced();
  let reloading = false;
  const follow = (topology: Topology): void => {
    // What changes during a reload is looked at behind it: objects read in the old way do not go with the new blocks.
    if (reloading || keepsRemembered()) return;
    void resolver.update(dataOf(topology, viewOf(topology), "watch"));
    report(topology.egressHostnames);
    if (!snapshot.synced()) return;
    remember(viewOf(topology));
    if (writeEvent !== undefined) for (const event of eventsOf(topology)) writeEvent(event);
  };
  snapshot.subscribe(follow);
  follow(snapshot.current());
  const reload = async (servers: LoadedText["servers"]): Promise<void> => {
    const { topology, keep } = readFor(servers);
    reloading = true;
    try {
      await resolver.reload(servers, keepsRemembered() ? undefined : dataOf(topology, viewOf(topology), "watch"));
      keep();
    } finally {
      reloading = false;
      follow(snapshot.current());
    }
  };
  return { resolver, corefile, loaded, reload };
}

/** At most this many worker threads by default: more gain little on the sizes of node that run a DNS server. */
const MAX_DEFAULT_WORKERS = 4;

/** As many as the settings say, else as many sockets as the Corefile wants (`multisocket`), else one for each core. */
export function workersOf(
  { dnsWorkers }: Pick<Config, "dnsWorkers">,
  { servers }: Pick<LoadedText, "servers">,
): number {
  const sockets = servers.flatMap((server) => settingsOf(server, "multisocket")).flatMap((one) => one.sockets ?? []);
  return (
    dnsWorkers ?? (sockets.length > 0 ? Math.max(...sockets) : Math.min(availableParallelism(), MAX_DEFAULT_WORKERS))
  );
}

/** Whoever may write a DNSRecord anywhere could claim any name of a zone that `kuadrant` serves. */
function warnOfOpenZones({ servers }: LoadedText, namespaces: readonly string[], log: Log): void {
  const zones = servers.flatMap((server) => settingsOf(server, "kuadrant")).flatMap((one) => one.zones);
  if (zones.length === 0 || namespaces.length > 0) return;
  log.warn({ zones }, "DNSRecords of every namespace count: name the trusted ones in WATCH_NAMESPACES");
}

/** Pods that are turned away get no DNS at all. */
function warnOfRefusedPods({ servers }: LoadedText, networks: readonly string[] | undefined, log: Log): void {
  const refused = refusedNetworks(servers, networks ?? []);
  if (refused.length > 0) log.warn({ networks: refused }, "pods of these networks are refused: allow them with 'acl'");
}

/** A client may save up two seconds of its rate. */
const clientRateOf = ({ dnsClientRate: perSecond }: Config): ClientRate =>
  perSecond === 0 ? UNLIMITED : { perSecond, burst: 2 * perSecond };

const UNLIMITED: ClientRate = { perSecond: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY };

const viewOf = ({ egressHostnames, gatewayPodAddresses }: Topology): EgressView => ({
  egressHostnames,
  gatewayPodAddresses,
});

/** Addresses of our own resolver Services: an upstream that is one of them would be a loop. */
const ownAddresses = (topology: Topology, namespace: string): readonly string[] =>
  topology.objects
    .of("Service")
    .filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.[DNS_SERVICE_LABEL] === "true")
    .flatMap(({ spec }) => spec?.clusterIPs ?? []);

/** Where names that are not egress are asked: as told, else the cluster's DNS, else the host's own. */
export async function findUpstreams(
  config: Pick<Config, "upstream" | "source">,
  topology: Topology,
  log: Pick<Log, "warn">,
): Promise<readonly UpstreamAddress[]> {
  const given = config.upstream.map((text) => parseUpstream(text));
  const problems = given.flatMap((read) => (read.ok ? [] : read.problems));
  if (problems.length > 0)
    throw new SluiceError("SLUICE_CONFIG_INVALID", problems.join("\n"), "give --upstream IP[:PORT]");
  if (given.length > 0) return given.flatMap((read) => (read.ok ? [read.value] : []));
  if (config.source === "in-cluster") {
    const service = CLUSTER_DNS.map(({ namespace, name }) => topology.objects.get("Service", namespace, name)).find(
      (found) => found !== undefined,
    );
    const address = parseUpstream(service?.spec?.clusterIP ?? "");
    if (address.ok) return [address.value];
    log.warn({}, "the cluster's DNS Service is not known, using the pod's resolv.conf; give --upstream to be sure");
  }
  return hostUpstreams();
}

/** A Corefile may name its upstreams itself, and then needs none that are found. */
async function clusterDnsOf(config: Config, topology: Topology, log: Log): Promise<readonly UpstreamAddress[]> {
  try {
    return await findUpstreams(config, topology, log);
  } catch (error) {
    if (config.corefile === undefined || config.upstream.length > 0) throw error;
    return [];
  }
}

async function hostUpstreams(): Promise<readonly UpstreamAddress[]> {
  const hint = "name a DNS server with --upstream IP[:PORT]";
  let text: string;
  try {
    text = await readFile(RESOLV_CONF, "utf8");
  } catch (cause) {
    throw new SluiceError(
      "SLUICE_CONFIG_INVALID",
      `no upstream was given and ${RESOLV_CONF} cannot be read`,
      hint,
      cause,
    );
  }
  const { nameservers } = parseResolvConf(text);
  if (nameservers.length === 0) {
    throw new SluiceError(
      "SLUICE_CONFIG_INVALID",
      `no upstream was given and ${RESOLV_CONF} names no DNS server`,
      hint,
    );
  }
  return nameservers;
}
