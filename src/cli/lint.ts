import { Command, InvalidArgumentError, Option } from "commander";
import type { LintSummary, LocatedFinding } from "../lint/located-finding.ts";
import type { Severity } from "../model/finding.ts";
import type { Definition } from "../schema/definition.ts";
import { readManifests, STDIN_NAME } from "../sources/manifests.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT } from "./exit-codes.ts";
import { checkBase, hideOlder } from "./lint-base.ts";
import { type ClusterFlags, checkClusterFlags, readUnderlay } from "./lint-cluster.ts";
import { DOMAIN } from "./lint-config-shape.ts";
import { definitionsOfFolders } from "./lint-definitions.ts";
import { type FixFlags, fixFindings, isFixing, type Overlay, withFix } from "./lint-fix.ts";
import { assembleInput, type LintInput, nothingToFix, stdinNotRead, type Underlay } from "./lint-input.ts";
import { judge } from "./lint-judge.ts";
import { type OutputFlags, withOutputs, writeOutputs } from "./lint-outputs.ts";
import { hidesObjects, isUnreadable } from "./lint-schemas.ts";
import { type LintSettings, lintSettings, type SettingFlags } from "./lint-settings.ts";
import { lineReader, printProblems, repeatable, withGatewayAddress } from "./read-topology.ts";
import { readStdinText, type Terminal } from "./terminal.ts";

type LintFlags = SettingFlags &
  ClusterFlags &
  OutputFlags &
  FixFlags & {
    readonly diffBase?: string;
    readonly stdinFilename?: string;
    readonly crdDir?: readonly string[];
  };

const EXAMPLES = `
Examples:
  $ sluice lint manifests/
  $ kustomize build overlays/prod | sluice lint - --profile strict
  $ sluice lint manifests/ --rule egress-open-attachment=off --max-warnings 10
  $ sluice lint --diff-base origin/main        # paths of sluice.yaml, findings that are new
  $ sluice lint --cluster --context prod       # what is there
  $ sluice lint change.yaml --cluster          # what would be, if this were applied
  $ sluice lint manifests/ --fix
  $ sluice lint manifests/ --fix-dry-run | git apply
  $ sluice lint manifests/ --crd-dir crds/     # also what the API server would refuse
  $ sluice lint manifests/ --format json | jq '.findings[] | .rule'
  $ sluice lint manifests/ --output sarif=sluice.sarif --output junit=sluice.xml
  $ sluice lint manifests/ - --stdin-filename manifests/limits.yaml --format json < unsaved.yaml

Without a path those of sluice.yaml count, which is looked for here and in the folders above, up to the top of the git
repository. Flags win over the file.

Exit codes: 0 nothing that fails the run, 1 a finding of level error or too many warnings, 2 input or settings that
cannot be used.`;

/** A whole number from -1 on. */
function parseCount(text: string): number {
  if (/^(?:-1|[0-9]{1,9})$/.test(text)) return Number(text);
  throw new InvalidArgumentError("must be a whole number, or -1 for any number");
}

function parseDomain(text: string): string {
  if (DOMAIN.pattern.test(text)) return text;
  throw new InvalidArgumentError(`must be ${DOMAIN.expects}`);
}

const withSettings = (command: Command): Command =>
  command
    .option("--config <file>", "settings file (default: sluice.yaml of this folder or one above it)")
    .option("--no-config", "use no settings file")
    .addOption(new Option("--profile <name>", "how severe to be (default: default)").choices(["default", "strict"]))
    .option("--rule <id=level>", "level of a rule: off, info, warning or error; repeatable", repeatable)
    .option("--max-warnings <n>", "exit with 1 for more warnings than this; -1 for any number", parseCount)
    .option("--fail-on-warning", "exit with 1 for any warning: the same as --max-warnings 0")
    .option("--engine-version <component=version>", "release that the cluster runs; repeatable", repeatable)
    .option("--cluster-domain <domain>", "the cluster's DNS domain (default: cluster.local)", parseDomain);

