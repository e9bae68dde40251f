import { exampleText } from "../../src/lint/example-text.ts";
import { renderText } from "../../src/lint/render-text.ts";
import type { Rule } from "../../src/lint/rule.ts";
import { rules } from "../../src/lint/rules/index.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { decodeObject } from "../../src/model/decode.ts";
import { identityOf } from "../../src/model/object-ref.ts";
import type { Locate } from "../../src/model/place.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { parseYaml } from "../../src/sources/yaml/parse-yaml.ts";
import { howFound, versions } from "./rule-facts.ts";

/** What the rule prints for an example, exactly as `sluice lint --profile strict` does. */
function outputOf(rule: Rule, text: string): string {
  const { documents } = parseYaml({ text, file: "example.yaml" });
  const places = new Map<string, Locate>();
  const decoded = documents.flatMap(({ raw, locate }) => {
    const outcome = decodeObject(raw);
    if (outcome.status !== "decoded") return [];
    places.set(identityOf(outcome.decoded.ref), locate);
    return [outcome.decoded];
  });
  const lines = text.split("\n");
  const located = lintTopology(buildTopology(decoded), { rules: [rule], profile: "strict" }).map((finding) => {
    const place = places.get(identityOf(finding.object))?.(finding.path, finding.at ?? finding.range ?? "value");
    const related = (finding.related ?? []).map(({ object, path }) => places.get(identityOf(object))?.(path));
    return { finding, ...(place === undefined ? {} : { place }), related };
  });
  return renderText(located, {
    paint: (_style, words) => words,
    lineOf: (_file, line) => lines[line - 1],
  }).trimEnd();
}

/** What `sluice lint --fix` does about the examples, in the order in which it first does it. */
function mendLine(rule: Rule): string {
  const titles = rule.bad.flatMap(({ yaml }) => {
    const decoded = parseYaml({ text: exampleText(yaml), file: "example.yaml" }).documents.flatMap(({ raw }) => {
      const outcome = decodeObject(raw);
      return outcome.status === "decoded" ? [outcome.decoded] : [];
    });
    return lintTopology(buildTopology(decoded), { rules: [rule], profile: "strict" }).flatMap(
      ({ mend }) => mend?.title ?? [],
    );
  });
  return titles.length === 0
    ? "`sluice lint --fix` leaves it alone: what is right is for a person to decide."
    : `Mended by \`sluice lint --fix\`, where there is one right way: ${[...new Set(titles)].join("; ")}.`;
}

function rulePage(rule: Rule): string {
  const severity =
    rule.relaxed === undefined
      ? `**${rule.severity}**`
      : `**${rule.severity}**; at most ${rule.relaxed} in profile \`default\``;
  const bad = rule.bad.flatMap(({ name, yaml }) => {
    const text = exampleText(yaml);
    return [`### ${name}`, "", "```yaml", text.trimEnd(), "```", "", "```text", outputOf(rule, text), "```", ""];
  });
  const good = rule.good.flatMap(({ name, yaml }) => [
    `### ${name}`,
    "",
    "```yaml",
    exampleText(yaml).trimEnd(),
    "```",
    "",
  ]);
  return [
    `# ${rule.id}`,
    "",
    `${rule.title}.`,
    "",
    "| | |",
    "|---|---|",
    `| Severity | ${severity} |`,
    `| Kinds | ${rule.kinds.join(", ")} |`,
    ...(rule.reads.length === 0 ? [] : [`| Looks at | ${rule.reads.join(", ")} |`]),
    "",
    "## Why it matters",
    "",
    rule.why,
    "",
    "## How it is found",
    "",
    ...howFound(rule),
    "",
    "## How to mend it",
    "",
    rule.fix,
    "",
    mendLine(rule),
    "",
    "## Bad",
    "",
    ...bad,
    "## Good",
    "",
    ...good,
    "## How to exempt an object",
    "",
    'Where the platform team allows it (namespace label `sluice.dev/allow-exemptions: "true"`), with a reason:',
    "",
    "```yaml",
    "metadata:",
    "  annotations:",
    "    sluice.dev/ignore: |",
    `      ${rule.id}: why this object may`,
    "```",
    "",
    "## Versions",
    "",
    ...versions(rule),
    "",
    "## Sources",
    "",
    ...rule.sources.map((source) => `- ${source}`),
    "",
  ].join("\n");
}

/** One page a rule, by file name. */
export const rulePages = (): readonly (readonly [string, string])[] =>
  rules.map((rule) => [`docs/rules/${rule.id}.md`, rulePage(rule)] as const);
