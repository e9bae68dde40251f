import { compareSeverity, type Severity } from "../../model/finding.ts";
import type { Place } from "../../model/place.ts";
import type { LocatedFinding } from "../located-finding.ts";
import { renderSummary } from "../render-text.ts";
import { fileOfFinding, objectName, sentence } from "./described.ts";
import type { Format, FormatOptions, InputProblem } from "./format.ts";

/** GitHub shows no more annotations of one level for a step. */
const SHOWN_PER_LEVEL = 10;

const LEVELS: Record<Severity, string> = { error: "error", warning: "warning", info: "notice" };

/** One annotation to be. */
type Note = {
  readonly severity: Severity;
  readonly title: string;
  readonly message: string;
  readonly file?: string | undefined;
  readonly place?: Place | undefined;
};

const escapeData = (text: string): string =>
  text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");

const escapeProperty = (text: string): string => escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");

function noteOfFinding(located: LocatedFinding): Note {
  const { finding, place } = located;
  const object = objectName(located);
  const message = `${sentence(finding.message)} ${sentence(finding.hint)}`;
  return {
    severity: finding.severity,
    title: `${finding.rule}: ${finding.title}`,
    message: object === undefined ? message : `${object}: ${message}`,
    file: fileOfFinding(located),
    place,
  };
}

const noteOfProblem = ({ severity, message, hint, file, place }: InputProblem): Note => ({
  severity,
  title: "sluice lint: input",
  message: `${file}: ${message}; ${hint}`,
  file,
  place,
});

/** Where an annotation is put: nowhere for standard input and files that are outside of the repository. */
function positionOf({ file, place }: Note, { fileOf }: FormatOptions): readonly (readonly [string, string])[] {
  const reported = file === undefined ? undefined : fileOf(file);
  if (reported?.kind !== "inside") return [];
  if (place === undefined) return [["file", reported.path]];
  const { line, column, endLine, endColumn } = place;
  // GitHub takes columns only where a stretch is on one line.
  const columns = line === endLine ? [["col", String(column)] as const] : [];
  const end = line === endLine ? [["endColumn", String(endColumn)] as const] : [];
  return [["file", reported.path], ["line", String(line)], ...columns, ["endLine", String(endLine)], ...end];
}

function annotation(note: Note, options: FormatOptions): string {
  const properties = [...positionOf(note, options), ["title", note.title] as const];
  const written = properties.map(([name, value]) => `${name}=${escapeProperty(value)}`).join(",");
  return `::${LEVELS[note.severity]} ${written}::${escapeData(note.message)}`;
}

/** A line of the log that is no command, whatever it holds: `- ` stands before it, line breaks are escaped. */
function logLine({ severity, title, message, file, place }: Note): string {
  const where = place === undefined ? (file ?? "") : `${place.file}:${place.line}:${place.column}`;
  return escapeData(`- ${where}${where === "" ? "" : ": "}${severity}: ${title}: ${message}`);
}

/**
 * For GitHub Actions: commands in the log that become annotations of the changed lines, errors first. What GitHub
 * would drop is written as plain lines, and the last line counts all.
 */
export const githubFormat: Format = ({ findings, problems, summary }, options) => {
  const notes = [...problems.map(noteOfProblem), ...findings.map(noteOfFinding)].toSorted((a, b) =>
    compareSeverity(a.severity, b.severity),
  );
  const used = new Map<Severity, number>();
  const lines = notes.map((note) => {
    const count = (used.get(note.severity) ?? 0) + 1;
    used.set(note.severity, count);
    return count > SHOWN_PER_LEVEL ? logLine(note) : annotation(note, options);
  });
  return `${[...lines, `sluice lint: ${renderSummary(summary)}`].join("\n")}\n`;
};
