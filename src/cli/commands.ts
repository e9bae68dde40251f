import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";

/** Makes a command with its flags and help. Its action gives the exit code through `onExit`. */
export type MakeCommand = (context: CommandContext, onExit: (code: number) => void) => Command;

/** Loads a command; `args` stand behind its name on the command line. */
type LoadCommand = (args: readonly string[]) => Promise<MakeCommand>;

/** Commands by name, in the order in which the help lists them. */
type Commands = ReadonlyMap<string, LoadCommand>;

const DNS_COMMANDS: Commands = new Map<string, LoadCommand>([
  ["serve", async () => (await import("./dns-serve.ts")).dnsServeCommand],
  ["query", async () => (await import("./dns-query.ts")).dnsQueryCommand],
  ["bench", async () => (await import("./dns-bench.ts")).dnsBenchCommand],
  ["check", async () => (await import("./dns-check.ts")).dnsCheckCommand],
  ["print-corefile", async () => (await import("./dns-print-corefile.ts")).dnsPrintCorefileCommand],
]);

const COMMANDS: Commands = new Map<string, LoadCommand>([
  ["serve", async () => (await import("./serve.ts")).serveCommand],
  ["lint", async () => (await import("./lint.ts")).lintCommand],
  ["inject", async () => (await import("./inject.ts")).injectCommand],
  ["dns", async (args) => (await import("./dns.ts")).dnsCommand(await loadFrom(DNS_COMMANDS, args))],
  ["rules", async () => (await import("./rules.ts")).rulesCommand],
]);

/**
 * The commands that a command line can mean: the one that it starts with, else all of them, for the help and for
 * suggestions. A server that runs for months does not hold the code of commands that it is not.
 */
export const loadCommands = (args: readonly string[]): Promise<readonly MakeCommand[]> => loadFrom(COMMANDS, args);

async function loadFrom(commands: Commands, [name = "", ...rest]: readonly string[]): Promise<readonly MakeCommand[]> {
  const named = commands.get(name);
  return await Promise.all(named === undefined ? [...commands.values()].map((load) => load([])) : [named(rest)]);
}
