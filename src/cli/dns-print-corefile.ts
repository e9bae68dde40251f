import { Command } from "commander";
import { DEFAULT_COREFILE } from "../dns/directives/default-corefile.ts";
import type { CommandContext } from "./command-context.ts";

/** `sluice dns print-corefile`: the Corefile that is used when none is given. */
export function dnsPrintCorefileCommand({ terminal }: CommandContext): Command {
  return new Command("print-corefile")
    .description("print the Corefile that is used when none is given")
    .addHelpText(
      "after",
      `
Examples:
  $ sluice dns print-corefile
  $ sluice dns print-corefile > Corefile && sluice dns check Corefile`,
    )
    .action(() => {
      terminal.stdout.write(DEFAULT_COREFILE);
    });
}
