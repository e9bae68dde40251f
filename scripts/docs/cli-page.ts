import type { Command } from "commander";
import { loadCommands } from "../../src/cli/commands.ts";
import { buildProgram } from "../../src/cli/program.ts";

const nowhere = process.stdout;

function sections(command: Command, prefix: string): readonly string[] {
  const name = `${prefix}${command.name()}`;
  let help = "";
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
    getOutHelpWidth: () => 110,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return [
    `## ${name}`,
    "",
    "```text",
    help.trimEnd(),
    "```",
    "",
    ...command.commands.flatMap((child) => sections(child, `${name} `)),
  ];
}

/** docs/cli.md: what `--help` prints, for every command. */
export async function cliPage(): Promise<string> {
  const program = buildProgram(
    await loadCommands([]),
    {
      terminal: { stdout: nowhere, stderr: process.stderr, stdin: process.stdin },
      workerUrl: new URL("file:///worker"),
    },
    () => undefined,
  );
  return [
    "# Command line",
    "",
    "What `--help` prints for every command. Generated.",
    "",
    ...sections(program, ""),
  ].join("\n");
}
