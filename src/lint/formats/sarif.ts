import type { Invocation, Log, Notification, Result } from "sarif";
import { formatPath } from "../../model/field-path.ts";
import { formatRef } from "../../model/object-ref.ts";
import type { LocatedFinding } from "../located-finding.ts";
import { sentence } from "./described.ts";
import { fingerprints } from "./fingerprint.ts";
import type { Format, FormatOptions, InputProblem, LintReport } from "./format.ts";
import { changesOf, locationOf, ROOT } from "./sarif-places.ts";
import { describeRules, LEVELS } from "./sarif-rules.ts";

const SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json";

/** The name of our fingerprint; a key that is made in another way gets another name. */
const FINGERPRINT = "sluiceFinding/v1";

function relatedOf({ finding, related = [] }: LocatedFinding, { fileOf }: FormatOptions) {
  const locations = (finding.related ?? []).map(({ object, path, message }, index) => {
    const named = object === undefined ? message : `${message}: ${formatRef(object)} ${formatPath(path)}`.trimEnd();
    return { id: index + 1, ...locationOf({ object, path, place: related[index] }, fileOf), message: { text: named } };
  });
  return locations.length === 0 ? {} : { relatedLocations: locations };
}

function fixesOf(located: LocatedFinding, { replacementsOf, fileOf }: FormatOptions) {
  const replacements = replacementsOf(located) ?? [];
  if (replacements.length === 0) return {};
  const title = located.finding.mend?.title ?? located.finding.hint;
  return { fixes: [{ description: { text: sentence(title) }, artifactChanges: changesOf(replacements, fileOf) }] };
}

function resultOf(
  located: LocatedFinding,
  { ruleIndex, fingerprint }: { readonly ruleIndex: number; readonly fingerprint: string },
  options: FormatOptions,
): Result {
  const { finding, place, file } = located;
  return {
    ruleId: finding.rule,
    ruleIndex,
    level: LEVELS[finding.severity],
    message: { text: `${sentence(finding.message)} ${sentence(finding.hint)}` },
    locations: [locationOf({ object: finding.object, path: finding.path, place, file }, options.fileOf)],
    ...relatedOf(located, options),
    ...fixesOf(located, options),
    partialFingerprints: { [FINGERPRINT]: fingerprint },
  };
}

const notificationOf = (problem: InputProblem, { fileOf }: FormatOptions): Notification => ({
  level: problem.severity,
  message: { text: `${sentence(problem.message)} ${sentence(problem.hint)}` },
  locations: [locationOf({ path: [], place: problem.place, file: problem.file }, fileOf)],
});

function invocationOf({ exitCode, problems }: LintReport, options: FormatOptions): Invocation {
  const notifications = problems.map((problem) => notificationOf(problem, options));
  return {
    executionSuccessful: exitCode <= 1,
    exitCode,
    ...(notifications.length === 0 ? {} : { toolExecutionNotifications: notifications }),
  };
}

/** For code scanning: SARIF 2.1.0 (OASIS Standard). Every rule that ran is described, also those that found nothing. */
export const sarifFormat: Format = (report, options) => {
  const { findings } = report;
  const rules = describeRules(options.rules, findings);
  const indexes = new Map(rules.map(({ id }, index) => [id, index]));
  const keys = fingerprints(findings, options);
  const results = findings.map((located, index) =>
    resultOf(located, { ruleIndex: indexes.get(located.finding.rule) ?? -1, fingerprint: keys[index] ?? "" }, options),
  );
  const driver = { name: "Sluice", version: options.version, semanticVersion: options.version, rules: [...rules] };
  const log: Log = {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: { driver },
        columnKind: "utf16CodeUnits",
        originalUriBaseIds: { [ROOT]: { description: { text: "The root of the sources that were linted." } } },
        invocations: [invocationOf(report, options)],
        results,
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
};
