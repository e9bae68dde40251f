import { Command, InvalidArgumentError, Option } from "commander";
import type { CorefileFiles } from "../dns/corefile/corefile-files.ts";
import { type Diagnostic, formatDiagnostic } from "../dns/corefile/diagnostic.ts";
import { createDiskFiles } from "../dns/corefile/disk-files.ts";
import { lintCorefile } from "../dns/corefile/lint.ts";
import { type Compatibility, loadCorefile } from "../dns/directives/load-corefile.ts";
import { SluiceError } from "../model/errors.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT } from "./exit-codes.ts";
import { readStdinText, type Terminal } from "./terminal.ts";

type Variables = Readonly<Record<string, string>>;
type CheckFlags = { readonly compat: Compatibility; readonly env: Variables };

/** What the resolver fills in itself when it starts; any value will do for a check. */
const FILLED_IN: Variables = { SLUICE_DNS_PORT: "53", SLUICE_CLUSTER_DNS: "10.96.0.10" };

/** Standard input as a file name, and how errors call it. */
const STDIN = "-";
const STDIN_NAME = "<stdin>";

/** `sluice dns check FILE…`: would these Corefiles start, and do what they seem to mean? */
export function dnsCheckCommand({ terminal }: CommandContext, onExit: (code: number) => void): Command {
  return new Command("check")
    .description("check Corefiles without starting anything")
    .argument("<file...>", "Corefiles, or - for standard input; each is checked alone")
    .addOption(
      new Option("--compat <mode>", "what a directive that is not supported is: an error, or a warning")
        .choices(["strict", "warn"])
        .default("strict"),
    )
    .addOption(
      new Option("--env <name=value>", "value of an environment variable that the Corefile uses; repeatable")
        .argParser(addVariable)
        .default(FILLED_IN, "SLUICE_DNS_PORT=53 SLUICE_CLUSTER_DNS=10.96.0.10"),
    )
    .addHelpText(
      "after",
      `
Examples:
  $ sluice dns check Corefile
  $ sluice dns check Corefile --env UPSTREAM=10.96.0.10
  $ kubectl -n kube-system get configmap coredns -o jsonpath='{.data.Corefile}' | sluice dns check - --compat warn

A Corefile with 'kuadrant' is always checked with --compat warn. The environment of this command is not looked at.
Exit codes: 0 no error, 1 at least one, 2 a file that cannot be read.`,
    )
    .action(async (files: string[], flags: CheckFlags) => {
      onExit(await runCheck(files, flags, terminal));
    });
}

function addVariable(text: string, previous: Variables): Variables {
  const [, name, value = ""] = /^([^=\s]{1,256})=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("It must have the form NAME=VALUE.");
  return { ...previous, [name]: value };
}

async function runCheck(files: readonly string[], flags: CheckFlags, terminal: Terminal): Promise<number> {
  const disk = createDiskFiles();
  let failed = false;
  for (const file of files) {
    const text = file === STDIN ? await readStdinText(terminal.stdin) : readCorefile(file, disk);
    const diagnostics = checkText({ file: file === STDIN ? STDIN_NAME : file, text }, flags, disk);
    for (const diagnostic of diagnostics) terminal.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
    failed ||= diagnostics.some(({ severity }) => severity === "error");
  }
  return failed ? EXIT.findings : EXIT.clean;
}

function readCorefile(file: string, disk: CorefileFiles): string {
  const read = disk.read(file);
  if (read.ok) return read.value;
  throw new SluiceError("SLUICE_INPUT_UNREADABLE", `${file}: ${read.problems.join("; ")}`, "check the path");
}

/** What keeps the Corefile from starting; and what it would do wrong if it can be read as a whole. */
function checkText(
  { file, text }: { readonly file: string; readonly text: string },
  { compat, env }: CheckFlags,
  disk: CorefileFiles,
): readonly Diagnostic[] {
  const loaded = loadCorefile({ file, text, environment: env, files: disk, compatibility: compat });
  return loaded.servers === undefined ? loaded.diagnostics : [...loaded.diagnostics, ...lintCorefile(loaded.corefile)];
}
