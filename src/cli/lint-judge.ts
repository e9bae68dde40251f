import type { LocatedFinding } from "../lint/located-finding.ts";
import { rules } from "../lint/rules/index.ts";
import { lintTopology } from "../lint/run.ts";
import type { Finding } from "../model/finding.ts";
import { applyIgnores, type IgnoreOutcome } from "./lint-ignores.ts";
import type { LintInput } from "./lint-input.ts";
import { inputFindings } from "./lint-schemas.ts";
import type { LintSettings } from "./lint-settings.ts";

function locateFinding(finding: Finding, { locate }: LintInput): LocatedFinding {
  const place = locate(finding.object)?.(finding.path, finding.at ?? finding.range ?? "value");
  const related = (finding.related ?? []).map(({ object, path }) => locate(object)?.(path));
  return { finding, related, ...(place === undefined ? {} : { place }) };
}

/** Whether what a finding misses would have been seen. */
function isProven({ rule, scope }: Finding, { underlay }: LintInput): boolean {
  if (scope !== "absence" || underlay === undefined || underlay.unread.size === 0) return true;
  return rules.find(({ id }) => id === rule)?.reads.some((kind) => underlay.unread.has(kind)) !== true;
}

/** Findings at their levels, without those that the settings file accepts. */
export function judge(input: LintInput, settings: LintSettings, today: string): IgnoreOutcome {
  const { profile, levels, config, whole } = settings;
  const ofRules = lintTopology(input.topology, { rules, profile, levels })
    .filter((finding) => input.isShown(finding.object) && isProven(finding, input))
    .map((finding) => locateFinding(finding, input));
  const found = [...inputFindings(input), ...ofRules];
  const objects = input.topology.decoded.map(({ ref }) => {
    const file = input.fileOf(ref);
    return file === undefined ? { ref } : { ref, file };
  });
  const { kept, ignored } = applyIgnores(found, config, { objects, whole, today });
  return { kept: kept.flatMap((finding) => atLevel(finding, settings)), ignored };
}

/** The level of findings that no rule of objects makes. */
function atLevel(located: LocatedFinding, { levels }: LintSettings): readonly LocatedFinding[] {
  const level = levels.get(located.finding.rule);
  if (level === undefined) return [located];
  return level === "off" ? [] : [{ ...located, finding: { ...located.finding, severity: level } }];
}
