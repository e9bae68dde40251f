import type { LocatedFinding } from "../lint/located-finding.ts";
import { familyOf } from "../lint/rule-family.ts";
import { type FieldPath, formatPath } from "../model/field-path.ts";
import { identityOf, type ObjectRef } from "../model/object-ref.ts";
import type { Locate } from "../model/place.ts";
import type { CheckedObject, SchemaChecker } from "../schema/check-object.ts";
import type { SourceProblem } from "../sources/source-problem.ts";
import type { LintInput } from "./lint-input.ts";

type Checked = CheckedObject & { readonly locate?: Locate };

/** The objects of files as they are written, and the cluster's own where other definitions than its own were given. */
function checkedObjects(input: LintInput): readonly Checked[] {
  const { manifests, topology, definitions } = input;
  const own: readonly Checked[] = [...manifests.decoded, ...manifests.unknownKinds];
  if (input.underlay === undefined || definitions.given.length === 0) return own;
  const written = new Set(own.map(({ ref }) => identityOf(ref)));
  return [...own, ...topology.decoded.filter(({ ref }) => input.isShown(ref) && !written.has(identityOf(ref)))];
}

/** What an API server would refuse, with the ids of the objects whose definitions were at hand. */
function schemaFindings(
  input: LintInput,
  checker: SchemaChecker,
): { readonly findings: readonly LocatedFinding[]; readonly covered: ReadonlySet<unknown> } {
  const covered = new Set<unknown>();
  const findings = checkedObjects(input).flatMap((object) => {
    const verdict = checker.check(object);
    if (verdict.covered) covered.add(identityOf(object.ref));
    return verdict.findings.map((finding): LocatedFinding => {
      const place = object.locate?.(finding.path, finding.at ?? "value");
      return { finding, ...(place === undefined ? {} : { place }) };
    });
  });
  return { findings, covered };
}

const fieldKey = (object: ObjectRef, path: FieldPath): string => `${identityOf(object)} ${formatPath(path)}`;

/** A sentence as findings write it. */
const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`;

/** A problem of an input as a finding: of its object where it is about a field, else of the file. */
export function problemFinding({
  rule,
  severity,
  message,
  hint,
  file,
  place,
  field,
  related,
}: SourceProblem): LocatedFinding {
  const title = familyOf(rule)?.title ?? "The input cannot be used";
  const other = related === undefined ? {} : { related: [{ path: [], message: related.message }] };
  return {
    finding: {
      ...{ rule, severity, scope: "object", title, message, hint: sentence(hint), path: field?.path ?? [] },
      ...(field === undefined ? {} : { object: field.object }),
      ...other,
    },
    file,
    ...(place === undefined ? {} : { place }),
    ...(related === undefined ? {} : { related: [related.place] }),
  };
}

/** Problems that are no findings: the file could not be read at all. */
export const isUnreadable = ({ rule }: SourceProblem): boolean => rule === "input-unreadable";

/** Whether something of the input was not judged because of this. */
export const hidesObjects = ({ severity, field }: SourceProblem): boolean =>
  severity === "error" && field === undefined;

/**
 * What is wrong with the text of the files, and with objects as an API server sees them. A field's wrong type that both
 * ways of reading find is reported once, in the words of the schema where one is at hand.
 */
export function inputFindings(input: LintInput): readonly LocatedFinding[] {
  const { findings, covered } = schemaFindings(input, input.definitions.checker);
  const found = new Set(
    findings.flatMap(({ finding: { object, path } }) => (object === undefined ? [] : [fieldKey(object, path)])),
  );
  const problems = input.manifests.problems.filter((problem) => {
    if (isUnreadable(problem)) return false;
    const { field } = problem;
    if (field === undefined) return true;
    return !covered.has(identityOf(field.object)) && !found.has(fieldKey(field.object, field.path));
  });
  return [...problems.map(problemFinding), ...findings];
}
