import type { Finding, Severity } from "../model/finding.ts";

/** How much findings of one rule weigh, whatever the rule says; `off` hides them. */
export type RuleLevel = "off" | Severity;

/** Levels by rule id; a rule that is not listed keeps its own severities. */
export type RuleLevels = ReadonlyMap<string, RuleLevel>;

/** The findings at the levels that somebody chose for them. */
export const atLevels = (findings: readonly Finding[], levels: RuleLevels): readonly Finding[] =>
  levels.size === 0
    ? findings
    : findings.flatMap((finding) => {
        const level = levels.get(finding.rule);
        if (level === undefined) return [finding];
        return level === "off" ? [] : [{ ...finding, severity: level }];
      });
