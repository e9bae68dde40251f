import { Command } from "commander";
import { exampleText } from "../lint/example-text.ts";
import type { Rule } from "../lint/rule.ts";
import { rules } from "../lint/rules/index.ts";
import { SluiceError } from "../model/errors.ts";
import { nearestName } from "../model/nearest-name.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT } from "./exit-codes.ts";
import { painter } from "./terminal.ts";

/** `sluice rules [ID]`: the list of rules, or all about one. */
export function rulesCommand({ terminal }: CommandContext, onExit: (code: number) => void): Command {
  return new Command("rules")
    .description("list the lint rules, or explain one")
    .argument("[id]", "a rule's id, as findings show it")
    .addHelpText("after", "\nExamples:\n  $ sluice rules\n  $ sluice rules rlp-source-address-counter")
    .action((id: string | undefined) => {
      const paint = painter(terminal.stdout);
      if (id === undefined) {
        const width = Math.max(...rules.map((rule) => rule.id.length));
        for (const rule of rules) {
          const severity = rule.severity.padEnd("warning".length);
          terminal.stdout.write(`${rule.id.padEnd(width)}  ${paint(rule.severity, severity)}  ${rule.title}\n`);
        }
      } else {
        terminal.stdout.write(renderRule(findRule(id), (text) => paint("strong", text)));
      }
      onExit(EXIT.clean);
    });
}

function findRule(id: string): Rule {
  const rule = rules.find((candidate) => candidate.id === id);
  if (rule !== undefined) return rule;
  const ids = rules.map((candidate) => candidate.id);
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
    "",
    ...rule.bad.flatMap(({ name, yaml }) => [strong(`Bad: ${name}`), indent(exampleText(yaml).trimEnd()), ""]),
    ...rule.good.flatMap(({ name, yaml }) => [strong(`Good: ${name}`), indent(exampleText(yaml).trimEnd()), ""]),
    strong("Sources"),
    ...rule.sources.map((source) => `  - ${source}`),
    "",
  ].join("\n");
}
