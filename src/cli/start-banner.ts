import type { Config } from "../config/schema.ts";
import { makePlan } from "../dns/pipeline/plan.ts";
import { VERSION } from "../model/version.ts";
import type { Log } from "../observe/log.ts";
import type { CommandContext } from "./command-context.ts";
import { listenAddress } from "./listen-address.ts";
import type { DnsService } from "./serve-dns.ts";

const ANY_HOSTS: readonly string[] = ["::", "0.0.0.0"];

/** What is served where, a line for each zone, as CoreDNS writes it: `.:53`, or `.:53 on 10.0.0.1` for one address. */
function zoneLines({ resolver, loaded }: DnsService, { dnsListen }: Config): readonly string[] {
  const { listeners } = makePlan(loaded.servers, dnsListen === undefined ? undefined : listenAddress(dnsListen));
  const found = resolver.addresses();
  return listeners.flatMap(({ zones }, index) => {
    const { host, port } = found[index] ?? { host: "", port: 0 };
    const on = ANY_HOSTS.includes(host) ? "" : ` on ${host}`;
    return zones.map(([zone]) => `${zone}:${port}${on}`).toSorted();
  });
}

/**
 * Says what has been started. In CoreDNS's format the lines stand alone on the standard output, as there, but with our
 * name; in JSON they are lines of the log like all others.
 */
export function printBanner(dns: DnsService, config: Config, { terminal, log }: CommandContext & { log: Log }): void {
  for (const line of [...zoneLines(dns, config), `Sluice-${VERSION}`]) {
    if (config.logFormat === "coredns") terminal.stdout.write(`${line}\n`);
    else log.info(line);
  }
}
