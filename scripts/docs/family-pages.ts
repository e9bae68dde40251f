import { problemFinding } from "../../src/cli/lint-schemas.ts";
import { renderText } from "../../src/lint/render-text.ts";
import { RULE_FAMILIES, type RuleFamily } from "../../src/lint/rule-family.ts";
import { locateObjects } from "../../src/sources/located-object.ts";
import { parseYaml } from "../../src/sources/yaml/parse-yaml.ts";

/** The page's file name: `schema-<kind>` stands for many ids. */
const slug = ({ id }: RuleFamily): string => id.replace("-<kind>", "");

/** What `sluice lint` prints for an example. */
function outputOf(text: string): string {
  const parsed = parseYaml({ text, file: "example.yaml" });
  const problems = [...parsed.problems, ...locateObjects(parsed.documents).problems];
  const lines = text.split("\n");
  return renderText(problems.slice(0, 1).map(problemFinding), {
    paint: (_style, words) => words,
    lineOf: (_file, line) => lines[line - 1],
  }).trimEnd();
}

const familyPage = (family: RuleFamily): string =>
  [
    `# ${family.id}`,
    "",
    `${family.title}.`,
    "",
    "| | |",
    "|---|---|",
    `| Severity | **${family.severity}** |`,
    `| Where | ${family.id.startsWith("schema-") ? "any object, one id for each kind in lower case" : "the text of a file"} |`,
    "",
    "## Why it matters",
    "",
    family.why,
    "",
    "## How to mend it",
    "",
    family.fix,
    "",
    ...(family.bad === undefined
      ? []
      : ["## Bad", "", "```yaml", family.bad, "```", "", "```text", outputOf(family.bad), "```", ""]),
    "## How to accept it",
    "",
    "In `sluice.yaml`, by the level of the rule or by an entry of `ignores` with a reason. An object cannot exempt itself.",
    "",
  ].join("\n");

/** One page for each finding that no rule of objects makes, by file name. */
export const familyPages = (): readonly (readonly [string, string])[] =>
  RULE_FAMILIES.map((family) => [`docs/rules/${slug(family)}.md`, familyPage(family)] as const);

/** Their rows in the list of rules. */
export const familyRows = (): readonly string[] =>
  RULE_FAMILIES.map((family) => `| [${family.id}](${slug(family)}.md) | ${family.severity} | ${family.title} |`);
