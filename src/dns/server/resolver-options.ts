import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { canonicalAddress } from "../../model/address.ts";
import type { EgressView } from "../../model/egress.ts";
import { SluiceError } from "../../model/errors.ts";
import type { Log } from "../../observe/log.ts";
import type { TableOptions } from "../table.ts";
import type { UpstreamAddress } from "../upstream/address.ts";
import type { Schedule } from "../upstream/exchange.ts";
import { formatUpstreams } from "../upstream/forwarder.ts";
import { DEFAULT_ALLOWED_NETWORKS, parseNetworks } from "./access.ts";
import type { ClientRate } from "./client-rate.ts";
import type { TcpLimits } from "./tcp.ts";

export type ResolverOptions = {
  /** An IP address and a port; 0 takes any that is free for UDP and TCP. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Worker threads; one for each core that the process may use is a good choice. */
  readonly workers: number;
  /**
   * The module that a worker thread runs: it must call `runResolverWorker` when it finds itself in one
   * (`isResolverWorker`). The program's own file will do, whether it is a source file or a bundle:
   * `new URL(import.meta.url)`.
   */
  readonly workerUrl: URL;
  /** At least one; those that are this resolver itself are refused. */
  readonly upstreams: readonly UpstreamAddress[];
  readonly view: EgressView;
  /** Whether `view` is complete; see EgressTable. */
  readonly synced: boolean;
  readonly tableOptions?: Omit<TableOptions, "version" | "synced">;
  readonly log: Log;
  /** Addresses besides this machine's under which others reach this resolver, such as its Service's ClusterIP. */
  readonly ownAddresses?: readonly string[];
  /** CIDRs of clients that are answered; default DEFAULT_ALLOWED_NETWORKS. */
  readonly allowedNetworks?: readonly string[];
  /** For each client and worker; default DEFAULT_CLIENT_RATE. */
  readonly clientRate?: ClientRate;
  /** Questions under way at upstreams, over all workers; default MAX_CONCURRENT. */
  readonly maxConcurrent?: number;
  readonly schedule?: Schedule;
  readonly tcpLimits?: Partial<TcpLimits>;
  /** Default true: asks the upstream for an unguessable name every minute, and degrades when that comes back here. */
  readonly loopProbe?: boolean;
};

const invalid = (message: string, hint: string): SluiceError => new SluiceError("SLUICE_CONFIG_INVALID", message, hint);

/** Throws a SluiceError for options that cannot work whatever the machine. */
export function checkOptions(options: ResolverOptions): void {
  const { listen, upstreams, workers } = options;
  if (isIP(listen.host) === 0) {
    throw invalid(
      `the DNS listen address '${listen.host}' is no IP address`,
      "give one with its port, such as --listen 127.0.0.1:5353",
    );
  }
  if (upstreams.length === 0) {
    throw invalid("there is no DNS upstream to send other names to", "name one with --upstream IP:PORT");
  }
  if (!Number.isInteger(workers) || workers < 1) {
    throw invalid(`the number of DNS workers must be at least 1, not ${workers}`, "leave it out for one worker a core");
  }
  const networks = parseNetworks(options.allowedNetworks ?? DEFAULT_ALLOWED_NETWORKS);
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

/** Throws a SluiceError for upstreams that are ourselves on `port`: every question would come back until it is dropped. */
export function checkUpstreams(options: ResolverOptions, port: number): void {
  const listened = listenedAddresses(options.listen.host);
  // A Service has a port of its own, so that with its address any port may lead here.
  const services = canonical(options.ownAddresses ?? []);
  const looping = options.upstreams.filter((upstream) => {
    const address = canonicalAddress(upstream.host) ?? upstream.host;
    return services.has(address) || (upstream.port === port && listened.has(address));
  });
  if (looping.length === 0) return;
  throw invalid(
    `the DNS upstream ${formatUpstreams(looping)} is this resolver itself`,
    "name another one with --upstream, such as the cluster's DNS Service or the network's own server",
  );
}
