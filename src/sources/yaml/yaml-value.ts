import { isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from "yaml";
import type { SourceProblem } from "../source-problem.ts";
import { kubectlReading } from "./ambiguous-scalar.ts";
import type { LinePlaces } from "./line-places.ts";
import { YAML_LIMITS } from "./yaml-limits.ts";
import { type AliasTargets, isMergeKey, isPlain, keyText, pairsOf, rangeOf, resolved } from "./yaml-node.ts";

/** One document as JSON, with the way from its aliases to what they stand for. */
export type YamlValue = {
  readonly value: unknown;
  readonly aliases: AliasTargets;
  /** Warnings, and at most one error: then the document must not be used. */
  readonly problems: readonly SourceProblem[];
};

type Walk = {
  readonly lines: LinePlaces;
  readonly anchors: Map<string, Node>;
  readonly aliases: Map<Node, Node>;
  readonly problems: SourceProblem[];
  uses: number;
  aliasedValues: number;
  /** How many aliases the walk is inside of; what they repeat has been reported where it is written. */
  inside: number;
  warnings: number;
  refused: boolean;
};

type ProblemText = Pick<SourceProblem, "rule" | "message" | "hint" | "related">;

/** Warnings of one document beyond this many tell nothing new. */
const MAX_WARNINGS = 100;

function problemAt(walk: Walk, severity: SourceProblem["severity"], node: unknown, text: ProblemText): SourceProblem {
  const range = rangeOf(node) ?? { start: 0, end: 0 };
  const end = Math.min(range.end, Math.max(range.start, walk.lines.endOfLine(range.start)));
  return { severity, file: walk.lines.file, place: walk.lines.place(range.start, end), ...text };
}

function warn(walk: Walk, node: unknown, text: ProblemText): void {
  walk.warnings++;
  if (walk.warnings > MAX_WARNINGS + 1) return;
  const more = { rule: text.rule, message: "more warnings follow in this document", hint: "mend those above first" };
  walk.problems.push(problemAt(walk, "warning", node, walk.warnings > MAX_WARNINGS ? more : text));
}

/** Ends the walk: the document is too much to be used. */
function refuse(walk: Walk, node: unknown, text: ProblemText): null {
  if (!walk.refused) walk.problems.push(problemAt(walk, "error", node, text));
  walk.refused = true;
  return null;
}

function warnAmbiguous(walk: Walk, scalar: Scalar): void {
  const source = scalar.source ?? "";
  if (walk.inside > 0 || !isPlain(scalar) || scalar.tag !== undefined) return;
  const reading = kubectlReading(source);
  if (reading === undefined) return;
  warn(walk, scalar, {
    rule: "yaml-ambiguous-scalar",
    message: `\`${source}\` without quotes is ${JSON.stringify(scalar.value)} in YAML 1.2, but kubectl reads it as ${reading}`,
    hint: `write "${source}" in quotes, or ${reading} if that is meant`,
  });
}

/** JSON has neither infinities nor NaN; what was written is kept instead. */
function scalarValue(scalar: Scalar): unknown {
  const { value } = scalar;
  if (typeof value === "number" && !Number.isFinite(value)) return scalar.source ?? null;
  return value === undefined ? null : value;
}

function aliasValue(walk: Walk, node: Node, name: string, depth: number): unknown {
  // Inside a repeated anchor the alias keeps the meaning that it had where it is written.
  const target = walk.aliases.get(node) ?? walk.anchors.get(name);
  if (target === undefined) {
    return refuse(walk, node, {
      rule: "yaml-anchor",
      message: `\`*${name}\` without quotes refers to an anchor \`&${name}\`, and none is written before it`,
      hint: `write "*${name}" in quotes if it is text, or \`&${name}\` at the value to repeat`,
    });
  }
  walk.aliases.set(node, target);
  if (++walk.uses > YAML_LIMITS.aliases) {
    return refuse(walk, node, {
      rule: "yaml-limit",
      message: `anchors are used more than ${YAML_LIMITS.aliases} times in this document`,
      hint: "write the values out, or split the document",
    });
  }
  walk.inside++;
  const value = jsonOf(walk, target, depth);
  walk.inside--;
  return value;
}

/** Sets an own property whatever its name; plain assignment would lose `__proto__`. */
function setOwn(map: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  } else map[key] = value;
}

