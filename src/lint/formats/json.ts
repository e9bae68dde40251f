import { formatPath } from "../../model/field-path.ts";
import type { ObjectRef } from "../../model/object-ref.ts";
import type { Place } from "../../model/place.ts";
import type { LintSummary, LocatedFinding, ShownRelated } from "../located-finding.ts";
import { familyOf } from "../rule-family.ts";
import type { Format, InputProblem } from "./format.ts";

/** The version of the documented shape (docs/schema/lint-output.json); raised only when a field goes or changes. */
const SCHEMA_VERSION = 1;

type JsonPlace = Partial<Place>;

type JsonRelated = JsonPlace & { readonly object?: ObjectRef; readonly path: string; readonly message: string };

/** One finding of the document. Lines and columns are absent when the object comes from no file. */
export type JsonFinding = JsonPlace & {
  readonly rule: string;
  readonly severity: string;
  readonly scope: string;
  readonly title: string;
  readonly message: string;
  readonly why?: string;
  readonly hint: string;
  readonly fixable: boolean;
  readonly object?: ObjectRef;
  readonly path: string;
  readonly related?: readonly JsonRelated[];
};

type JsonProblem = JsonPlace & { readonly severity: string; readonly message: string; readonly hint: string };

/** The document that `sluice lint --format json` writes. */
export type JsonReport = {
  readonly version: number;
  readonly findings: readonly JsonFinding[];
  readonly problems: readonly JsonProblem[];
  readonly summary: LintSummary;
};

const jsonRelated = ({ object, path, message }: ShownRelated, place: Place | undefined): JsonRelated => ({
  ...(object === undefined ? {} : { object }),
  path: formatPath(path),
  message,
  ...place,
});

const jsonFinding = (located: LocatedFinding, why: string | undefined): JsonFinding => {
  const { finding, place, file, related = [] } = located;
  return {
    rule: finding.rule,
    severity: finding.severity,
    scope: finding.scope,
    title: finding.title,
    message: finding.message,
    ...(why === undefined ? {} : { why }),
    hint: finding.hint,
    fixable: finding.mend !== undefined,
    ...(finding.object === undefined ? {} : { object: finding.object }),
    path: formatPath(finding.path),
    ...(file === undefined ? {} : { file }),
    ...place,
    ...(finding.related === undefined
      ? {}
      : { related: finding.related.map((each, index) => jsonRelated(each, related[index])) }),
  };
};

const jsonProblem = ({ severity, message, hint, file, place }: InputProblem): JsonProblem => ({
  severity,
  message,
  hint,
  file,
  ...place,
});

/** For programs: one JSON document, described in docs/lint-json.md. */
export const jsonFormat: Format = ({ findings, problems, summary }, { rules }) => {
  const why = new Map(rules.map((rule) => [rule.id, rule.why]));
  const report: JsonReport = {
    version: SCHEMA_VERSION,
    findings: findings.map((located) => {
      const { rule } = located.finding;
      return jsonFinding(located, why.get(rule) ?? familyOf(rule)?.why);
    }),
    problems: problems.map(jsonProblem),
    summary,
  };
  return `${JSON.stringify(report, null, 2)}\n`;
};
