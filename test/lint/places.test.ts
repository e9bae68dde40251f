import { describe, expect, test } from "vitest";
import { Document, isScalar, parseAllDocuments, Scalar, visit } from "yaml";
import { exampleText } from "../../src/lint/example-text.ts";
import { rules } from "../../src/lint/rules/index.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { decodeObject } from "../../src/model/decode.ts";
import { type FieldPath, formatPath, valueAt } from "../../src/model/field-path.ts";
import type { Finding } from "../../src/model/finding.ts";
import { identityOf } from "../../src/model/object-ref.ts";
import type { Place } from "../../src/model/place.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { parseYaml } from "../../src/sources/yaml/parse-yaml.ts";

const STYLES = ["PLAIN", "QUOTE_SINGLE", "QUOTE_DOUBLE", "BLOCK_LITERAL", "BLOCK_FOLDED"] as const;

type Style = (typeof STYLES)[number];

/** Every string value of the example in one style, in lines so short that whatever can be folded is. */
function restyled(yaml: string, style: Style): string {
  return parseAllDocuments(exampleText(yaml))
    .filter((document) => document instanceof Document && document.contents !== null)
    .map((document) => {
      visit(document, {
        Collection: (_key, node) => {
          node.flow = false;
        },
        Scalar: (key, node) => {
          if (key !== "key" && typeof node.value === "string") node.type = Scalar[style];
        },
      });
      return document.toString({ lineWidth: 24, minContentWidth: 4, directives: false });
    })
    .join("---\n");
}

const located = (text: string) => {
  const { documents, problems } = parseYaml({ text, file: "restyled.yaml" });
  const objects = documents.flatMap(({ raw, locate }) => {
    const outcome = decodeObject(raw);
    return outcome.status === "decoded" ? [{ ...outcome.decoded, locate }] : [];
  });
  return { objects, problems };
};

/** What the file holds between the ends of a place. */
function textAt(text: string, { line, column, endLine, endColumn }: Place): string {
  const lines = text.split("\n").slice(line - 1, endLine);
  const cut = lines.with(-1, (lines.at(-1) ?? "").slice(0, endColumn - 1));
  return cut.with(0, (cut[0] ?? "").slice(column - 1)).join("\n");
}

/** Source text as the value has it: line breaks and escapes are undone, and blanks no longer count. */
const squeezed = (source: string, style: string | undefined): string => {
  const plain =
    style === "QUOTE_DOUBLE"
      ? source
          .replace(/\\\n\s*\\?/g, "")
          .replace(/\\n/g, "\n")
          .replace(/\\(["\\/])/g, "$1")
      : style === "QUOTE_SINGLE"
        ? source.replaceAll("''", "'")
        : source;
  return plain.replace(/\s+/g, "");
};

/** The style that the field really has: the writer falls back to quotes where a style cannot hold the text. */
function styleOf(text: string, index: number, path: FieldPath): string | undefined {
  const node = parseAllDocuments(text)[index]?.getIn(path as (string | number)[], true);
  return isScalar(node) ? (node.type ?? undefined) : undefined;
}

const withRange = (findings: readonly Finding[]) =>
  findings.flatMap((finding) => (finding.range === undefined ? [] : [{ ...finding, range: finding.range }]));

/** Examples whose findings point into a string. */
const pointed = rules.flatMap((rule) =>
  rule.bad.filter(({ finds }) => finds.some(({ text }) => text !== undefined)).map((example) => ({ rule, example })),
);

describe.each(STYLES)("strings written as %s", (style) => {
  test("place every sub-expression at its own text, line and column", () => {
    const wrong: string[] = [];
    let compared = 0;
    let onLaterLines = 0;
    for (const { rule, example } of pointed) {
      const text = restyled(example.yaml, style);
      const { objects, problems } = located(text);
      expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
      for (const finding of withRange(lintTopology(buildTopology(objects), { rules: [rule], profile: "strict" }))) {
        const index = objects.findIndex(({ ref }) => identityOf(ref) === identityOf(finding.object));
        const object = objects[index];
        const place = object?.locate(finding.path, finding.range);
        const value = valueAt(object?.raw, finding.path);
        if (place === undefined || typeof value !== "string") {
          wrong.push(`${rule.id}: ${example.name}: no place`);
          continue;
        }
        compared++;
        if (place.line > (object?.locate(finding.path)?.line ?? 0)) onLaterLines++;
        const written = squeezed(textAt(text, place), styleOf(text, index, finding.path));
        const meant = value.slice(finding.range.start, finding.range.end).replace(/\s+/g, "");
        if (written !== meant) wrong.push(`${rule.id}: ${formatPath(finding.path)}: ${written} instead of ${meant}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(100);
    expect(onLaterLines).toBeGreaterThan(20);
  });
});
