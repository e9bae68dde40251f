import { Command, Option } from "commander";
import { loadConfig } from "../config/load.ts";
import type { CommandContext } from "./command-context.ts";
import { repeatable, withGatewayAddress } from "./read-topology.ts";

type DnsServeFlags = {
  readonly manifests?: readonly string[];
  readonly kubeconfig?: string;
  readonly listen: string;
  readonly upstream?: readonly string[];
  readonly gatewayAddress?: readonly string[];
  readonly workers?: string;
  readonly clusterDomain?: string;
  readonly snapshot?: string;
  readonly logLevel?: string;
};

/** `sluice dns serve`: the resolver without webhooks, pages or certificates. */
export function dnsServeCommand(context: CommandContext, onExit: (code: number) => void): Command {
  const command = new Command("serve")
    .description("run the resolver alone")
    .option("--manifests <path>", "read objects from a file or folder and follow its changes; repeatable", repeatable)
    .option("--kubeconfig <file>", "use the cluster of this kubeconfig")
    .option("--listen <host:port>", "address of the resolver", "127.0.0.1:5353")
    .option(
      "--upstream <ip[:port]>",
      "where names that are not egress are asked; repeatable; default: resolv.conf",
      repeatable,
    )
    .option("--workers <n>", "worker threads; default: one per core, at most 4")
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
    .addHelpText(
      "after",
      `
Examples:
  $ sluice dns serve --manifests manifests/examples/openai --gateway-address gateway-system/egress=10.96.0.50 --listen 127.0.0.1:5353
  $ dig @127.0.0.1 -p 5353 api.openai.com`,
    );
  return withGatewayAddress(command).action(async (flags: DnsServeFlags) => {
    const { listen, workers, ...same } = flags;
    const config = loadConfig({
      ...same,
      dnsListen: listen,
      ...(workers === undefined ? {} : { dnsWorkers: workers }),
      roles: "dns",
    });
    const { runDnsServe } = await import("./run-serve.ts");
    onExit(await runDnsServe(config, context));
  });
}