const withCluster = (command: Command): Command =>
  command
    .option("--cluster", "lint what is in the cluster; files are laid over it, as if they were applied")
    .option("--kubeconfig <file>", "the cluster of this kubeconfig")
    .option("--context <name>", "a context other than the kubeconfig's current one")
    .option("-n, --namespace <name>", "read this namespace of the cluster only; repeatable", repeatable)
    .option("--all", "with files and --cluster: show the findings of the cluster's objects too");

/** `sluice lint [PATH…]`: judges manifests, a cluster, or manifests laid over a cluster. */
export function lintCommand(context: CommandContext, onExit: (code: number) => void): Command {
  const command = new Command("lint")
    .description("find policies that cannot work or would leak, in files, folders, standard input (-) or a cluster")
    .argument("[path...]", "YAML or JSON files, folders, or - for standard input; seen together as one cluster")
    .option("--stdin-filename <file>", "the file that standard input stands for; what is on disk is not read")
    .option("--crd-dir <path>", "check objects against the CustomResourceDefinitions there; repeatable", repeatable)
    .option("--diff-base <ref>", "show only findings that are not there at this commit, branch or tag of git")
    .addHelpText("after", EXAMPLES);
  const complete = withGatewayAddress(withCluster(withSettings(withOutputs(withFix(command)))));
  return complete.action(async (paths: string[], flags: LintFlags) => {
    onExit(await runLint(paths, flags, context));
  });
}

/** What is read once, however often the files are judged. */
type ReadOnce = {
  readonly stdin?: { readonly file: string; readonly text: string };
  readonly underlay?: Underlay;
  readonly definitions: readonly Definition[];
};

/** Standard input, the cluster, and definitions. Throws SLUICE_USAGE for a name of standard input that is not read. */
async function readOnce({ paths, crdDirs }: LintSettings, flags: LintFlags, terminal: Terminal): Promise<ReadOnce> {
  const { stdinFilename: file } = flags;
  const text = paths.includes("-") ? await readStdinText(terminal.stdin, true) : undefined;
  if (file !== undefined && text === undefined) throw stdinNotRead(file);
  const underlay = flags.cluster === true ? await readUnderlay(flags, terminal.stderr) : undefined;
  return {
    definitions: await definitionsOfFolders(crdDirs),
    ...(text === undefined ? {} : { stdin: { file: file ?? STDIN_NAME, text } }),
    ...(underlay === undefined ? {} : { underlay }),
  };
}

/** Everything before the output: read, judge, take out what was there before. */
async function findAll(settings: LintSettings, flags: LintFlags, once: ReadOnce, overlay?: Overlay) {
  const manifests = await readFiles(settings, flags, once, overlay);
  const over = once.underlay === undefined ? {} : { underlay: once.underlay };
  const input = assembleInput({ ...manifests, definitions: once.definitions, ...over }, settings);
  const today = new Date().toISOString().slice(0, 10);
  const judged = judge(input, settings, today);
  if (flags.diffBase === undefined) return { input, judged, findings: judged.kept, notes: [] };
  const base = await hideOlder(judged.kept, { ref: flags.diffBase, input, settings, today, ...over });
  return { input, judged, findings: base.fresh, older: base.older, notes: base.notes };
}

/** The files and standard input of a run, some with other texts than they hold. */
async function readFiles(
  { paths, passOver }: LintSettings,
  { stdinFilename }: LintFlags,
  { stdin }: ReadOnce,
  overlay: Overlay | undefined,
) {
  const given = stdin === undefined ? {} : { stdin: overlay?.texts.get(stdin.file) ?? stdin.text };
  const named = stdinFilename === undefined ? {} : { stdinFile: stdinFilename };
  const read = overlay === undefined ? {} : { read: overlay.read };
  const manifests = await readManifests({ paths, passOver, ...given, ...named, ...read });
  const lineOf = lineReader(stdin?.text.replace(/^\ufeff/, ""), stdinFilename);
  return { manifests, lineOf: overlay?.lineOf(lineOf) ?? lineOf };
}

