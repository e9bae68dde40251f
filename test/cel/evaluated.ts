import { evaluate } from "../../src/cel/evaluate.ts";
import { celOf } from "../../src/cel/evaluate-values.ts";
import { parseExpression } from "../../src/cel/parse.ts";
import { createPatterns } from "../../src/cel/patterns.ts";

const patterns = createPatterns();

/** What the expressions of tables read as `self`. */
const SELF = {
  text: "héllo",
  number: 7,
  half: 1.5,
  list: [3, 1, 2],
  map: { a: "x", b: "y" },
  nothing: null,
};

/** An expression that fails, or one of which nothing may be concluded, with the reason. */
export type Failure = { readonly error: string } | { readonly unchecked: string };

/** The value of an expression about an object, or why there is none. */
export function evaluated(text: string, self: unknown = SELF, steps = 1_000_000): unknown {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problems[0]?.message}`);
  const variables = new Map([["self", celOf(self)]]);
  const outcome = evaluate(parsed.value, { variables, budget: { steps }, patterns });
  if (outcome.status === "value") return outcome.value;
  const failure: Failure = outcome.status === "error" ? { error: outcome.message } : { unchecked: outcome.message };
  return failure;
}
