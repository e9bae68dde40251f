import { Command } from "commander";
import { exampleText } from "../lint/example-text.ts";
import { isMendable, type Rule } from "../lint/rule.ts";
import { familyOf, RULE_FAMILIES, type RuleFamily } from "../lint/rule-family.ts";
import { rules } from "../lint/rules/index.ts";
import { SluiceError } from "../model/errors.ts";
import { nearestName } from "../model/nearest-name.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT } from "./exit-codes.ts";
import { painter } from "./terminal.ts";

/** In the list, for rules of which `sluice lint --fix` mends something. */
const FIX_MARK = "--fix";

/** `sluice rules [ID]`: the list of rules, or all about one. */
export function rulesCommand({ terminal }: CommandContext, onExit: (code: number) => void): Command {
  return new Command("rules")
    .description("list the lint rules, or explain one")
    .argument("[id]", "a rule's id, as findings show it")
    .addHelpText(
      "after",
      "\nExamples:\n  $ sluice rules\n  $ sluice rules rlp-source-address-counter\n  $ sluice rules schema-gateway",
    )
    .action((id: string | undefined) => {
      const paint = painter(terminal.stdout);
      if (id === undefined) {
        const listed: readonly (Rule | RuleFamily)[] = [...rules, ...RULE_FAMILIES];
        const width = Math.max(...listed.map((rule) => rule.id.length));
        for (const rule of listed) {
          const severity = rule.severity.padEnd("warning".length);
          const mark = "check" in rule && isMendable(rule) ? FIX_MARK : " ".repeat(FIX_MARK.length);
          terminal.stdout.write(
            `${rule.id.padEnd(width)}  ${paint(rule.severity, severity)}  ${mark}  ${rule.title}\n`,
          );
        }
      } else {
        const strong = (text: string): string => paint("strong", text);
        const family = familyOf(id);
        terminal.stdout.write(family === undefined ? renderRule(findRule(id), strong) : renderFamily(family, strong));
      }
      onExit(EXIT.clean);
    });
}

function findRule(id: string): Rule {
  const rule = rules.find((candidate) => candidate.id === id);
  if (rule !== undefined) return rule;
  const ids = [...rules, ...RULE_FAMILIES].map((candidate) => candidate.id);
  const near = [...new Set([nearestName(id, ids) ?? [], ids.filter((candidate) => candidate.includes(id))].flat())];
  throw new SluiceError(
    "SLUICE_USAGE",
    `there is no rule '${id}'`,
    near.length > 0
      ? `did you mean ${near.map((candidate) => `'${candidate}'`).join(" or ")}?`
      : "run `sluice rules` for the list",
  );
}

const indent = (text: string): string =>
  text
    .split("\n")
    .map((line) => `    ${line}`.trimEnd())
    .join("\n");

const renderFamily = ({ id, title, severity, why, fix, bad }: RuleFamily, strong: (text: string) => string): string =>
  [
    strong(`${id}: ${title}`),
    "",
    `${strong("Severity")}  ${severity}`,
    "",
    `${strong("Why")}       ${why}`,
    `${strong("Fix")}       ${fix}`,
    "",
    ...(bad === undefined ? [] : [strong("Bad"), indent(bad), ""]),
  ].join("\n");

function renderRule(rule: Rule, strong: (text: string) => string): string {
  const relaxed = rule.relaxed === undefined ? "" : ` (at most ${rule.relaxed} in profile default)`;
  return [
    strong(`${rule.id}: ${rule.title}`),
    "",
    `${strong("Severity")}  ${rule.severity}${relaxed}`,
    `${strong("Kinds")}     ${rule.kinds.join(", ")}`,
    `${strong("Since")}     ${rule.since}`,
    "",
    `${strong("Why")}       ${rule.why}`,
    `${strong("Fix")}       ${rule.fix}`,
    `${strong("Mended")}    ${isMendable(rule) ? "by `sluice lint --fix`, where marked below" : "by a person: there is more than one right way"}`,
    "",
    ...rule.bad.flatMap(({ name, yaml, finds }) => {
      const mark = finds.some(({ mended }) => mended !== undefined) ? ` (${FIX_MARK} mends it)` : "";
      return [strong(`Bad: ${name}${mark}`), indent(exampleText(yaml).trimEnd()), ""];
    }),
    ...rule.good.flatMap(({ name, yaml }) => [strong(`Good: ${name}`), indent(exampleText(yaml).trimEnd()), ""]),
    strong("Sources"),
    ...rule.sources.map((source) => `  - ${source}`),
    "",
  ].join("\n");
}
