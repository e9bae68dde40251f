import { isIP } from "node:net";
import { Command, InvalidArgumentError, Option } from "commander";
import { describeMessage, renderMessage } from "../dns/describe-message.ts";
import { explainAnswer } from "../dns/explain-answer.ts";
import { compileTable } from "../dns/table.ts";
import { parseUpstream } from "../dns/upstream/address.ts";
import { askServer } from "../dns/upstream/ask-server.ts";
import { typeCode } from "../dns/wire/codes.ts";
import { SluiceError } from "../model/errors.ts";
import { buildTopology, DEFAULT_TOPOLOGY_SETTINGS, type Topology } from "../model/topology.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT } from "./exit-codes.ts";
import { queryCorefile } from "./query-corefile.ts";
import { printProblems, readTopology, repeatable, withGatewayAddress } from "./read-topology.ts";
import { renderCorefileAnswer, renderExplanation } from "./render-query.ts";
import { painter, type Terminal } from "./terminal.ts";

type QueryFlags = {
  readonly manifests?: readonly string[];
  readonly gatewayAddress?: readonly string[];
  readonly clusterDomain: string;
  readonly corefile?: string;
  readonly upstream?: readonly string[];
  readonly port?: number;
  readonly offline?: boolean;
  readonly trace?: boolean;
  readonly client?: string;
  readonly server?: string;
  readonly tcp?: boolean;
  readonly dnssec?: boolean;
  readonly format: "text" | "json";
};

/** `sluice dns query NAME [TYPE]`: what the resolver answers, and why; or what a running server answers. */
export function dnsQueryCommand({ terminal }: CommandContext, onExit: (code: number) => void): Command {
  const command = new Command("query")
    .description("explain one answer from manifests and a Corefile, or ask a running server")
    .argument("<name>", "the name to ask for")
    .argument("[type]", "record type, such as A, AAAA, HTTPS or TYPE65", "A")
    .option("--manifests <path>", "files or folders that the answer comes from; repeatable", repeatable)
    .option("--corefile <file>", "put the question to the server block of this Corefile")
    .option(
      "--upstream <ip[:port]>",
      "put it to the default Corefile with this upstream, {$SLUICE_CLUSTER_DNS} in a Corefile; repeatable",
      repeatable,
    )
    .option("--port <n>", "of a Corefile with several listeners, ask the one on this port", parsePort)
    .option("--offline", "ask no upstream of the Corefile")
    .option("--trace", "show what each directive of the server block does, and how long it takes")
    .option("--server <ip[:port]>", "ask this server instead")
    .option("--client <ip>", "address of the pod that asks; default with a Corefile: 127.0.0.1", parseAddress)
    .option("--tcp", "ask over TCP")
    .option("--dnssec", "ask for signatures (DO)")
    .option("--cluster-domain <domain>", "the cluster's DNS domain", DEFAULT_TOPOLOGY_SETTINGS.clusterDomain)
    .addOption(new Option("--format <name>", "output format").choices(["text", "json"]).default("text"))
    .addHelpText("after", EXAMPLES);
  return withGatewayAddress(command).action(async (name: string, type: string, flags: QueryFlags) => {
    const code = typeCode(type.toUpperCase());
    if (code === undefined) {
      throw new SluiceError("SLUICE_USAGE", `'${type}' is no record type`, "use a name such as A or HTTPS, or TYPE65");
    }
    checkFlags(flags);
    const asked = { name, type: code };
    if (flags.server !== undefined) await askRunning({ ...asked, server: flags.server }, flags, terminal);
    else if (asksCorefile(flags)) onExit(await askCorefile(asked, flags, terminal));
    else onExit(await explainFromFiles(asked, flags, terminal));
  });
}

const EXAMPLES = `
Examples:
  $ sluice dns query api.openai.com --manifests manifests/examples/openai --gateway-address gateway-system/egress=10.96.0.50
  $ sluice dns query example.org --corefile Corefile --manifests manifests/ --trace
  $ sluice dns query example.org --corefile Corefile --client 10.244.1.7 --offline
  $ sluice dns query api.openai.com HTTPS --server 127.0.0.1:5353

With --manifests alone the egress names are looked at and nothing else; nobody is asked. With --corefile or --upstream
the question takes its whole way through the server block in this process, and upstreams are asked unless --offline.
Exit codes: 0 there is an answer, whatever it says; 2 there is none, because the input or the server is at fault.`;

function parseAddress(value: string): string {
  if (isIP(value) === 0) throw new InvalidArgumentError("It must be an IP address.");
  return value;
}

function parsePort(value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  if (port < 1 || port > 65_535) throw new InvalidArgumentError("It must be a port from 1 to 65535.");
  return port;
}

