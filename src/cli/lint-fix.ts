import { realpathSync } from "node:fs";
import { isAbsolute, relative } from "node:path";
import { styleText } from "node:util";
import { type Command, Option } from "commander";
import type { LineOf } from "../lint/render-text.ts";
import { formatPath } from "../model/field-path.ts";
import { formatRef } from "../model/object-ref.ts";
import { type FileObjects, objectsOfFile, objectsOfText } from "../sources/manifests.ts";
import { readTextFile } from "../sources/read-file.ts";
import { formatPlace } from "../sources/source-problem.ts";
import type { Found } from "./mend-candidates.ts";
import { type MendOutcome, mendInRounds, type NotMended, type Texts } from "./mend-rounds.ts";
import { replaceFiles } from "./replace-files.ts";
import type { Terminal } from "./terminal.ts";
import { type PaintDiff, unifiedDiff } from "./unified-diff.ts";

export type FixFlags = { readonly fix?: boolean; readonly fixDryRun?: boolean };

/** The options of a command that mends what it finds. */
export const withFix = (command: Command): Command =>
  command
    .addOption(
      new Option(
        "--fix",
        "mend what has one right answer, in the files; of standard input, to standard output",
      ).conflicts("fixDryRun"),
    )
    .option("--fix-dry-run", "change no file: print what --fix would do as a diff for `git apply` or `patch -p1`");

export const isFixing = ({ fix, fixDryRun }: FixFlags): boolean => fix === true || fixDryRun === true;

/** How files are read and shown while some are taken to hold other texts. */
export type Overlay = {
  readonly texts: Texts;
  readonly read: (file: string) => Promise<FileObjects>;
  readonly lineOf: (below: LineOf) => LineOf;
};

/** Reads every file once, however often it is asked for with other texts laid over. */
function overlays(): (texts: Texts) => Overlay {
  const known = new Map<string, Promise<FileObjects>>();
  const once = (key: string, read: () => Promise<FileObjects>): Promise<FileObjects> => {
    const objects = known.get(key) ?? read();
    known.set(key, objects);
    return objects;
  };
  return (texts) => ({
    texts,
    read: (file) => {
      const text = texts.get(file);
      if (text === undefined) return once(file, () => objectsOfFile(file));
      return Promise.resolve({ ...objectsOfText(text, file), bytes: Buffer.byteLength(text), digest: "" });
    },
    lineOf: (below) => {
      const lines = new Map<string, readonly string[]>();
      return (file, line) => {
        const text = texts.get(file);
        if (text === undefined) return below(file, line);
        const own = lines.get(file) ?? text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/);
        lines.set(file, own);
        return own[line - 1];
      };
    },
  });
}

/** A run of the linter that can be repeated with other texts. */
export type FixRun<F extends Found> = {
  readonly find: (overlay: Overlay) => Promise<F>;
  /** Standard input: the name that its text goes by, and the text. */
  readonly stdin?: { readonly file: string; readonly text: string };
  readonly terminal: Terminal;
};

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

const COLOURS: Record<Parameters<PaintDiff>[0], Parameters<typeof styleText>[0] | undefined> = {
  header: "bold",
  hunk: "cyan",
  context: undefined,
  removed: "red",
  added: "green",
};

const diffPainter =
  (stream: NodeJS.WritableStream): PaintDiff =>
  (part, line) => {
    const colour = COLOURS[part];
    return colour === undefined ? line : styleText(colour, line, { stream, validateStream: true });
  };

/** The path of a diff: where the file really is, seen from here, or from the root where that would lead upwards. */
function diffPath(file: string): string {
  try {
    const real = realpathSync(file);
    const path = relative("", real);
    return (path.startsWith("..") || isAbsolute(path) ? real.replace(/^[/\\]+/, "") : path).replaceAll("\\", "/");
  } catch {
    return file.replaceAll(/[<>]/g, "");
  }
}

/** What the program did, or would do. `report` is where findings are to be written: stdout holds something else. */
export type Fixed<F extends Found> = {
  readonly found: F;
  readonly stdoutIsTaken: boolean;
  /** One line: `fixed 3 findings in 2 files`. */
  readonly summary: string;
};

/** Why a mend was not made, one line each. */
function tellNotMended(notMended: readonly NotMended[], stderr: NodeJS.WritableStream): void {
  for (const { located, reason } of notMended) {
    const { finding, place } = located;
    const object = finding.object === undefined ? "" : formatRef(finding.object);
    const where = place === undefined ? object : formatPlace(place);
    stderr.write(`not mended: ${where}: ${finding.rule} at ${object} ${formatPath(finding.path)}: ${reason}\n`);
  }
}

/**
 * Mends what the run finds. `--fix` replaces files, and prints the text of standard input; `--fix-dry-run` prints a diff.
 * Throws SLUICE_OUTPUT_FAILED when a file cannot be replaced; then none is.
 */
export async function fixFindings<F extends Found>(run: FixRun<F>, flags: FixFlags): Promise<Fixed<F>> {
  const { stdin, terminal } = run;
  const before = new Map<string, string>(stdin === undefined ? [] : [[stdin.file, stdin.text]]);
  const textOf = async (file: string): Promise<string | undefined> => {
    const known = before.get(file);
    if (known !== undefined) return known;
    const read = await readTextFile(file);
    if ("problem" in read) return undefined;
    before.set(file, read.text);
    return read.text;
  };
  const overlay = overlays();
  const outcome = await mendInRounds({ find: (texts) => run.find(overlay(texts)), textOf });
  const changed = changesOf(outcome, before);
  const dry = flags.fixDryRun === true;
  if (dry) {
    const paint = diffPainter(terminal.stdout);
    for (const change of changed) terminal.stdout.write(unifiedDiff({ path: diffPath(change.file), ...change }, paint));
  } else {
    await replaceFiles(changed.filter(({ file }) => file !== stdin?.file));
    if (stdin !== undefined) terminal.stdout.write(outcome.texts.get(stdin.file) ?? stdin.text);
  }
  tellNotMended(outcome.notMended, terminal.stderr);
  const done = `${count(outcome.fixed, "finding")} in ${count(changed.length, "file")}`;
  return {
    found: outcome.found,
    stdoutIsTaken: dry || stdin !== undefined,
    summary: dry ? `would fix ${done}` : `fixed ${done}`,
  };
}

function changesOf({ texts }: MendOutcome<Found>, before: Texts) {
  return [...texts]
    .map(([file, after]) => ({ file, before: before.get(file) ?? "", after }))
    .filter((change) => change.before !== change.after)
    .sort((a, b) => (a.file < b.file ? -1 : 1));
}
