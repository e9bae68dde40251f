import { Command, CommanderError } from "commander";
import { VERSION } from "../model/version.ts";
import type { CommandContext } from "./command-context.ts";
import { loadCommands, type MakeCommand } from "./commands.ts";
import { EXIT } from "./exit-codes.ts";
import { renderFailure } from "./failure.ts";

/** The program with some of its commands (`loadCommands`). A command's action gives the exit code through `onExit`. */
export function buildProgram(
  commands: readonly MakeCommand[],
  context: CommandContext,
  onExit: (code: number) => void,
): Command {
  const { stdout, stderr } = context.terminal;
  const program = new Command("sluice")
    .description(
      "Steer a namespace's outbound traffic through an egress gateway, and stop policies that would let it leak.",
    )
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .configureHelp({ sortSubcommands: false })
    .exitOverride()
    .addHelpText(
      "after",
      `
Examples:
  $ sluice serve --manifests manifests/examples/openai --gateway-address gateway-system/egress=10.96.0.50
  $ sluice lint manifests/
  $ sluice inject -f pod.yaml --namespace ai-workloads --nameserver 10.96.0.53 --format report
  $ sluice dns query api.openai.com --manifests manifests/examples/openai
  $ sluice rules rlp-source-address-counter

Exit codes: 0 clean, 1 findings of level error, 2 wrong usage or unreadable input, 3 a defect of Sluice.`,
    );
  for (const make of commands) program.addCommand(make(context, onExit).copyInheritedSettings(program));
  for (const command of program.commands) inheritSettings(command, program);
  return program;
}

function inheritSettings(command: Command, program: Command): void {
  command.helpOption("-h, --help", "print this help").helpCommand(false);
  for (const child of command.commands) inheritSettings(child.copyInheritedSettings(program), program);
}

/** Runs one command line and gives its exit code. Never throws, prints no stack trace. */
export async function runCommand(args: readonly string[], context: CommandContext): Promise<number> {
  let exitCode: number = EXIT.clean;
  const program = buildProgram(await loadCommands(args), context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.clean : EXIT.usage;
    return renderFailure(error, context.terminal.stderr);
  }
}
