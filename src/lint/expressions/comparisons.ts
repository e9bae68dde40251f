import { boundBy, children, type Node } from "../../cel/ast.ts";
import { type AttributePath, pathOf } from "../../cel/path.ts";

/** An attribute that is compared with constant texts. */
export type Comparison = {
  readonly path: AttributePath;
  /** `equals`: `==`, `!=` or `in [...]`; `ends`: `.endsWith()`. */
  readonly how: "equals" | "ends";
  readonly texts: readonly string[];
  /** Whether the expression asks for a difference: `!=`, or a comparison behind `!`. */
  readonly negated: boolean;
};

type Around = { readonly negated: boolean; readonly bound: ReadonlySet<string> };

/** Every comparison of an attribute with constant texts, in the order of the tree. */
export function comparisons(root: Node): readonly Comparison[] {
  const found: Comparison[] = [];
  const walk = (node: Node, around: Around): void => {
    const comparison = comparisonAt(node, around);
    if (comparison !== undefined) found.push(comparison);
    const negated = node.kind === "unary" && node.operator === "!" ? !around.negated : around.negated;
    const bound = node.kind === "comprehension" ? new Set([...around.bound, ...boundBy(node)]) : around.bound;
    for (const child of children(node)) walk(child, { negated, bound });
  };
  walk(root, { negated: false, bound: new Set() });
  return found;
}

function comparisonAt(node: Node, { negated, bound }: Around): Comparison | undefined {
  const compare = (side: Node | undefined, other: Node | undefined): Comparison | undefined => {
    const path = side === undefined ? undefined : pathOf(side, bound);
    const texts = other === undefined ? [] : constantTexts(other);
    return path === undefined || path.test || texts.length === 0
      ? undefined
      : { path, how: "equals", texts, negated: negated !== (node.kind === "binary" && node.operator === "!=") };
  };
  if (node.kind === "call" && node.name === "endsWith") {
    const comparison = compare(node.receiver, node.args[0]);
    return comparison === undefined ? undefined : { ...comparison, how: "ends" };
  }
  if (node.kind !== "binary") return undefined;
  if (node.operator === "in") return node.right.kind === "list" ? compare(node.left, node.right) : undefined;
  if (node.operator !== "==" && node.operator !== "!=") return undefined;
  return compare(node.left, node.right) ?? compare(node.right, node.left);
}

/** A text, or the texts of a list. */
function constantTexts(node: Node): readonly string[] {
  const nodes = node.kind === "list" ? node.items : [node];
  return nodes.flatMap((item) => (item.kind === "literal" && typeof item.value === "string" ? [item.value] : []));
}
