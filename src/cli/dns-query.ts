import { isIP } from "node:net";
import { Command, InvalidArgumentError, Option } from "commander";
import { describeMessage, renderMessage } from "../dns/describe-message.ts";
import { type AnswerExplanation, explainAnswer } from "../dns/explain-answer.ts";
import { compileTable } from "../dns/table.ts";
import { parseUpstream } from "../dns/upstream/address.ts";
import { askServer } from "../dns/upstream/ask-server.ts";
import { typeCode } from "../dns/wire/codes.ts";
import { SluiceError } from "../model/errors.ts";
import { formatRef } from "../model/object-ref.ts";
import { DEFAULT_TOPOLOGY_SETTINGS } from "../model/topology.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT } from "./exit-codes.ts";
import { printProblems, readTopology, repeatable, withGatewayAddress } from "./read-topology.ts";
import type { Terminal } from "./terminal.ts";

type QueryFlags = {
  readonly manifests?: readonly string[];
  readonly gatewayAddress?: readonly string[];
  readonly clusterDomain: string;
  readonly client?: string;
  readonly server?: string;
  readonly format: "text" | "json";
};

/** `sluice dns query NAME [TYPE]`: what the resolver answers, and why; or what a running server answers. */
export function dnsQueryCommand({ terminal }: CommandContext, onExit: (code: number) => void): Command {
  const command = new Command("query")
    .description("explain one answer from manifests, or ask a running server")
    .argument("<name>", "the name to ask for")
    .argument("[type]", "record type, such as A, AAAA, HTTPS or TYPE65", "A")
    .option("--manifests <path>", "files or folders that the answer comes from; repeatable", repeatable)
    .option("--server <ip[:port]>", "ask this server instead")
    .option("--client <ip>", "address of the pod that asks", parseAddress)
    .option("--cluster-domain <domain>", "the cluster's DNS domain", DEFAULT_TOPOLOGY_SETTINGS.clusterDomain)
    .addOption(new Option("--format <name>", "output format").choices(["text", "json"]).default("text"))
    .addHelpText(
      "after",
      `
Examples:
  $ sluice dns query api.openai.com --manifests manifests/examples/openai --gateway-address gateway-system/egress=10.96.0.50
  $ sluice dns query api.openai.com HTTPS --server 127.0.0.1:5353`,
    );
  return withGatewayAddress(command).action(async (name: string, type: string, flags: QueryFlags) => {
    const code = typeCode(type.toUpperCase());
    if (code === undefined) {
      throw new SluiceError("SLUICE_USAGE", `'${type}' is no record type`, "use a name such as A or HTTPS, or TYPE65");
    }
    if (flags.server !== undefined) await askRunning({ name, type: code, server: flags.server }, flags, terminal);
    else onExit(await explainFromFiles({ name, type: code }, flags, terminal));
  });
}

function parseAddress(value: string): string {
  if (isIP(value) === 0) throw new InvalidArgumentError("It must be an IP address.");
  return value;
}

type Asked = { readonly name: string; readonly type: number };

async function askRunning(
  asked: Asked & { readonly server: string },
  flags: QueryFlags,
  terminal: Terminal,
): Promise<void> {
  const server = parseUpstream(asked.server);
  if (!server.ok) throw new SluiceError("SLUICE_USAGE", server.problems.join("; "), "give --server IP[:PORT]");
  const answer = describeMessage(await askServer({ ...asked, server: server.value }));
  if (!answer.ok) {
    throw new SluiceError(
      "SLUICE_DNS_FAILED",
      answer.problems.join("; "),
      `check that a DNS server listens on ${asked.server}`,
    );
  }
  terminal.stdout.write(
    flags.format === "json" ? `${JSON.stringify(answer.value, null, 2)}\n` : `${renderMessage(answer.value)}\n`,
  );
}

async function explainFromFiles({ name, type }: Asked, flags: QueryFlags, terminal: Terminal): Promise<number> {
  if (flags.manifests === undefined) {
    throw new SluiceError("SLUICE_USAGE", "nothing to answer from", "give --manifests PATH, or --server IP[:PORT]");
  }
  const { clusterDomain, gatewayAddress = [], manifests, client } = flags;
  const settings = { ...DEFAULT_TOPOLOGY_SETTINGS, clusterDomain };
  const input = await readTopology({ paths: manifests, gatewayAddress, settings }, terminal);
  const unreadable = printProblems(input.manifests, terminal.stderr);
  const table = compileTable(input.topology, { clusterDomain });
  const explained = explainAnswer({ table, name, type, ...(client === undefined ? {} : { client }) });
  if (!explained.ok)
    throw new SluiceError("SLUICE_USAGE", explained.problems.join("; "), "write the name as example.org");
  const { value } = explained;
  terminal.stdout.write(flags.format === "json" ? `${JSON.stringify(value, null, 2)}\n` : renderExplanation(value));
  return unreadable ? EXIT.usage : EXIT.clean;
}

function renderExplanation({
  name,
  type,
  action,
  reason,
  message,
  gateway,
  listener,
  steps,
}: AnswerExplanation): string {
  return [
    `${name} ${type}: ${action} (${reason})`,
    ...(message === undefined ? [] : [renderMessage(message)]),
    ...(gateway === undefined ? [] : [`gateway: ${formatRef(gateway)}, listener ${listener}`]),
    "why:",
    ...steps.map((step) => `  - ${step}`),
    "",
  ].join("\n");
}
