import { Command, Option } from "commander";
import type { LintSummary, LocatedFinding } from "../lint/located-finding.ts";
import { renderJson } from "../lint/render-json.ts";
import { renderSummary, renderText } from "../lint/render-text.ts";
import { rules } from "../lint/rules/index.ts";
import { lintTopology, type Profile } from "../lint/run.ts";
import type { Finding } from "../model/finding.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT } from "./exit-codes.ts";
import { printProblems, readTopology, type TopologyFromFiles, withGatewayAddress } from "./read-topology.ts";
import { painter, type Terminal } from "./terminal.ts";

type LintFlags = {
  readonly profile: Profile;
  readonly format: "text" | "json";
  readonly quiet?: boolean;
  readonly gatewayAddress?: readonly string[];
};

/** `sluice lint PATH…`: judges manifests as one cluster. */
export function lintCommand({ terminal }: CommandContext, onExit: (code: number) => void): Command {
  const command = new Command("lint")
    .description("find policies that cannot work or would leak, in files, folders or standard input (-)")
    .argument("<path...>", "YAML or JSON files, folders, or - for standard input; seen together as one cluster")
    .addOption(new Option("--profile <name>", "how severe to be").choices(["default", "strict"]).default("default"))
    .addOption(new Option("--format <name>", "output format").choices(["text", "json"]).default("text"))
    .option("-q, --quiet", "show findings of level error only, no summary")
    .addHelpText(
      "after",
      `
Examples:
  $ sluice lint manifests/
  $ kustomize build overlays/prod | sluice lint - --profile strict
  $ sluice lint manifests/ --format json | jq '.findings[] | .rule'

Exit codes: 0 no finding of level error, 1 at least one, 2 input that cannot be read.`,
    );
  return withGatewayAddress(command).action(async (paths: string[], flags: LintFlags) => {
    onExit(await runLint(paths, flags, terminal));
  });
}

async function runLint(paths: readonly string[], flags: LintFlags, terminal: Terminal): Promise<number> {
  const input = await readTopology({ paths, gatewayAddress: flags.gatewayAddress ?? [] }, terminal);
  const unreadable = printProblems(input.manifests, terminal.stderr);
  const findings = lintTopology(input.topology, { rules, profile: flags.profile });
  const shown = flags.quiet === true ? findings.filter(({ severity }) => severity === "error") : findings;
  const located = shown.map((finding) => locateFinding(finding, input));
  const summary = summarize(findings, input);
  if (flags.format === "json") terminal.stdout.write(renderJson(located, summary));
  else printText(located, summary, { flags, input, terminal });
  if (unreadable) return EXIT.usage;
  return summary.errors > 0 ? EXIT.findings : EXIT.clean;
}

type TextContext = { readonly flags: LintFlags; readonly input: TopologyFromFiles; readonly terminal: Terminal };

function printText(
  located: readonly LocatedFinding[],
  summary: LintSummary,
  { flags, input, terminal }: TextContext,
): void {
  const paint = painter(terminal.stdout);
  if (located.length > 0) terminal.stdout.write(`${renderText(located, { paint, lineOf: input.lineOf })}\n`);
  if (flags.quiet === true) return;
  const absent = absentNamespaces(input);
  if (absent.length > 0 && located.length > 0) {
    terminal.stdout.write(
      `${paint("faint", `note: not in the input, taken as opted in: namespace ${absent.join(", ")}`)}\n`,
    );
  }
  terminal.stdout.write(`${renderSummary(summary)}\n`);
}

function locateFinding(finding: Finding, { locate }: TopologyFromFiles): LocatedFinding {
  const place = locate(finding.object)?.(finding.path, finding.at ?? finding.range ?? "value");
  const related = (finding.related ?? []).map(({ object, path }) => locate(object)?.(path));
  return { finding, related, ...(place === undefined ? {} : { place }) };
}

const summarize = (findings: readonly Finding[], { manifests }: TopologyFromFiles): LintSummary => ({
  errors: findings.filter(({ severity }) => severity === "error").length,
  warnings: findings.filter(({ severity }) => severity === "warning").length,
  objects: manifests.decoded.length,
  files: manifests.files.length,
});

/** Namespaces that objects live in and whose own object, with its labels, is not in the input. */
function absentNamespaces({ topology }: TopologyFromFiles): readonly string[] {
  const used = new Set(topology.decoded.map(({ ref }) => ref.namespace).filter((name) => name !== ""));
  return [...used].filter((name) => topology.objects.get("Namespace", "", name) === undefined).sort();
}
