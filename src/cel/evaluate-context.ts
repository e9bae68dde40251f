import { type CelError, type CelValue, failed, isList, isMap } from "./evaluate-values.ts";
import type { Patterns } from "./patterns.ts";

/** Steps that are left, shared by all expressions about one object. One step is some 100 ns. */
export type Budget = { steps: number };

/** Texts and lists that an expression makes are at most this long, in UTF-16 units and items. */
export const MAX_MADE = 1_000_000;

/** What one evaluation carries around. */
export type EvaluationContext = {
  readonly budget: Budget;
  readonly patterns: Patterns;
  /** Why nothing may be concluded from the outcome; set once, then everything fails quickly. */
  unchecked: string | undefined;
};

/** Names bound around a node, the innermost first. */
export type Scope = { readonly name: string; readonly value: CelValue; readonly outer: Scope | undefined };

/** What the walk over the tree carries around. */
export type Walk = EvaluationContext & { readonly variables: ReadonlyMap<string, CelValue> };

/** Gives up: the outcome says nothing about the expression. */
export function giveUp(context: EvaluationContext, reason: string): CelError {
  context.unchecked ??= reason;
  return failed(reason);
}

/** Takes steps from the budget; true when none are left. */
export function spend(context: EvaluationContext, steps: number): boolean {
  context.budget.steps -= steps;
  if (context.budget.steps >= 0) return context.unchecked !== undefined;
  giveUp(context, "it takes too many steps");
  return true;
}

/** A text or list that was made, when it is small enough to go on with. */
export function made<T extends CelValue>(context: EvaluationContext, value: T): T | CelError {
  const size =
    typeof value === "string" ? value.length : isList(value) ? value.length * 16 : isMap(value) ? value.size * 16 : 0;
  if (size > MAX_MADE) return giveUp(context, "it makes texts or lists that are too long");
  return spend(context, size >> 4) ? failed("stopped") : value;
}

/** A function of CEL. The receiver of `x.f(y)` is the first argument. Arguments are never errors. */
export type CelFunction = (args: readonly CelValue[], context: EvaluationContext) => CelValue;

/** Functions by name, with their namespace: `ip.isCanonical`. */
export type CelFunctions = Readonly<Record<string, CelFunction>>;
