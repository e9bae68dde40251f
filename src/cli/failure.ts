import { SluiceError } from "../model/errors.ts";
import { EXIT } from "./exit-codes.ts";

/** Prints why a command could not do its work. */
export function renderFailure(error: unknown, stderr: NodeJS.WritableStream): number {
  if (error instanceof SluiceError) {
    const lines = error.message.split("\n");
    stderr.write(`${lines.map((line) => `error ${error.code}: ${line}`).join("\n")}\n  hint: ${error.hint}\n`);
    return EXIT.usage;
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const place = error instanceof Error ? (/\n\s+at (.*)/.exec(error.stack ?? "")?.[1] ?? "") : "";
  stderr.write(
    `error: this is a defect of sluice, not of your input: ${message}${place === "" ? "" : ` (${place})`}\n`,
  );
  stderr.write("  hint: please report it with the command line and the input that caused it\n");
  return EXIT.bug;
}
