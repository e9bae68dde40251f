import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { tokenize } from "../../../src/cel/tokens.ts";
import { exampleText } from "../../../src/lint/example-text.ts";
import { rules } from "../../../src/lint/rules/index.ts";

/** The fields that hold CEL, in whatever object. */
const CEL_FIELDS = new Set(["predicate", "expression", "urlExpression"]);

function collect(value: unknown, found: Set<string>, field = ""): void {
  if (typeof value === "string" && CEL_FIELDS.has(field)) found.add(value);
  if (value === null || typeof value !== "object") return;
  for (const [key, inner] of Object.entries(value)) collect(inner, found, field === "labels" ? "expression" : key);
}

const documentsOf = (yaml: string): readonly unknown[] =>
  parseAllDocuments(yaml, { uniqueKeys: false, logLevel: "silent" }).map((document) => document.toJS() as unknown);

const FIXTURES = "test/fixtures";

const manifests = (): readonly string[] =>
  ["manifests", "manifests-head", "cluster-objects"].flatMap((folder) =>
    readdirSync(join(FIXTURES, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".yaml"))
      .map((file) => readFileSync(join(FIXTURES, folder, file), "utf8")),
  );

const fixture = (file: string): unknown => JSON.parse(readFileSync(join(FIXTURES, file), "utf8"));

/** Every expression of the rules' examples, of the guides and of what was observed of the engines, each once. */
export function writtenExpressions(): readonly string[] {
  const found = new Set<string>();
  const examples = rules.flatMap(({ bad, good }) => [...bad, ...good].map(({ yaml }) => exampleText(yaml)));
  for (const yaml of [...examples, ...manifests()]) for (const document of documentsOf(yaml)) collect(document, found);
  for (const file of ["authorino-observed.json", "istio-observed.json"]) collect(fixture(file), found);
  const { cases } = fixture("wasm-shim-observed.json") as { readonly cases: readonly { readonly source: string }[] };
  for (const { source } of cases) found.add(source);
  const [outcomes] = documentsOf(readFileSync(join(FIXTURES, "cel-expressions.yaml"), "utf8"));
  for (const texts of Object.values(outcomes as Readonly<Record<string, readonly string[]>>)) {
    for (const expression of texts) found.add(expression);
  }
  return [...found];
}

/** Whole numbers below `below`, the same ones on every run. */
export function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

const PARTS =
  "( ) [ ] { } . , : ? ! - + * / % == != < <= > >= in && || a b 1 2u 0x1F 1.5 .5 1e3 'a' r'\\d' b'x' true null has size .? [? as if __x \"\"\" // & | = ; @ $ ' ` \\ \u00e9 \u{1f600} request map".split(
    " ",
  );

/** Changes one or two tokens: dropped, doubled, swapped with the next one, replaced, or followed by another. */
function mutated(expression: string, next: (below: number) => number): string {
  const texts = tokenize(expression).map(({ text }) => text);
  for (let changes = 1 + next(2); changes > 0; changes--) {
    const at = next(texts.length + 1);
    const other = PARTS[next(PARTS.length)] ?? "";
    const way = next(5);
    if (way === 0) texts.splice(at, 1);
    else if (way === 1) texts.splice(at, 0, texts[at] ?? other);
    else if (way === 2) texts.splice(at, 2, ...texts.slice(at, at + 2).reverse());
    else if (way === 3) texts.splice(at, 1, other);
    else texts.splice(at, 0, other);
  }
  return texts.reduce((joined, text) => `${joined}${/\w$/.test(joined) && /^\w/.test(text) ? " " : ""}${text}`, "");
}

/** `count` mutants of the given expressions, the same on every run. */
export function mutants(expressions: readonly string[], count: number): readonly string[] {
  const next = sequence(20_261_121);
  const found = new Set<string>();
  const known = new Set(expressions);
  while (found.size < count) {
    const mutant = mutated(expressions[next(expressions.length)] ?? "", next);
    if (!known.has(mutant)) found.add(mutant);
  }
  return [...found];
}
