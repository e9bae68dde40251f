import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { canonicalAddress } from "../../model/address.ts";
import { SluiceError } from "../../model/errors.ts";
import type { Log } from "../../observe/log.ts";
import type { LoadedServer } from "../directives/load-corefile.ts";
import { type ListenOverride, type Plan, settingsOf } from "../pipeline/plan.ts";
import type { LogLine } from "../pipeline/serve.ts";
import { formatUpstream, type UpstreamAddress } from "../upstream/address.ts";
import type { Schedule } from "../upstream/schedule.ts";
import { DEFAULT_ALLOWED_NETWORKS, parseNetworks } from "./access.ts";
import type { ResolverData } from "./block-data.ts";
import type { ClientRate } from "./client-rate.ts";
import type { TcpLimits } from "./tcp.ts";

export type ResolverOptions = {
  /** The server blocks of a Corefile. */
  readonly servers: readonly LoadedServer[];
  /** Listens here instead of where the Corefile says; port 0 takes any that is free for UDP and TCP. */
  readonly listen?: ListenOverride;
  /** Worker threads; one for each core that the process may use is a good choice. */
  readonly workers: number;
  /**
   * The module that a worker thread runs: it must call `runResolverWorker` when it finds itself in one
   * (`isResolverWorker`). The program's own file will do, whether it is a source file or a bundle:
   * `new URL(import.meta.url)`.
   */
  readonly workerUrl: URL;
  readonly data: ResolverData;
  readonly log: Log;
  /** Takes the lines of `log`, `errors` and other directives. */
  readonly printLine: (line: LogLine) => void;
  /** CIDRs of clients that are answered where a server block has no `acl`; default DEFAULT_ALLOWED_NETWORKS. */
  readonly allowedNetworks?: readonly string[];
  /** For each client, over all workers; default DEFAULT_CLIENT_RATE. */
  readonly clientRate?: ClientRate;
  readonly schedule?: Schedule;
  readonly tcpLimits?: Partial<TcpLimits>;
};

const invalid = (message: string, hint: string): SluiceError => new SluiceError("SLUICE_CONFIG_INVALID", message, hint);

/** Throws a SluiceError for options that cannot work whatever the machine. */
export function checkOptions({ listen, workers, allowedNetworks }: ResolverOptions): void {
  if (listen !== undefined && isIP(listen.host) === 0) {
    throw invalid(
      `the DNS listen address '${listen.host}' is no IP address`,
      "give one with its port, such as --listen 127.0.0.1:5353",
    );
  }
  if (!Number.isInteger(workers) || workers < 1) {
    throw invalid(`the number of DNS workers must be at least 1, not ${workers}`, "leave it out for one worker a core");
  }
  const networks = parseNetworks(allowedNetworks ?? DEFAULT_ALLOWED_NETWORKS);
  if (!networks.ok) throw invalid(networks.problems.join("; "), "write each as an address and a prefix length");
}

const canonical = (addresses: readonly string[]): ReadonlySet<string> =>
  new Set(addresses.map((address) => canonicalAddress(address) ?? address));

/** The addresses that this process's own sockets have. */
function listenedAddresses(host: string): ReadonlySet<string> {
  const wild = host === "0.0.0.0" || host === "::";
  const local = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map((one) => one.address) ?? []);
  return canonical(wild ? [...local, host] : [host]);
}

/** The upstreams that are given by address; those given by name are known to the worker only. */
const upstreamsOf = (plan: Plan): readonly UpstreamAddress[] =>
  plan.servers
    .flatMap((server) => settingsOf(server, "forward"))
    .flatMap(({ to }) => to)
    .flatMap(({ host, port }) => {
      const family = isIP(host);
      return family === 4 || family === 6 ? [{ host, port, family } as const] : [];
    });

/** The upstreams that are ourselves: every question would come back until it is dropped. Ports are as found. */
export function ownUpstreams(plan: Plan, ownAddresses: readonly string[] = []): readonly string[] {
  // A Service has a port of its own, so that with its address any port may lead here.
  const services = canonical(ownAddresses);
  const listened = plan.listeners.map(({ host, port }) => ({ port, hosts: listenedAddresses(host) }));
  const looping = upstreamsOf(plan).filter((upstream) => {
    const address = canonicalAddress(upstream.host) ?? upstream.host;
    return services.has(address) || listened.some(({ port, hosts }) => upstream.port === port && hosts.has(address));
  });
  return [...new Set(looping.map(formatUpstream))];
}

/** Throws a SluiceError for upstreams that are ourselves. */
export function checkUpstreams(plan: Plan, ownAddresses?: readonly string[]): void {
  const looping = ownUpstreams(plan, ownAddresses);
  if (looping.length === 0) return;
  throw invalid(
    `the DNS upstream ${looping.join(", ")} is this resolver itself`,
    "name another one, such as the cluster's DNS Service or the network's own server",
  );
}