function reportDuplicate(walk: Walk, first: Node | null, second: Node | null, key: string): void {
  if (walk.inside > 0) return;
  const range = rangeOf(first);
  const related =
    range === undefined
      ? {}
      : { related: { place: walk.lines.place(range.start, range.end), message: "it is first written here" } };
  warn(walk, second, {
    rule: "yaml-duplicate-key",
    message: `the key "${key}" is written twice in one map; the last one counts`,
    hint: "remove one of the two; kubectl refuses the object or drops the first",
    ...related,
  });
}

function mergeInto(walk: Walk, map: Record<string, unknown>, value: unknown, node: Node | null): void {
  const merged = Array.isArray(value) ? value : [value];
  for (const each of merged) {
    if (walk.refused) return;
    if (each === null || typeof each !== "object" || Array.isArray(each)) {
      refuse(walk, node, {
        rule: "yaml-anchor",
        message: "`<<` merges maps, and this is none",
        hint: "give it a map, an alias of one, or a list of those; or quote the key",
      });
      return;
    }
    for (const [key, entry] of Object.entries(each)) if (!Object.hasOwn(map, key)) setOwn(map, key, entry);
  }
}

function mapValue(walk: Walk, node: YAMLMap, depth: number): Record<string, unknown> {
  const map: Record<string, unknown> = {};
  const written = new Map<string, Node | null>();
  const merges: { readonly value: unknown; readonly node: Node | null }[] = [];
  for (const pair of pairsOf(node)) {
    if (walk.refused) return map;
    if (isAlias(pair.key)) aliasValue(walk, pair.key, pair.key.source, depth + 1);
    else register(walk, pair.key);
    const key = keyText(pair.key, walk.aliases);
    if (key === undefined) {
      refuse(walk, pair.key, {
        rule: "yaml-syntax",
        message: "a map's key must be a string",
        hint: "write a plain or quoted key",
      });
      return map;
    }
    if (isScalar(pair.key)) warnAmbiguous(walk, pair.key);
    const value = jsonOf(walk, pair.value, depth + 1);
    if (isMergeKey(pair.key)) {
      merges.push({ value, node: pair.value });
      continue;
    }
    if (written.has(key)) reportDuplicate(walk, written.get(key) ?? null, pair.key, key);
    else written.set(key, pair.key);
    setOwn(map, key, value);
  }
  for (const merge of merges) mergeInto(walk, map, merge.value, merge.node);
  return map;
}

/** Makes a node's anchor known. After the node has been read, so that no alias can stand inside its own anchor. */
function register(walk: Walk, node: Node | null): void {
  const anchor = (node as { anchor?: string } | null)?.anchor;
  if (anchor !== undefined && node !== null && walk.inside === 0) walk.anchors.set(anchor, node);
}

function jsonOf(walk: Walk, node: Node | null, depth: number): unknown {
  if (walk.refused || node === null) return null;
  if (depth > YAML_LIMITS.depth) {
    return refuse(walk, node, {
      rule: "yaml-limit",
      message: `maps and lists are nested more than ${YAML_LIMITS.depth} deep`,
      hint: "check the indentation and brackets before this line",
    });
  }
  if (walk.inside > 0 && ++walk.aliasedValues > YAML_LIMITS.aliasedValues) {
    return refuse(walk, node, {
      rule: "yaml-limit",
      message: `anchors repeat more than ${YAML_LIMITS.aliasedValues} values in this document`,
      hint: "write the values out, or split the document",
    });
  }
  const value = contentOf(walk, node, depth);
  register(walk, node);
  return value;
}

function contentOf(walk: Walk, node: Node, depth: number): unknown {
  if (isAlias(node)) return aliasValue(walk, node, node.source, depth);
  if (isMap(node)) return mapValue(walk, node, depth);
  if (isSeq(node)) {
    return node.items.map((item) => jsonOf(walk, item as Node | null, depth + 1));
  }
  if (!isScalar(node)) return null;
  warnAmbiguous(walk, node);
  return scalarValue(node);
}

/**
 * Reads a parsed document as JSON. Anchors are expanded within limits, merge keys applied, `__proto__` is a key
 * like any other. Of equal keys the last counts, with a warning that names both places.
 */
export function yamlValue(root: Node, lines: LinePlaces): YamlValue {
  const walk: Walk = {
    lines,
    anchors: new Map(),
    aliases: new Map(),
    problems: [],
    uses: 0,
    aliasedValues: 0,
    inside: 0,
    warnings: 0,
    refused: false,
  };
  const value = jsonOf(walk, resolved(root, walk.aliases), 1);
  return { value, aliases: walk.aliases, problems: walk.problems };
}
