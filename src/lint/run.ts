import { formatPath } from "../model/field-path.ts";
import { compareSeverity, type Finding, type Severity } from "../model/finding.ts";
import type { Kind, Kinds } from "../model/kinds.ts";
import { refOf, type Topology } from "../model/topology.ts";
import { applyExemptions } from "./exemption.ts";
import { atLevels, type RuleLevels } from "./levels.ts";
import type { Report, Rule } from "./rule.ts";

/** `default` lets the current upstream guides pass unless they cannot work at all; `strict` is every rule in full. */
export type Profile = "default" | "strict";

export type LintOptions = {
  readonly rules: readonly Rule[];
  readonly profile: Profile;
  /** Default: every rule at its own severities. */
  readonly levels?: RuleLevels;
};

const NO_LEVELS: RuleLevels = new Map();

/** What is wrong with one object, worst first, and the rules that it exempts itself from. */
export type ObjectVerdict = { readonly findings: readonly Finding[]; readonly exempted: readonly string[] };

type SortedRules = { readonly byKind: ReadonlyMap<Kind, readonly Rule[]>; readonly ruleIds: ReadonlySet<string> };

/** Every object asks for the rules of its kind: a list of rules is sorted once. */
const sorted = new WeakMap<readonly Rule[], SortedRules>();

function sortedRules(rules: readonly Rule[]): SortedRules {
  const known = sorted.get(rules);
  if (known !== undefined) return known;
  const kinds = new Set(rules.flatMap((rule) => rule.kinds));
  const made: SortedRules = {
    byKind: new Map([...kinds].map((kind) => [kind, rules.filter((rule) => rule.kinds.includes(kind))])),
    ruleIds: new Set(rules.map(({ id }) => id)),
  };
  sorted.set(rules, made);
  return made;
}

/** Judges one object of a topology. */
export function lintObject(object: Kinds[Kind], topology: Topology, options: LintOptions): ObjectVerdict {
  const { rules, profile, levels = NO_LEVELS } = options;
  const ref = refOf(object);
  const { byKind, ruleIds } = sortedRules(rules);
  const reported: Finding[] = [];
  for (const rule of byKind.get(object.kind) ?? []) {
    for (const report of rule.check(object, topology)) reported.push(toFinding(rule, report, profile, ref));
  }
  const findings = reported.length === 0 ? [] : atLevels(reported, levels).toSorted(compareFindings);
  const { kept, exempted } = applyExemptions(object, ref, findings, { topology, ruleIds });
  return { findings: kept, exempted };
}

/** Judges every object of a topology, in the order in which they were read. */
export const lintTopology = (topology: Topology, options: LintOptions): readonly Finding[] =>
  topology.decoded
    .filter(({ object }) => isCurrent(object, topology))
    .flatMap(({ object }) => lintObject(object, topology, options).findings);

/** Of two documents with the same identity only the later one is the object. */
const isCurrent = (object: Kinds[Kind], topology: Topology): boolean =>
  topology.objects.get(object.kind, object.metadata.namespace, object.metadata.name) === object;

const atMost = (severity: Severity, cap: Severity | undefined): Severity =>
  cap !== undefined && compareSeverity(severity, cap) < 0 ? cap : severity;

function toFinding(rule: Rule, report: Report, profile: Profile, object: Finding["object"]): Finding {
  const severity = report.severity ?? rule.severity;
  return {
    rule: rule.id,
    severity: profile === "default" ? atMost(severity, rule.relaxed) : severity,
    scope: report.scope ?? rule.scope,
    title: rule.title,
    message: report.message,
    hint: report.hint ?? rule.fix,
    object,
    path: report.path,
    ...(report.range === undefined ? {} : { range: report.range }),
    ...(report.at === undefined ? {} : { at: report.at }),
    ...(report.secret === undefined ? {} : { secret: report.secret }),
    ...(report.related === undefined ? {} : { related: report.related }),
    ...(report.mend === undefined ? {} : { mend: report.mend }),
  };
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Worst first, then by rule and place, so that output is stable. */
export const compareFindings = (a: Finding, b: Finding): number =>
  compareSeverity(a.severity, b.severity) ||
  compareText(a.rule, b.rule) ||
  compareText(formatPath(a.path), formatPath(b.path)) ||
  (a.range?.start ?? 0) - (b.range?.start ?? 0);
