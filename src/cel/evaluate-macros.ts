import type { Comprehension, Node } from "./ast.ts";
import { giveUp, made, type Scope, type Walk } from "./evaluate-context.ts";
import { keyOf } from "./evaluate-operators.ts";
import { type CelValue, failed, isError, isList, isMap, isTagged, noOverload } from "./evaluate-values.ts";

/** One round of a macro: the values of its variables, one or two. */
type Round = readonly CelValue[];

/** What a macro goes over: a list's items, a map's keys, or with two variables also their positions or values. */
function roundsOf(subject: CelValue, variables: number): Iterable<Round> | undefined {
  if (isList(subject)) {
    return variables === 1
      ? subject.map((item) => [item])
      : subject.map((item, position): Round => [BigInt(position), item]);
  }
  if (!isMap(subject)) return undefined;
  return variables === 1 ? [...subject.keys()].map((key) => [key]) : subject.entries();
}

type Macro = {
  readonly node: Comprehension;
  readonly rounds: Iterable<Round>;
  readonly run: (body: Node | undefined, round: Round) => CelValue;
};

/** `all` and `exists`: one round that decides is enough, whatever fails in others. */
function quantified(decides: boolean, { node, rounds, run }: Macro): CelValue {
  let failure: CelValue | undefined;
  for (const round of rounds) {
    const value = run(node.bodies[0], round);
    if (value === decides) return decides;
    if (typeof value !== "boolean") failure ??= isError(value) ? value : noOverload(node.macro, value);
  }
  return failure ?? !decides;
}

function existsOne({ node, rounds, run }: Macro): CelValue {
  let count = 0;
  for (const round of rounds) {
    const value = run(node.bodies[0], round);
    if (typeof value !== "boolean") return isError(value) ? value : noOverload(node.macro, value);
    if (value) count++;
  }
  return count === 1;
}

/** Whether a round passes the macro's filter; an error when that cannot be told. */
function passes({ node, run }: Macro, filter: Node | undefined, round: Round): boolean | CelValue {
  if (filter === undefined) return true;
  const value = run(filter, round);
  return typeof value === "boolean" || isError(value) ? value : noOverload(node.macro, value);
}

/** `filter`, `map` and `transformList`: a list of what each round gives. */
function listed(macro: Macro, walk: Walk): CelValue {
  const { node, rounds, run } = macro;
  const isFilter = node.macro === "filter";
  const filter = isFilter || node.bodies.length === 2 ? node.bodies[0] : undefined;
  const items: CelValue[] = [];
  for (const round of rounds) {
    const taken = passes(macro, filter, round);
    if (taken === false) continue;
    if (taken !== true) return taken;
    const item = isFilter ? (round[0] ?? null) : run(node.bodies.at(-1), round);
    if (isError(item)) return item;
    items.push(item);
  }
  return made(walk, items);
}

function mapped(macro: Macro, walk: Walk): CelValue {
  const { node, rounds, run } = macro;
  const entries = new Map<string | bigint | boolean, CelValue>();
  for (const round of rounds) {
    const taken = passes(macro, node.bodies.length === 2 ? node.bodies[0] : undefined, round);
    if (taken === false) continue;
    if (taken !== true) return taken;
    const value = run(node.bodies.at(-1), round);
    if (isError(value)) return value;
    const key = keyOf(round[0] ?? null);
    if (key !== undefined) entries.set(key, value);
  }
  return made(walk, entries);
}

function optional(macro: "optMap" | "optFlatMap", subject: CelValue, run: (value: CelValue) => CelValue): CelValue {
  if (!isTagged(subject, "optional")) return noOverload(macro, subject);
  if (subject.value === undefined) return subject;
  const value = run(subject.value);
  return isError(value) || macro === "optFlatMap" ? value : { type: "optional", value };
}

function overRounds(macro: Macro, walk: Walk): CelValue {
  switch (macro.node.macro) {
    case "all":
      return quantified(false, macro);
    case "exists":
      return quantified(true, macro);
    case "exists_one":
    case "existsOne":
      return existsOne(macro);
    case "filter":
    case "map":
    case "transformList":
      return listed(macro, walk);
    case "transformMap":
      return mapped(macro, walk);
    default:
      return giveUp(walk, `the macro ${macro.node.macro}() is not known here`);
  }
}

/** The walk that a macro is part of, and how it evaluates what is below a node. */
export type Evaluator = {
  readonly walk: Walk;
  readonly nodeValue: (node: Node, scope: Scope | undefined, walk: Walk) => CelValue;
};

/** The value of a macro that gives names to values. */
export function evaluateMacro(node: Comprehension, scope: Scope | undefined, { walk, nodeValue }: Evaluator): CelValue {
  const subject = nodeValue(node.subject, scope, walk);
  if (isError(subject)) return subject;
  const run = (body: Node | undefined, round: Round): CelValue => {
    if (body === undefined) return failed("a macro without a body");
    let inner = scope;
    for (const [position, { name }] of node.variables.entries()) {
      inner = { name, value: round[position] ?? null, outer: inner };
    }
    return nodeValue(body, inner, walk);
  };
  const { macro } = node;
  if (macro === "cel.bind") return run(node.bodies[0], [subject]);
  if (macro === "optMap" || macro === "optFlatMap") {
    return optional(macro, subject, (value) => run(node.bodies[0], [value]));
  }
  const rounds = roundsOf(subject, node.variables.length);
  return rounds === undefined ? noOverload(macro, subject) : overRounds({ node, rounds, run }, walk);
}
