import { isIP } from "node:net";
import { Command, InvalidArgumentError, Option } from "commander";
import fjp from "fast-json-patch";
import { stringify } from "yaml";
import { fixedResolver } from "../inject/facts.ts";
import { type InjectionPreview, type PreviewContext, previewInjection } from "../inject/preview.ts";
import { buildProfile } from "../inject/profile.ts";
import { renderReport } from "../inject/report.ts";
import { SluiceError } from "../model/errors.ts";
import { STDIN_NAME } from "../sources/manifests.ts";
import { readTextFile } from "../sources/read-file.ts";
import { formatProblem } from "../sources/source-problem.ts";
import { parseYaml } from "../sources/yaml/parse-yaml.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT } from "./exit-codes.ts";
import { repeatable } from "./read-topology.ts";
import { readStdinText, type Terminal } from "./terminal.ts";

type InjectFlags = {
  readonly filename: string;
  readonly namespace: string;
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly nameserver: readonly string[];
  readonly clusterDomain: string;
  readonly extraSearch?: readonly string[];
  readonly format: "yaml" | "patch" | "report";
};

/** `sluice inject -f FILE`: what the mutating webhook would do to each pod, without a cluster. */
export function injectCommand({ terminal }: CommandContext, onExit: (code: number) => void): Command {
  return new Command("inject")
    .description("show what the mutating webhook does to pods, or would do to the pods of workloads")
    .requiredOption("-f, --filename <file>", "YAML or JSON file, or - for standard input")
    .requiredOption("-n, --namespace <name>", "namespace that the pods are created in")
    .option("--namespace-labels <k=v,...>", "labels of that namespace", parseLabels, { "sluice.dev/egress": "enabled" })
    .requiredOption("--nameserver <ip>", "address of Sluice's resolver; repeatable, at most three", parseNameserver)
    .option("--cluster-domain <domain>", "the cluster's DNS domain", "cluster.local")
    .option("--extra-search <domain>", "search domain after the cluster's own; repeatable", repeatable)
    .addOption(
      new Option("--format <name>", "yaml: the objects; patch: one JSON array a document; report: why")
        .choices(["yaml", "patch", "report"])
        .default("yaml"),
    )
    .addHelpText(
      "after",
      `
Examples:
  $ sluice inject -f pod.yaml --namespace ai-workloads --nameserver 10.96.0.53
  $ sluice inject -f deployment.yaml --namespace ai-workloads --nameserver 10.96.0.53 --format report
  $ sluice inject -f - --namespace team-a --namespace-labels sluice.dev/egress=strict --nameserver 10.96.0.53 --format patch < pod.yaml

Templates of workloads are previewed: the webhook changes pods only. Exit code 1 when a pod would be denied.`,
    )
    .action(async (flags: InjectFlags) => onExit(await runInject(flags, terminal)));
}

function parseLabels(value: string): Readonly<Record<string, string>> {
  const pairs = value.split(",").filter((pair) => pair !== "");
  const labels: Record<string, string> = Object.create(null);
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    if (equals <= 0) throw new InvalidArgumentError(`'${pair}' is not KEY=VALUE.`);
    labels[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return labels;
}

/** A pod may name three nameservers at most (core validation). */
const MAX_NAMESERVERS = 3;

function parseNameserver(value: string, previous: readonly string[] = []): readonly string[] {
  if (isIP(value) === 0) throw new InvalidArgumentError("It must be an IP address.");
  if (previous.length >= MAX_NAMESERVERS) throw new InvalidArgumentError("A pod may have at most three.");
  return [...previous, value];
}

async function runInject(flags: InjectFlags, terminal: Terminal): Promise<number> {
  const { text, file } = await readInput(flags.filename, terminal.stdin);
  const { documents, problems } = parseYaml({ text, file });
  for (const problem of problems) terminal.stderr.write(`${formatProblem(problem)}\n`);
  if (problems.some(({ severity }) => severity === "error")) return EXIT.usage;
  if (documents.length === 0) {
    throw new SluiceError(
      "SLUICE_INPUT_INVALID",
      `${file} holds no object`,
      "give a Pod or a workload such as a Deployment",
    );
  }
  const context = contextOf(flags);
  let denied = false;
  documents.forEach(({ raw }, index) => {
    const preview = previewInjection(raw, context);
    denied ||= preview?.decision.action === "deny";
    terminal.stdout.write(render(raw, preview, { flags, context, first: index === 0 }));
  });
  return denied ? EXIT.findings : EXIT.clean;
}

const contextOf = (flags: InjectFlags): PreviewContext => ({
  namespace: { name: flags.namespace, labels: flags.namespaceLabels },
  cluster: {
    resolver: fixedResolver(flags.nameserver),
    gatewaySelectors: [],
    egressNames: { exact: new Set(), suffixes: [] },
  },
  profile: buildProfile({ clusterDomain: flags.clusterDomain, extraSearches: flags.extraSearch ?? [] }),
  knownPreviousAddresses: [],
});

type RenderContext = { readonly flags: InjectFlags; readonly context: PreviewContext; readonly first: boolean };

function render(raw: unknown, preview: InjectionPreview | undefined, { flags, context, first }: RenderContext): string {
  switch (flags.format) {
    case "patch":
      return `${JSON.stringify(preview?.patch ?? [])}\n`;
    case "report":
      return preview === undefined ? `${kindOf(raw)}: makes no pods\n` : renderReport(preview, context.namespace);
    case "yaml":
      return `${first ? "" : "---\n"}${stringify(injected(raw, preview))}`;
    default:
      return flags.format satisfies never;
  }
}

const kindOf = (raw: unknown): string => {
  const kind = (raw as { readonly kind?: unknown } | null)?.kind;
  return typeof kind === "string" ? kind : "document";
};

/** The pod as it would be stored; a workload stays as it is, because only its pods are changed. */
function injected(raw: unknown, preview: InjectionPreview | undefined): unknown {
  if (preview === undefined || preview.source.from !== "pod" || preview.patch.length === 0) return raw;
  return fjp.applyPatch(raw, structuredClone([...preview.patch]), true, false).newDocument;
}

async function readInput(filename: string, stdin: NodeJS.ReadableStream): Promise<{ text: string; file: string }> {
  if (filename !== "-") {
    const read = await readTextFile(filename);
    if ("problem" in read) {
      throw new SluiceError("SLUICE_INPUT_UNREADABLE", `${filename} ${read.problem.message}`, read.problem.hint);
    }
    return { text: read.text, file: filename };
  }
  return { text: await readStdinText(stdin), file: STDIN_NAME };
}
