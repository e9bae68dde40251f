import { lookup, Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { SluiceError } from "../../../model/errors.ts";
import { formatUpstream } from "../../upstream/address.ts";
import type { RandomInteger } from "../../upstream/random.ts";
import type { TimerWheel } from "../../upstream/timer-wheel.ts";
import { createUpstream, type Upstream, type UpstreamObserver } from "../../upstream/upstream.ts";
import { type ForwardSettings, MAX_UPSTREAMS } from "./setup.ts";
import type { ForwardTarget } from "./targets.ts";

export type OpenInput = {
  readonly settings: ForwardSettings;
  readonly random: RandomInteger;
  readonly wheel: TimerWheel;
  /** By `10.96.0.10:53`. */
  readonly observe: (to: string) => UpstreamObserver;
};

type Files = Pick<ConnectionOptions, "ca" | "cert" | "key">;

/**
 * The upstreams of a `forward` line: host names looked up once, certificates read. Rejects with a SluiceError for a name
 * without an address and for a file that cannot be read.
 */
export async function openUpstreams({ settings, random, wheel, observe }: OpenInput): Promise<readonly Upstream[]> {
  const files = await readTlsFiles(settings.tls.files);
  const found = await Promise.all(settings.to.map((target) => addressesOf(target, settings.resolvers)));
  return found
    .flat()
    .slice(0, MAX_UPSTREAMS)
    .map(({ host, target }) => {
      const address = { host, port: target.port, family: isIP(host) === 6 ? 6 : 4 } as const;
      const { sourceAddress } = settings;
      return createUpstream({
        address,
        ...(target.protocol === "tls" && { tls: { ...files, ...verifiedName(target, settings) } }),
        limits: { expireMs: settings.expireMs, maxAgeMs: settings.maxAgeMs, maxIdle: settings.maxIdleConnections },
        ...(sourceAddress !== undefined && { sourceAddress }),
        healthCheck: { ...settings.healthCheck, maxFails: settings.maxFails, overTcp: settings.forceTcp },
        observer: observe(formatUpstream(address)),
        random,
        wheel,
      });
    });
}

/** The name that the certificate must have; without one its address counts. */
function verifiedName(target: ForwardTarget, { tls }: ForwardSettings): Pick<ConnectionOptions, "servername"> {
  const own = target.kind === "name" ? target.host.replace(/\.$/, "") : undefined;
  const servername = target.serverName ?? tls.serverName ?? own;
  return servername === undefined ? {} : { servername };
}

/** `[CERT KEY] [CA]`: a single file is the CA's. */
async function readTlsFiles(paths: readonly string[]): Promise<Files> {
  const texts = await Promise.all(paths.map(readText));
  const [first, second, third] = texts;
  if (first === undefined) return {};
  if (second === undefined) return { ca: first };
  return { cert: first, key: second, ...(third !== undefined && { ca: third }) };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { message } = error as Error;
    const hint = "name a file that this process may read, in PEM";
    throw new SluiceError("SLUICE_INPUT_UNREADABLE", `forward: tls: ${message}`, hint, error);
  }
}

type Found = { readonly host: string; readonly target: ForwardTarget };

async function addressesOf(target: ForwardTarget, resolvers: readonly string[]): Promise<readonly Found[]> {
  if (target.kind === "address") return [{ host: target.host, target }];
  const hosts = resolvers.length === 0 ? await askHost(target.host) : await askResolvers(target.host, resolvers);
  if (hosts.length > 0) return hosts.map((host) => ({ host, target }));
  throw new SluiceError(
    "SLUICE_DNS_FAILED",
    `forward: the upstream '${target.host}' has no address`,
    "check the name, or write the address; 'resolver IP' says who is asked for it",
  );
}

/** What this host's own resolver says: of the absolute name, else of what its hosts file or search list knows. */
async function askHost(name: string): Promise<readonly string[]> {
  for (const form of [name, name.replace(/\.$/, "")]) {
    const found = await lookup(form, { all: true }).catch(() => []);
    if (found.length > 0) return [...new Set(found.map(({ address }) => address))];
  }
  return [];
}

async function askResolvers(name: string, servers: readonly string[]): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  resolver.setServers(servers.map((host) => formatUpstream({ host, port: 53, family: isIP(host) === 6 ? 6 : 4 })));
  const found = await Promise.all([resolver.resolve4(name).catch(() => []), resolver.resolve6(name).catch(() => [])]);
  return found.flat();
}
