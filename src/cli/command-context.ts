import type { Terminal } from "./terminal.ts";

/** What a command gets from the composition root. */
export type CommandContext = {
  readonly terminal: Terminal;
  /** The file that a worker thread of the resolver runs: the program's own. */
  readonly workerUrl: URL;
};
