import { type Evaluation, evaluate } from "../cel/evaluate.ts";
import type { Budget } from "../cel/evaluate-context.ts";
import { type CelValue, isList, isMap } from "../cel/evaluate-values.ts";
import type { FieldPath } from "../model/field-path.ts";
import type { Check } from "./check-scalar.ts";
import { schemaOfField } from "./fallbacks.ts";
import type { SchemaNode } from "./schema-node.ts";
import type { ParsedRule, SchemaRule } from "./schema-rule.ts";
import { report } from "./violation.ts";

/** What the rules of one object share. */
export type RuleCheck = Check & {
  readonly budget: Budget;
  /** Where rules go about which nothing can be said. */
  readonly unchecked: (rule: SchemaRule, why: string) => void;
};

type Place = { readonly self: CelValue; readonly path: FieldPath; readonly check: RuleCheck };

const NO_OLD_SELF: CelValue = { type: "optional" };

function run(parsed: ParsedRule, { self, check }: Place): Evaluation {
  if (parsed.status === "unchecked") return { status: "unchecked", message: parsed.why };
  const variables = new Map([
    ["self", self],
    ["oldSelf", NO_OLD_SELF],
  ]);
  return evaluate(parsed.tree, { variables, budget: check.budget, patterns: check.patterns });
}

const STEP = /^(?:\.([^.[\]']{1,253})|\['((?:[^'\\]|\\['\\]){1,253})'\])/;

/** A rule's `fieldPath` as steps; empty when it has none or it cannot be read. */
function blamedPath(fieldPath: string | undefined): FieldPath {
  const steps: string[] = [];
  for (let rest = fieldPath ?? ""; rest !== "" && steps.length < 100; ) {
    const match = STEP.exec(rest);
    if (match === null) return [];
    steps.push(match[1] ?? (match[2] ?? "").replace(/\\(['\\])/g, "$1"));
    rest = rest.slice(match[0].length);
  }
  return steps;
}

/** The rule's own words; its message may be an expression, which counts when it gives one line. */
function wordsOf(rule: SchemaRule, place: Place): string {
  const parsed = rule.parsedMessage();
  const result = parsed === undefined ? undefined : run(parsed, place);
  const text = result?.status === "value" && typeof result.value === "string" ? result.value.trim() : "";
  if (text !== "" && !text.includes("\n") && text.length <= 5120) return text;
  return rule.message?.trim() ?? `the rule \`${rule.rule.slice(0, 200)}\` is not met`;
}

const plain = (message: string): string => message.replace(/[.!]$/, "");

function checkRule(rule: SchemaRule, place: Place): void {
  const { path, check } = place;
  const parsed = rule.parsed();
  // Rules about changes are not evaluated for an object that is new.
  if (parsed.status === "parsed" && parsed.usesOldSelf && !rule.optionalOldSelf) return;
  const result = run(parsed, place);
  if (result.status === "unchecked") check.unchecked(rule, result.message);
  else if (result.status === "error") {
    const message = `a rule of the API fails on this object: ${result.message} (\`${rule.rule.slice(0, 200)}\`)`;
    const hint = "Check the fields that the rule reads; the API server refuses the object.";
    report(check.violations, { kind: "rule", path, message, hint });
  } else if (result.value !== true) {
    const message = `the API requires: ${plain(wordsOf(rule, place))}`;
    const hint = `Change the object so that this holds: \`${rule.rule.replaceAll(/\s+/g, " ").trim().slice(0, 300)}\`.`;
    report(check.violations, { kind: "rule", path: [...path, ...blamedPath(rule.fieldPath)], message, hint });
  }
}

function checkBelow(node: SchemaNode, place: Place): void {
  const { self, path, check } = place;
  if (isList(self)) {
    const { items } = node;
    if (items === undefined) return;
    for (const [position, item] of self.entries()) {
      checkRules(items, { self: item, path: [...path, position], check });
    }
  } else if (isMap(self)) {
    for (const [name, value] of self) {
      const child = typeof name === "string" ? schemaOfField(node, name) : undefined;
      if (child !== undefined) checkRules(child, { self: value, path: [...path, String(name)], check });
    }
  }
}

/** Evaluates the rules of a node and of all below it; `self` is the value as `ruleValue` makes it. */
export function checkRules(node: SchemaNode, place: Place): void {
  if (!node.rulesBelow || place.self === null) return;
  for (const rule of node.rules) checkRule(rule, place);
  for (const each of node.allOf) checkRules(each, place);
  checkBelow(node, place);
}
