import { formatPath } from "../model/field-path.ts";
import type { Severity } from "../model/finding.ts";
import { formatRef } from "../model/object-ref.ts";
import type { Place } from "../model/place.ts";
import { hiddenLines } from "./hidden-lines.ts";
import type { LintSummary, LocatedFinding, ShownRelated } from "./located-finding.ts";

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
  const lineOf = hiddenLines(options.lineOf, () => secrets);
  return findings.map((finding) => renderFinding(finding, { ...options, lineOf })).join("\n");
}

const formatPlace = ({ file, line, column }: Place): string => `${file}:${line}:${column}`;

/** A place where it is known, else the object, else the file. */
function whereOf({ finding, place, file = "" }: LocatedFinding): string {
  if (place !== undefined) return formatPlace(place);
  return finding.object === undefined ? file : formatRef(finding.object);
}

function renderRelated({ object, path, message }: ShownRelated, at: Place | undefined): string {
  const position = at === undefined ? "" : ` at ${formatPlace(at)}`;
  return object === undefined
    ? `${message}${position}`
    : `${message}: ${formatRef(object)} ${formatPath(path)}${position}`;
}

function renderFinding(located: LocatedFinding, { paint, lineOf }: TextOptions): string {
  const { finding, place, related = [] } = located;
  const gutter = " ".repeat(String(place?.line ?? 1).length);
  const bar = paint("faint", `${gutter} |`);
  const excerpt = place === undefined ? [] : renderExcerpt(place, finding.severity, { paint, lineOf });
  const line = (text: string): string => `${gutter} ${paint("faint", "=")} ${text}`;
  const others = (finding.related ?? []).map((each, index) => line(renderRelated(each, related[index])));
  return [
    `${paint(finding.severity, `${finding.severity}[${finding.rule}]`)}${paint("strong", `: ${finding.title}`)}`,
    `${gutter}${paint("faint", "-->")} ${whereOf(located)}`,
    ...(excerpt.length === 0 ? [] : [bar, ...excerpt, bar]),
    ...(finding.object === undefined ? [] : [line(`${formatRef(finding.object)}: ${formatPath(finding.path)}`)]),
    line(finding.message),
    ...others,
    line(`${paint("strong", "help:")} ${finding.hint}`),
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

/** `2 errors, 1 warning in 4 objects of 1 file`, and what is not shown. */
export function renderSummary({ errors, warnings, objects, files, cluster, ignored, older }: LintSummary): string {
  const from = [files > 0 || cluster !== true ? count(files, "file") : [], cluster === true ? "a cluster" : []].flat();
  const hidden = [
    older === undefined ? [] : `${count(older, "older finding")} not shown`,
    ignored === undefined ? [] : `${ignored} ignored`,
  ].flat();
  const found = `${count(errors, "error")}, ${count(warnings, "warning")} in ${count(objects, "object")}`;
  return `${found} of ${from.join(" and ")}${hidden.length === 0 ? "" : ` (${hidden.join(", ")})`}`;
}
