import type { Node } from "../../src/cel/ast.ts";
import { parseExpression } from "../../src/cel/parse.ts";

/** The tree of an expression that must parse. */
export function parsed(text: string): Node {
  const result = parseExpression(text);
  if (!result.ok) throw new Error(`${text}: ${result.problems[0]?.message}`);
  return result.value;
}
