import { formatPath } from "../model/field-path.ts";
import type { Severity } from "../model/finding.ts";
import { formatRef } from "../model/object-ref.ts";
import type { Place } from "../model/place.ts";
import type { LintSummary, LocatedFinding } from "./located-finding.ts";

/** Paints a text; the plain painter leaves it alone. Passed in, so that rendering knows no terminal. */
export type Paint = (style: "error" | "warning" | "info" | "strong" | "faint", text: string) => string;

/** The line of a file that a place starts on, without its line break; undefined when the file is not at hand. */
export type LineOf = (file: string, line: number) => string | undefined;

export type TextOptions = { readonly paint: Paint; readonly lineOf: LineOf };

/** Lines longer than this are cut around the caret: minified JSON would fill the screen. */
const MAX_EXCERPT_COLUMNS = 160;

/** All findings as text, each with the line at fault and a caret under the exact stretch. Credentials are not shown. */
export function renderText(findings: readonly LocatedFinding[], options: TextOptions): string {
  const secrets = findings.flatMap(({ finding, place }) =>
    finding.secret === true && place !== undefined ? [place] : [],
  );
  const lineOf: LineOf = (file, line) => {
    const text = options.lineOf(file, line);
    return text === undefined ? undefined : hideSecrets(text, { file, line }, secrets);
  };
  return findings.map((finding) => renderFinding(finding, { ...options, lineOf })).join("\n");
}

/** A line with every stretch blotted out that a finding says to hold a credential. */
const hideSecrets = (text: string, at: Pick<Place, "file" | "line">, secrets: readonly Place[]): string =>
  secrets
    .filter(({ file, line, endLine }) => file === at.file && line <= at.line && at.line <= endLine)
    .reduce((shown, { line, column, endLine, endColumn }) => {
      const from = line === at.line ? column - 1 : 0;
      const to = endLine === at.line ? endColumn - 1 : shown.length;
      return `${shown.slice(0, from)}${"*".repeat(Math.max(0, to - from))}${shown.slice(to)}`;
    }, text);

function renderFinding({ finding, place, related = [] }: LocatedFinding, { paint, lineOf }: TextOptions): string {
  const gutter = " ".repeat(String(place?.line ?? 1).length);
  const bar = paint("faint", `${gutter} |`);
  const where = place === undefined ? formatRef(finding.object) : `${place.file}:${place.line}:${place.column}`;
  const excerpt = place === undefined ? [] : renderExcerpt(place, finding.severity, { paint, lineOf });
  const others = (finding.related ?? []).map(({ object, path, message }, index) => {
    const at = related[index];
    const position = at === undefined ? "" : ` at ${at.file}:${at.line}:${at.column}`;
    return `${gutter} ${paint("faint", "=")} ${message}: ${formatRef(object)} ${formatPath(path)}${position}`;
  });
  return [
    `${paint(finding.severity, `${finding.severity}[${finding.rule}]`)}${paint("strong", `: ${finding.title}`)}`,
    `${gutter}${paint("faint", "-->")} ${where}`,
    ...(excerpt.length === 0 ? [] : [bar, ...excerpt, bar]),
    `${gutter} ${paint("faint", "=")} ${formatRef(finding.object)}: ${formatPath(finding.path)}`,
    `${gutter} ${paint("faint", "=")} ${finding.message}`,
    ...others,
    `${gutter} ${paint("faint", "=")} ${paint("strong", "help:")} ${finding.hint}`,
    "",
  ].join("\n");
}

function renderExcerpt(place: Place, severity: Severity, { paint, lineOf }: TextOptions): readonly string[] {
  const line = lineOf(place.file, place.line);
  if (line === undefined) return [];
  const gutter = " ".repeat(String(place.line).length);
  const end = place.endLine === place.line ? place.endColumn : line.length + 1;
  const offset = place.column > MAX_EXCERPT_COLUMNS / 2 ? place.column - MAX_EXCERPT_COLUMNS / 4 : 0;
  const shown = line.slice(offset, offset + MAX_EXCERPT_COLUMNS).replaceAll("\t", " ");
  const width = Math.max(1, Math.min(end - place.column, shown.length - (place.column - 1 - offset)));
  return [
    `${paint("faint", `${place.line} |`)} ${shown}`,
    `${paint("faint", `${gutter} |`)} ${" ".repeat(place.column - 1 - offset)}${paint(severity, "^".repeat(width))}`,
  ];
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** `2 errors, 1 warning in 4 objects of 1 file`. */
export const renderSummary = ({ errors, warnings, objects, files }: LintSummary): string =>
  `${count(errors, "error")}, ${count(warnings, "warning")} in ${count(objects, "object")} of ${count(files, "file")}`;
