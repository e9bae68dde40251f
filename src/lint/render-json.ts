import { formatPath } from "../model/field-path.ts";
import type { ObjectRef } from "../model/object-ref.ts";
import type { LintSummary, LocatedFinding } from "./located-finding.ts";

/** One finding of `sluice lint --format json`. Lines and columns are absent when the object comes from no file. */
export type JsonFinding = {
  readonly rule: string;
  readonly severity: string;
  readonly message: string;
  readonly hint: string;
  readonly object: ObjectRef;
  readonly path: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly endLine?: number;
  readonly endColumn?: number;
  readonly related?: readonly { readonly object: ObjectRef; readonly path: string; readonly message: string }[];
};

const toJson = ({ finding, place }: LocatedFinding): JsonFinding => ({
  rule: finding.rule,
  severity: finding.severity,
  message: finding.message,
  hint: finding.hint,
  object: finding.object,
  path: formatPath(finding.path),
  ...place,
  ...(finding.related === undefined
    ? {}
    : {
        related: finding.related.map(({ object, path, message }) => ({ object, path: formatPath(path), message })),
      }),
});

/** The machine-readable result of a run, one JSON document. */
export const renderJson = (findings: readonly LocatedFinding[], summary: LintSummary): string =>
  `${JSON.stringify({ findings: findings.map(toJson), summary }, null, 2)}\n`;
