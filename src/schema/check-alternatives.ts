import { type FieldPath, formatPath } from "../model/field-path.ts";
import type { Check } from "./check-scalar.ts";
import { isMap } from "./json.ts";
import type { SchemaNode } from "./schema-node.ts";
import { report, type Violation } from "./violation.ts";

/** Checks a value against one node; passed in, because the two ways of checking need each other. */
type CheckNode = (value: unknown, node: SchemaNode, path: FieldPath, check: Check) => void;

/** What a node has against a value, at most one reason. */
function reasonAgainst(
  value: unknown,
  node: SchemaNode,
  path: FieldPath,
  { check, checkNode }: { readonly check: Check; readonly checkNode: CheckNode },
): Violation | undefined {
  const violations = { found: [] as Violation[], limit: 1 };
  checkNode(value, node, path, { ...check, violations });
  return violations.found[0];
}

/** Names of the fields that a node and those below it ask for: how APIs write "one of these". */
function askedFields(node: SchemaNode, into: Set<string> = new Set()): ReadonlySet<string> {
  for (const name of node.required) into.add(name);
  for (const nested of [...node.allOf, ...node.anyOf, ...node.oneOf]) askedFields(nested, into);
  if (node.not !== undefined) askedFields(node.not, into);
  return into;
}

const listed = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(", ");

/** The fields that a choice is about, and which of them the value has. */
function choice(
  value: unknown,
  nodes: readonly SchemaNode[],
): { readonly names: string[]; readonly present: string[] } {
  const names = [...new Set(nodes.flatMap((node) => [...askedFields(node)]))];
  return { names, present: names.filter((name) => isMap(value) && Object.hasOwn(value, name)) };
}

function noneFits(
  value: unknown,
  nodes: readonly SchemaNode[],
  path: FieldPath,
  reasons: readonly Violation[],
): Violation {
  const { names, present } = choice(value, nodes);
  if (names.length > 0 && present.length === 0) {
    const message = `one of ${listed(names)} is required, and none is set`;
    return { kind: "invalid", path, message, hint: "Set one of them." };
  }
  const [first] = reasons;
  const words = [...new Set(reasons.map(({ message }) => message))].slice(0, 4).join("; or: ");
  const where = first === undefined || first.path.length === path.length ? "" : ` (${formatPath(first.path)})`;
  return {
    kind: "invalid",
    path,
    message: `none of ${reasons.length} allowed forms fits: ${words}${where}`,
    hint: "Write the value in one of the forms that the API allows.",
  };
}

function severalFit(value: unknown, nodes: readonly SchemaNode[], path: FieldPath): Violation {
  const { names, present } = choice(value, nodes);
  const exclusive = present.length > 1;
  return {
    kind: "invalid",
    path,
    message: exclusive
      ? `only one of ${listed(names)} may be set, and ${listed(present)} are`
      : "the value fits several forms that exclude each other",
    hint: exclusive ? "Keep one of them." : "Leave out what belongs to the other form.",
  };
}

function forbidden(value: unknown, node: SchemaNode, path: FieldPath): Violation {
  const { present } = choice(value, [node]);
  const message =
    present.length === 0
      ? "the value has a form that is excluded here"
      : `${listed(present)} may not be set${present.length > 1 ? " together" : ""} here`;
  return { kind: "invalid", path, message, hint: "Remove what is excluded, see the API's reference." };
}

/** `allOf`, `anyOf`, `oneOf` and `not`. */
export function checkAlternatives(
  value: unknown,
  node: SchemaNode,
  path: FieldPath,
  check: Check,
  checkNode: CheckNode,
): void {
  const { violations } = check;
  for (const each of node.allOf) checkNode(value, each, path, check);
  const against = (nodes: readonly SchemaNode[]): readonly Violation[] =>
    nodes.flatMap((each) => reasonAgainst(value, each, path, { check, checkNode }) ?? []);
  if (node.anyOf.length > 0) {
    const reasons = against(node.anyOf);
    if (reasons.length === node.anyOf.length) report(violations, noneFits(value, node.anyOf, path, reasons));
  }
  if (node.oneOf.length > 0) {
    const reasons = against(node.oneOf);
    const fitting = node.oneOf.length - reasons.length;
    if (fitting > 1) report(violations, severalFit(value, node.oneOf, path));
    if (fitting === 0) {
      const { present } = choice(value, node.oneOf);
      const several = present.length > 1;
      report(violations, several ? severalFit(value, node.oneOf, path) : noneFits(value, node.oneOf, path, reasons));
    }
  }
  if (node.not !== undefined && against([node.not]).length === 0) report(violations, forbidden(value, node.not, path));
}
