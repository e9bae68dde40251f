import { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { dnsCheckCommand } from "./dns-check.ts";
import { dnsPrintCorefileCommand } from "./dns-print-corefile.ts";
import { dnsQueryCommand } from "./dns-query.ts";
import { dnsServeCommand } from "./dns-serve.ts";

/** `sluice dns …`: the resolver alone, and one answer explained. */
export function dnsCommand(context: CommandContext, onExit: (code: number) => void): Command {
  return new Command("dns")
    .description("run the resolver alone, explain one answer, check a Corefile")
    .addCommand(dnsServeCommand(context, onExit))
    .addCommand(dnsQueryCommand(context, onExit))
    .addCommand(dnsCheckCommand(context, onExit))
    .addCommand(dnsPrintCorefileCommand(context));
}
