import { Command } from "commander";
import type { MakeCommand } from "./commands.ts";

/** `sluice dns …`: the resolver alone, one answer explained, a server under load. */
export const dnsCommand =
  (commands: readonly MakeCommand[]): MakeCommand =>
  (context, onExit) => {
    const command = new Command("dns").description(
      "run the resolver alone, explain one answer, measure a server, check a Corefile",
    );
    for (const make of commands) command.addCommand(make(context, onExit));
    return command;
  };
