import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Rule } from "../../src/lint/rule.ts";
import { rules } from "../../src/lint/rules/index.ts";
import { familyRows } from "./family-pages.ts";

/** The guides whose manifests are judged in `test/fixtures/guide-sets.yaml`, by folder of the fixture. */
const GUIDES: ReadonlyMap<string, string> = new Map([
  ["000-egress-gateway", "Kuadrant: Egress Gateway"],
  ["001-openai", "Kuadrant: egress for AI workloads"],
  ["002-ambient-waypoint", "Istio ambient: egress through a waypoint"],
  ["003-credential-injection", "Kuadrant: credential injection"],
  ["manifests-head", "Kuadrant: Egress Gateway and DNS, as they are now"],
]);

/** One row of the fixture: findings are `severity rule place`. */
type GuideSet = {
  readonly files: readonly string[];
  readonly default?: readonly string[];
  readonly strict?: readonly string[];
};

const SEVERITIES = ["error", "warning", "info"] as const;

const link = (id: string): string => `[${id}](${id}.md)`;

const severityOf = ({ severity, relaxed }: Rule): string =>
  relaxed === undefined ? severity : `${severity} (default: ${relaxed})`;

/** The fixture's folder of a file, `manifests/` left out. */
const folderOf = (file: string): string => file.replace(/^manifests\//, "").split("/")[0] ?? "";

/** Severities by rule and guide, as the fixture says: what `default` shows, else what `strict` adds. */
function guideFindings(): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const sets: readonly GuideSet[] = parse(readFileSync("test/fixtures/guide-sets.yaml", "utf8"));
  const found = new Map([...GUIDES.keys()].map((guide) => [guide, new Map<string, string>()]));
  for (const profile of ["default", "strict"] as const) {
    for (const set of sets) {
      for (const line of set[profile] ?? []) {
        const [severity = "", rule = "", place = ""] = line.split(" ");
        const guide = folderOf(place === "ANY" ? (set.files.at(-1) ?? "") : place);
        const known = found.get(guide);
        if (known === undefined) throw new Error(`guide-sets.yaml names no guide of ours: ${line}`);
        const text = profile === "default" ? severity : `${severity} (strict)`;
        if (!known.has(rule)) known.set(rule, text);
      }
    }
  }
  return found;
}

function bySeverity(): readonly string[] {
  return SEVERITIES.flatMap((severity) => {
    const ids = rules.filter((rule) => rule.severity === severity).map(({ id }) => link(id));
    return ids.length === 0 ? [] : [`**${severity}** (${ids.length}): ${ids.join(", ")}`, ""];
  });
}

function byKind(): readonly string[] {
  const kinds = [...new Set(rules.flatMap((rule) => rule.kinds))].sort();
  return [
    "| Kind | Rules |",
    "|---|---|",
    ...kinds.map((kind) => {
      const ids = rules.filter((rule) => rule.kinds.includes(kind)).map(({ id }) => link(id));
      return `| ${kind} | ${ids.join(", ")} |`;
    }),
  ];
}

const byGuide = (): readonly string[] => [
  "What the guides' own manifests give, as published.",
  "",
  "| Guide | Rules |",
  "|---|---|",
  ...[...guideFindings()].map(([guide, found]) => {
    const ids = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, severity]) => `${link(id)} ${severity}`);
    return `| ${GUIDES.get(guide)} | ${ids.join(", ")} |`;
  }),
];

/** The list of all rules, and by severity, by kind and by guide. */
export const ruleIndexPage = (): string =>
  [
    "# Rules",
    "",
    "Generated from `src/lint/rules`. Each page shows what the rule finds and how to mend it.",
    "",
    "| Rule | Severity | Kinds | What is wrong |",
    "|---|---|---|---|",
    ...rules.map((rule) => `| ${link(rule.id)} | ${severityOf(rule)} | ${rule.kinds.join(", ")} | ${rule.title} |`),
    "",
    "Findings about the text of files, and about what an API server would refuse:",
    "",
    "| Finding | Severity | What is wrong |",
    "|---|---|---|",
    ...familyRows(),
    "",
    "`exemption-without-effect` is no rule: it reports an exemption that names no rule, gives no reason, is not allowed in its",
    "namespace, or is not needed. It cannot be exempted.",
    "",
    "## By severity",
    "",
    ...bySeverity(),
    "## By kind",
    "",
    ...byKind(),
    "",
    "## By guide",
    "",
    ...byGuide(),
    "",
  ].join("\n");
