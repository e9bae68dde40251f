import { type CelFunction, type CelFunctions, made, spend } from "./evaluate-context.ts";
import { binary, celCompare } from "./evaluate-operators.ts";
import { type CelValue, celEqual, failed, isError, isList, isTagged, noOverload } from "./evaluate-values.ts";

type List = readonly CelValue[];

const onList =
  (name: string, run: (list: List, context: Parameters<CelFunction>[1]) => CelValue): CelFunction =>
  ([value = null], context) => {
    if (!isList(value)) return noOverload(name, value);
    return spend(context, value.length) ? failed("stopped") : run(value, context);
  };

/** The smallest (`sign` 1) or largest (-1) item. */
function extreme(name: string, list: List, sign: 1 | -1): CelValue {
  let best = list[0];
  if (best === undefined) return failed(`${name} called on empty list`);
  for (const item of list) {
    const order = celCompare(item, best);
    if (order === undefined) return noOverload(name, item, best);
    if (order * sign < 0) best = item;
  }
  return best;
}

function isSorted(list: List): CelValue {
  for (const [position, item] of list.entries()) {
    const order = position === 0 ? 0 : celCompare(list[position - 1] ?? null, item);
    if (order === undefined) return noOverload("isSorted", list);
    if (order > 0) return false;
  }
  return true;
}

function flattened(list: List, depth: bigint): CelValue[] {
  return list.flatMap((item) => (isList(item) && depth > 0n ? flattened(item, depth - 1n) : [item]));
}

/** Of pairs of lists, where each item of one is looked for in the other. */
const onSets =
  (name: string, run: (a: List, b: List) => boolean): CelFunction =>
  ([a = null, b = null], context) => {
    if (!isList(a) || !isList(b)) return noOverload(name, a, b);
    return spend(context, a.length * b.length) ? failed("stopped") : run(a, b);
  };

const holdsAll = (a: List, b: List): boolean => b.every((item) => a.some((other) => celEqual(item, other)));

/** The position of an item in a list, from either end. */
export function positionOf(list: List, item: CelValue, last: boolean): CelValue {
  const same = (other: CelValue): boolean => celEqual(item, other);
  return BigInt(last ? list.findLastIndex(same) : list.findIndex(same));
}

function sum(list: List, context: Parameters<CelFunction>[1]): CelValue {
  let total: CelValue | undefined;
  for (const item of list) {
    total = total === undefined ? item : binary("+", total, item, context);
    if (isError(total)) return total;
  }
  return total ?? 0n;
}

/** `fail` of what an optional holds, or does not. */
const onOptional =
  (name: string, run: (held: CelValue | undefined, other: CelValue) => CelValue): CelFunction =>
  ([value = null, other = null]) =>
    isTagged(value, "optional") ? run(value.value, other) : noOverload(name, value);

const isZero = (value: CelValue): boolean =>
  [null, false, 0n, 0, ""].some((zero) => zero === value) || (isList(value) && value.length === 0);

/** Lists, sets and optional values. SOURCE: apiserver, pkg/cel/library/lists.go; cel-go, ext/sets.go and lists.go. */
export const LIST_FUNCTIONS: CelFunctions = {
  isSorted: onList("isSorted", isSorted),
  sum: onList("sum", sum),
  min: onList("min", (list) => extreme("min", list, 1)),
  max: onList("max", (list) => extreme("max", list, -1)),
  distinct: ([value = null], context) => {
    if (!isList(value)) return noOverload("distinct", value);
    if (spend(context, value.length ** 2)) return failed("stopped");
    return value.filter((item, at) => value.findIndex((other) => celEqual(item, other)) === at);
  },
  flatten: ([value = null, depth = 1n], context) =>
    isList(value) && typeof depth === "bigint" ? made(context, flattened(value, depth)) : noOverload("flatten", value),
  sort: onList("sort", (list) =>
    isError(extreme("sort", list.length === 0 ? [0n] : list, 1))
      ? noOverload("sort", list)
      : list.toSorted((a, b) => celCompare(a, b) ?? 0),
  ),
  slice: ([value = null, from = null, to = null]) => {
    if (!isList(value) || typeof from !== "bigint" || typeof to !== "bigint")
      return noOverload("slice", value, from, to);
    const outside = from < 0n || to < from || to > BigInt(value.length);
    return outside ? failed("slice is out of bounds") : value.slice(Number(from), Number(to));
  },
  "sets.contains": onSets("sets.contains", holdsAll),
  "sets.equivalent": onSets("sets.equivalent", (a, b) => holdsAll(a, b) && holdsAll(b, a)),
  "sets.intersects": onSets("sets.intersects", (a, b) => a.some((item) => b.some((other) => celEqual(item, other)))),
  "optional.none": () => ({ type: "optional" }),
  "optional.of": ([value = null]) => ({ type: "optional", value }),
  "optional.ofNonZeroValue": ([value = null]) => (isZero(value) ? { type: "optional" } : { type: "optional", value }),
  hasValue: onOptional("hasValue", (held) => held !== undefined),
  value: onOptional("value", (held) => held ?? failed("optional.none() dereference")),
  or: onOptional("or", (held, other) => (held === undefined ? other : { type: "optional", value: held })),
  orValue: onOptional("orValue", (held, other) => held ?? other),
};
