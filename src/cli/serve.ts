import { Command, Option } from "commander";
import { loadConfig } from "../config/load.ts";
import { environmentName, SETTINGS, type Setting } from "../config/schema.ts";
import type { CommandContext } from "./command-context.ts";
import { repeatable } from "./read-topology.ts";

/** `sluice serve`: the resolver and the webhooks, until SIGTERM or SIGINT. */
export function serveCommand(context: CommandContext, onExit: (code: number) => void): Command {
  const command = new Command("serve")
    .description("run the resolver and the webhooks, from files or against a cluster")
    .addHelpText(
      "after",
      `
Examples:
  $ sluice serve --manifests manifests/examples/openai --gateway-address gateway-system/egress=10.96.0.50
  $ sluice serve --manifests manifests/examples/openai --upstream 10.0.0.2 --roles dns
  $ sluice serve --kubeconfig ~/.kube/config

In a pod without --manifests and --kubeconfig, the pod's own cluster is used. SIGTERM ends without losing a request.`,
    );
  for (const [name, setting] of Object.entries(SETTINGS)) command.addOption(optionOf(name, setting));
  return command.action(async () => {
    const config = loadConfig(flagsOf(command));
    // Loaded when needed: the Kubernetes client alone takes half a second, which no other command should wait for.
    const { runServe } = await import("./run-serve.ts");
    onExit(await runServe(config, context));
  });
}

function optionOf(name: string, setting: Setting): Option {
  const option = new Option(
    `--${setting.flag} <${setting.value}>`,
    `${setting.description} [env: ${environmentName(setting)}]`,
  );
  option.attributeName = () => name;
  if (setting.type === "list") option.argParser(repeatable);
  // The default is documented here and applied by loadConfig, so that the environment can come in between.
  if (setting.default !== undefined) option.description += ` (default: ${String(setting.default)})`;
  return option;
}

const flagsOf = (command: Command): Readonly<Record<string, string | readonly string[] | undefined>> => command.opts();
