import type { ReportingConfiguration, ReportingDescriptor } from "sarif";
import type { Severity } from "../../model/finding.ts";
import type { LocatedFinding, ShownFinding } from "../located-finding.ts";
import type { Rule } from "../rule.ts";
import { familyOf } from "../rule-family.ts";
import { sentence } from "./described.ts";

/** SARIF's word for a severity. */
export const LEVELS = { error: "error", warning: "warning", info: "note" } as const satisfies Record<
  Severity,
  ReportingConfiguration.level
>;

/** GitHub's words, which sort its list of alerts. */
const PROBLEM_SEVERITIES: Record<Severity, string> = { error: "error", warning: "warning", info: "recommendation" };

/** `rlp-identity-not-exposed` as `RlpIdentityNotExposed`, the form that SARIF asks of names. */
const pascalCase = (id: string): string =>
  id
    .split("-")
    .map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
    .join("");

function helpOf({ id, why, fix, sources }: Rule): { readonly text: string; readonly markdown: string } {
  const more = `Run \`sluice rules ${id}\` for examples.`;
  const text = [`Why: ${why}`, `What to do: ${fix}`, more, ...sources.map((source) => `Source: ${source}`)];
  const markdown = [`**Why** ${why}`, `**What to do** ${fix}`, more, sources.map((source) => `- ${source}`).join("\n")];
  return { text: text.join("\n"), markdown: markdown.join("\n\n") };
}

const describeRule = (rule: Rule): ReportingDescriptor => ({
  id: rule.id,
  name: pascalCase(rule.id),
  shortDescription: { text: sentence(rule.title) },
  fullDescription: { text: rule.why },
  help: helpOf(rule),
  defaultConfiguration: { level: LEVELS[rule.severity] },
  properties: {
    tags: ["kubernetes", rule.scope, ...rule.kinds],
    precision: "high",
    "problem.severity": PROBLEM_SEVERITIES[rule.severity],
  },
});

/** What is reported without a rule of objects: by its family, else by its first finding. */
function describeFinding({ rule, title, message, hint, severity, scope }: ShownFinding): ReportingDescriptor {
  const family = familyOf(rule);
  const [why, fix] = family === undefined ? [sentence(message), sentence(hint)] : [family.why, family.fix];
  const usual = family?.severity ?? severity;
  return {
    id: rule,
    name: pascalCase(rule),
    shortDescription: { text: sentence(family?.title ?? title) },
    fullDescription: { text: family?.why ?? sentence(title) },
    help: { text: `Why: ${why}\nWhat to do: ${fix}`, markdown: `**Why** ${why}\n\n**What to do** ${fix}` },
    defaultConfiguration: { level: LEVELS[usual] },
    properties: { tags: ["kubernetes", scope], precision: "high", "problem.severity": PROBLEM_SEVERITIES[usual] },
  };
}

/** Every rule that ran, in their order, then what was found besides. Their positions are the results' `ruleIndex`. */
export function describeRules(
  rules: readonly Rule[],
  findings: readonly LocatedFinding[],
): readonly ReportingDescriptor[] {
  const described = new Map(rules.map((rule) => [rule.id, describeRule(rule)]));
  for (const { finding } of findings) {
    if (!described.has(finding.rule)) described.set(finding.rule, describeFinding(finding));
  }
  return [...described.values()];
}
