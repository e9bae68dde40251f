import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { FormatOptions, LintReport } from "../lint/formats/format.ts";
import { FORMAT_NAMES, FORMATS, type FormatName, isFormatName } from "../lint/formats/registry.ts";
import { credentialPlaces, hiddenLines } from "../lint/hidden-lines.ts";
import type { Paint } from "../lint/render-text.ts";
import { rules } from "../lint/rules/index.ts";
import { SluiceError } from "../model/errors.ts";
import { VERSION } from "../model/version.ts";
import type { LintInput } from "./lint-input.ts";
import { reportedFile } from "./reported-file.ts";
import { painter } from "./terminal.ts";
import { textReplacements } from "./text-replacements.ts";

/** One output beside stdout. */
export type FileOutput = { readonly format: FormatName; readonly file: string };

export type OutputFlags = {
  readonly format: FormatName;
  readonly output?: readonly FileOutput[];
  readonly quiet?: boolean;
};

function parseOutput(value: string, previous: readonly FileOutput[] = []): readonly FileOutput[] {
  const [format = "", ...rest] = value.split("=");
  const file = rest.join("=");
  if (!isFormatName(format)) {
    throw new InvalidArgumentError(
      `'${format}' is no format; write FORMAT=FILE with one of ${FORMAT_NAMES.join(", ")}`,
    );
  }
  if (file === "") throw new InvalidArgumentError(`it names no file; write ${format}=FILE`);
  if (file === "-") throw new InvalidArgumentError(`standard output is --format ${format}`);
  if (previous.some((output) => resolve(output.file) === resolve(file))) {
    throw new InvalidArgumentError(`${file} is given twice; each output needs a file of its own`);
  }
  return [...previous, { format, file }];
}

/** The options of a command that writes findings: `--format` for stdout, `--output` for files, `--quiet`. */
export const withOutputs = (command: Command): Command =>
  command
    .addOption(new Option("--format <name>", "format of standard output").choices([...FORMAT_NAMES]).default("text"))
    .option("--output <FORMAT=FILE>", "write a format to a file, beside standard output; repeatable", parseOutput)
    .option("-q, --quiet", "show findings of level error only, no summary");

/** What outputs need to know of the input. */
type OutputInput = Pick<LintInput, "lineOf" | "rawOf" | "locate" | "topology" | "manifests">;

const NO_PAINT: Paint = (_style, text) => text;

/**
 * Writes a run to stdout and to every file that was asked for. `--quiet` leaves out findings below error.
 * Throws SLUICE_OUTPUT_FAILED when a file cannot be written; stdout is written by then.
 */
export function writeOutputs(
  report: LintReport,
  flags: OutputFlags,
  context: {
    readonly input: OutputInput;
    readonly notes: readonly string[];
    readonly stdout: NodeJS.WritableStream;
  },
): void {
  const quiet = flags.quiet === true;
  const shown = quiet
    ? { ...report, findings: report.findings.filter(({ finding }) => finding.severity === "error") }
    : report;
  const options = { ...formatOptions(context.input), quiet, notes: context.notes };
  context.stdout.write(FORMATS[flags.format](shown, { ...options, paint: painter(context.stdout) }));
  for (const { format, file } of flags.output ?? []) {
    writeOutput(file, FORMATS[format](shown, { ...options, paint: NO_PAINT }));
  }
}

function formatOptions({
  lineOf,
  rawOf,
  locate,
  topology,
  manifests,
}: OutputInput): Omit<FormatOptions, "quiet" | "notes" | "paint"> {
  const shownLineOf = hiddenLines(lineOf, () => credentialPlaces(topology, locate));
  return {
    rules,
    version: VERSION,
    lineOf: shownLineOf,
    rawOf,
    digest: (text) => createHash("sha256").update(text).digest("hex"),
    fileOf: reportedFile(process.cwd()),
    replacementsOf: textReplacements({ objects: manifests.decoded, lineOf, shownLineOf }),
  };
}

function writeOutput(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError(
      "SLUICE_OUTPUT_FAILED",
      `${file} cannot be written: ${reason}`,
      "check that its folder is there and that it may be written",
      cause,
    );
  }
}
