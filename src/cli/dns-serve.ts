import { Command, Option } from "commander";
import { loadConfig } from "../config/load.ts";
import { settingsOf } from "../dns/pipeline/plan.ts";
import type { CommandContext } from "./command-context.ts";
import { repeatable, withGatewayAddress } from "./read-topology.ts";
import { readCorefile } from "./served-corefile.ts";

type DnsServeFlags = {
  readonly manifests?: readonly string[];
  readonly kubeconfig?: string;
  readonly corefile?: string;
  readonly listen?: string;
  readonly upstream?: readonly string[];
  readonly gatewayAddress?: readonly string[];
  readonly workers?: string;
  readonly clientRate?: string;
  readonly clusterDomain?: string;
  readonly snapshot?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
};

/** `sluice dns serve`: the resolver without webhooks, pages or certificates. */
export function dnsServeCommand(context: CommandContext, onExit: (code: number) => void): Command {
  const command = new Command("serve")
    .description("run the resolver alone")
    .option("--manifests <path>", "read objects from a file or folder and follow its changes; repeatable", repeatable)
    .option("--kubeconfig <file>", "use the cluster of this kubeconfig")
    .option("--corefile <file>", "serve this Corefile; default: what 'sluice dns print-corefile' prints")
    .option("--listen <host:port>", "listen here, whatever the Corefile says; default without one: 127.0.0.1:5353")
    .option(
      "--upstream <ip[:port]>",
      "where names that are not egress are asked, {$SLUICE_CLUSTER_DNS} in a Corefile; repeatable; default: resolv.conf",
      repeatable,
    )
    .option("--workers <n>", "worker threads; default: one per core, at most 4")
    .option("--client-rate <n>", "forwarded questions a second of one client; default 500, 0: no limit")
    .option("--cluster-domain <domain>", "the cluster's DNS domain", "cluster.local")
    .option("--snapshot <file>", "keep the last known egress names here")
    .addOption(
      new Option("--log-level <level>", "least severity that is logged").choices([
        "debug",
        "info",
        "warn",
        "error",
        "silent",
      ]),
    )
    .addOption(new Option("--log-format <format>", "how log lines look").choices(["coredns", "json"]))
    .addHelpText(
      "after",
      `
Examples:
  $ sluice dns serve --manifests manifests/examples/openai --gateway-address gateway-system/egress=10.96.0.50 --listen 127.0.0.1:5353
  $ sluice dns serve --corefile Corefile --kubeconfig ~/.kube/config --log-format coredns
  $ dig @127.0.0.1 -p 5353 api.openai.com

Without --manifests and --kubeconfig the pod's own cluster is used; a Corefile without 'sluice' and 'kuadrant' needs none.`,
    );
  return withGatewayAddress(command).action(async (flags: DnsServeFlags) => {
    const { listen, workers, clientRate, ...same } = flags;
    const config = loadConfig({
      ...same,
      ...(flags.corefile === undefined ? {} : sourceOf(flags.corefile, flags)),
      ...(listen === undefined ? {} : { dnsListen: listen }),
      ...(workers === undefined ? {} : { dnsWorkers: workers }),
      ...(clientRate === undefined ? {} : { dnsClientRate: clientRate }),
      roles: "dns",
    });
    const { runDnsServe } = await import("./run-serve.ts");
    onExit(await runDnsServe(config, context));
  });
}

/**
 * Where the objects of a Corefile are when no flag says so: in the cluster that it names, or nowhere when it needs none.
 * Inside a cluster that cluster's are meant.
 */
function sourceOf(corefile: string, flags: DnsServeFlags): { readonly kubeconfig?: string; readonly manifests?: [] } {
  if (flags.manifests !== undefined || flags.kubeconfig !== undefined) return {};
  const servers = readCorefile(corefile);
  const readers = servers.flatMap((server) => [...settingsOf(server, "sluice"), ...settingsOf(server, "kuadrant")]);
  if (readers.length === 0) return { manifests: [] };
  const named = readers.find(({ kubeconfig }) => kubeconfig !== undefined)?.kubeconfig;
  return named === undefined ? {} : { kubeconfig: named.path };
}