const asksCorefile = ({ corefile, upstream }: QueryFlags): boolean => corefile !== undefined || upstream !== undefined;

/** Flags that would be passed over in silence. */
function checkFlags(flags: QueryFlags): void {
  const { server, port, trace, offline, tcp, dnssec } = flags;
  const given = (names: Readonly<Record<string, unknown>>): readonly string[] =>
    Object.keys(names).filter((name) => names[name] !== undefined);
  if (server !== undefined) {
    const { corefile, upstream, manifests, client } = flags;
    const unfit = given({ corefile, upstream, manifests, client, port, trace, offline });
    if (unfit.length === 0) return;
    throw new SluiceError("SLUICE_USAGE", `--${unfit[0]} has no meaning with --server`, "leave one of them out");
  }
  const unfit = asksCorefile(flags) ? [] : given({ trace, port, offline, tcp, dnssec });
  if (unfit.length === 0) return;
  throw new SluiceError(
    "SLUICE_USAGE",
    `--${unfit[0]} needs a Corefile`,
    "give --corefile FILE, or --upstream IP[:PORT] for the default one",
  );
}

type Asked = { readonly name: string; readonly type: number };

async function askRunning(
  asked: Asked & { readonly server: string },
  { tcp = false, dnssec = false, format }: QueryFlags,
  { stdout }: Terminal,
): Promise<void> {
  const server = parseUpstream(asked.server);
  if (!server.ok) throw new SluiceError("SLUICE_USAGE", server.problems.join("; "), "give --server IP[:PORT]");
  const reply = await askServer({ ...asked, server: server.value, overTcp: tcp, dnssecOk: dnssec });
  const answer = describeMessage(reply);
  if (!answer.ok) {
    throw new SluiceError(
      "SLUICE_DNS_FAILED",
      answer.problems.join("; "),
      `check that a DNS server listens on ${asked.server}`,
    );
  }
  stdout.write(format === "json" ? jsonText(answer.value) : `${renderMessage(answer.value)}\n`);
}

const jsonText = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

/** The manifests as one picture, an empty one without any. */
async function readPicture(
  { clusterDomain, gatewayAddress = [], manifests }: QueryFlags,
  terminal: Terminal,
): Promise<{ readonly topology: Topology; readonly unreadable: boolean }> {
  const settings = { ...DEFAULT_TOPOLOGY_SETTINGS, clusterDomain };
  if (manifests === undefined) return { topology: buildTopology([], settings), unreadable: false };
  const input = await readTopology({ paths: manifests, gatewayAddress, settings }, terminal);
  return { topology: input.topology, unreadable: printProblems(input.manifests, terminal.stderr) };
}

const codeOf = (unreadable: boolean): number => (unreadable ? EXIT.usage : EXIT.clean);

async function askCorefile(asked: Asked, flags: QueryFlags, terminal: Terminal): Promise<number> {
  const { corefile, upstream = [], port, clusterDomain, client = "127.0.0.1", trace = false } = flags;
  const { topology, unreadable } = await readPicture(flags, terminal);
  const answer = await queryCorefile({
    ...asked,
    ...{ corefile, upstream, topology, clusterDomain, client, port },
    tcp: flags.tcp === true,
    dnssec: flags.dnssec === true,
    offline: flags.offline === true,
    warn: (text) => void terminal.stderr.write(`warning: ${text}\n`),
  });
  const { trace: steps, counts, ...rest } = answer;
  terminal.stdout.write(
    flags.format === "json"
      ? jsonText({ ...rest, ...(trace && { trace: steps, counts }) })
      : renderCorefileAnswer(answer, trace, painter(terminal.stdout)),
  );
  return codeOf(unreadable);
}

async function explainFromFiles({ name, type }: Asked, flags: QueryFlags, terminal: Terminal): Promise<number> {
  const { clusterDomain, manifests, client, format } = flags;
  if (manifests === undefined) {
    throw new SluiceError(
      "SLUICE_USAGE",
      "nothing to answer from",
      "give --manifests PATH, --corefile FILE, or --server IP[:PORT]",
    );
  }
  const { topology, unreadable } = await readPicture(flags, terminal);
  const table = compileTable(topology, { clusterDomain });
  const explained = explainAnswer({ table, name, type, ...(client === undefined ? {} : { client }) });
  if (!explained.ok)
    throw new SluiceError("SLUICE_USAGE", explained.problems.join("; "), "write the name as example.org");
  const { value } = explained;
  terminal.stdout.write(format === "json" ? jsonText(value) : renderExplanation(value, painter(terminal.stdout)));
  return codeOf(unreadable);
}