/** Mends what can be mended of what is shown, and finds what is left. */
async function fix(settings: LintSettings, flags: LintFlags, once: ReadOnce, terminal: Terminal) {
  if (settings.paths.length === 0) throw nothingToFix();
  const find = async (overlay: Overlay) => {
    const found = await findAll(settings, flags, once, overlay);
    const chosen = found.findings.filter(({ finding }) => flags.quiet !== true || finding.severity === "error");
    return { ...found, all: found.judged.kept, chosen };
  };
  const { stdin } = once;
  const fixed = await fixFindings({ find, terminal, ...(stdin === undefined ? {} : { stdin }) }, flags);
  const output = fixed.stdoutIsTaken ? terminal.stderr : terminal.stdout;
  const summaryTo = flags.format === "text" ? output : terminal.stderr;
  if (flags.quiet !== true) summaryTo.write(`${fixed.summary}\n`);
  return { found: fixed.found, output };
}

async function runLint(paths: readonly string[], flags: LintFlags, { terminal }: CommandContext): Promise<number> {
  checkClusterFlags(flags);
  const needsPaths = flags.cluster !== true;
  const settings = await lintSettings(paths, flags, { workingFolder: process.cwd(), needsPaths });
  checkBase(flags.diffBase, settings.paths);
  const once = await readOnce(settings, flags, terminal);
  const { found, output } = isFixing(flags)
    ? await fix(settings, flags, once, terminal)
    : { found: await findAll(settings, flags, once), output: terminal.stdout };
  const { input, judged, findings, older, notes } = found;
  const { manifests, definitions } = input;
  const problems = manifests.problems.filter(isUnreadable);
  printProblems({ ...manifests, problems }, terminal.stderr);
  for (const note of notes) terminal.stderr.write(`warning: ${note}\n`);
  const summary = summarize(findings, input, { ignored: judged.ignored, older });
  const exitCode = manifests.problems.some(hidesObjects) ? EXIT.usage : exitCodeOf(summary, settings);
  const objects = manifests.decoded.map(({ ref, file }) => ({ ref, file }));
  const report = { findings, summary, problems, objects, exitCode };
  writeOutputs(report, flags, {
    input,
    notes: [...notesOn(findings, input), ...definitions.checker.notes()],
    stdout: output,
  });
  return exitCode;
}

const exitCodeOf = ({ errors, warnings }: LintSummary, { maxWarnings }: LintSettings): number =>
  errors > 0 || (maxWarnings >= 0 && warnings > maxWarnings) ? EXIT.findings : EXIT.clean;

function summarize(
  findings: readonly LocatedFinding[],
  { topology, manifests, isShown, underlay }: LintInput,
  { ignored, older }: { readonly ignored: number; readonly older: number | undefined },
): LintSummary {
  const count = (severity: Severity): number => findings.filter(({ finding }) => finding.severity === severity).length;
  return {
    errors: count("error"),
    warnings: count("warning"),
    objects: topology.decoded.filter(({ ref }) => isShown(ref)).length,
    files: manifests.files.length,
    ...(underlay === undefined ? {} : { cluster: true }),
    ...(ignored === 0 ? {} : { ignored }),
    ...(older === undefined ? {} : { older }),
  };
}

/** What a reader of findings should know of the run. */
function notesOn(findings: readonly LocatedFinding[], { topology, underlay }: LintInput): readonly string[] {
  if (underlay !== undefined) {
    const { namespaces } = underlay;
    return namespaces.length === 0 ? [] : [`what is outside of namespace ${namespaces.join(", ")} counts as absent`];
  }
  const used = new Set(topology.decoded.map(({ ref }) => ref.namespace).filter((name) => name !== ""));
  const absent = [...used].filter((name) => topology.objects.get("Namespace", "", name) === undefined).sort();
  if (absent.length === 0 || findings.length === 0) return [];
  return [`not in the input, taken as opted in: namespace ${absent.join(", ")}`];
}
