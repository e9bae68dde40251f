import { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { dnsQueryCommand } from "./dns-query.ts";
import { dnsServeCommand } from "./dns-serve.ts";

/** `sluice dns …`: the resolver alone, and one answer explained. */
export function dnsCommand(context: CommandContext, onExit: (code: number) => void): Command {
  return new Command("dns")
    .description("run the resolver alone, or explain one answer")
    .addCommand(dnsServeCommand(context, onExit))
    .addCommand(dnsQueryCommand(context, onExit));
}
