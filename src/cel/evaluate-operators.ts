import type { BinaryOperator } from "./ast.ts";
import { type EvaluationContext, made, spend } from "./evaluate-context.ts";
import {
  type CelMap,
  type CelValue,
  celEqual,
  failed,
  isList,
  isMap,
  isTagged,
  noOverload,
  numberOf,
  sizeUpTo,
  tagOf,
} from "./evaluate-values.ts";

const MAX_INT = 2n ** 63n - 1n;
const MIN_INT = -(2n ** 63n);

/** An int, or the error of one that has no place in 64 bits. */
export const int = (value: bigint): CelValue =>
  value > MAX_INT || value < MIN_INT ? failed("integer overflow") : value;

const unsigned = (value: bigint): CelValue =>
  value > 2n ** 64n - 1n || value < 0n ? failed("unsigned integer overflow") : { type: "uint", value };

const MIN_TIME = -62_135_596_800n * 1_000_000_000n;
const MAX_TIME = 253_402_300_800n * 1_000_000_000n - 1n;

/** A time of the years 1 to 9999, or the error of another one. */
export const timestamp = (ns: bigint): CelValue =>
  ns < MIN_TIME || ns > MAX_TIME ? failed("timestamp overflow") : { type: "timestamp", ns };

/** A span of at most 292 years, or the error of a longer one. */
const duration = (ns: bigint): CelValue =>
  ns > MAX_INT || ns < MIN_INT ? failed("integer overflow") : { type: "duration", ns };

type Arithmetic = "+" | "-" | "*" | "/" | "%";

function whole(operator: Arithmetic, a: bigint, b: bigint): bigint | undefined {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0n ? undefined : a / b;
    case "%":
      return b === 0n ? undefined : a % b;
  }
}

function double(operator: Arithmetic, a: number, b: number): CelValue {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return noOverload("_%_", a, b);
  }
}

const byZero = (operator: Arithmetic): CelValue => failed(operator === "/" ? "division by zero" : "modulus by zero");

/** Times and spans; undefined for what cannot be added or taken away. */
function times(operator: "+" | "-", a: CelValue, b: CelValue): CelValue | undefined {
  const add = (left: bigint, right: bigint): bigint => (operator === "+" ? left + right : left - right);
  if (isTagged(a, "duration") && isTagged(b, "duration")) return duration(add(a.ns, b.ns));
  if (isTagged(a, "timestamp") && isTagged(b, "duration")) return timestamp(add(a.ns, b.ns));
  if (operator === "+" && isTagged(a, "duration") && isTagged(b, "timestamp")) return timestamp(a.ns + b.ns);
  if (operator === "-" && isTagged(a, "timestamp") && isTagged(b, "timestamp")) return duration(a.ns - b.ns);
  return undefined;
}

function joined(a: CelValue, b: CelValue, context: EvaluationContext): CelValue | undefined {
  if (typeof a === "string" && typeof b === "string") return made(context, a + b);
  if (isList(a) && isList(b)) return made(context, [...a, ...b]);
  if (isTagged(a, "bytes") && isTagged(b, "bytes")) {
    return { type: "bytes", value: Uint8Array.from([...a.value, ...b.value]) };
  }
  return undefined;
}

function arithmetic(operator: Arithmetic, a: CelValue, b: CelValue, context: EvaluationContext): CelValue {
  if (typeof a === "bigint" && typeof b === "bigint") {
    const value = whole(operator, a, b);
    return value === undefined ? byZero(operator) : int(value);
  }
  if (typeof a === "number" && typeof b === "number") return double(operator, a, b);
  if (isTagged(a, "uint") && isTagged(b, "uint")) {
    const value = whole(operator, a.value, b.value);
    return value === undefined ? byZero(operator) : unsigned(value);
  }
  const other = operator === "+" || operator === "-" ? times(operator, a, b) : undefined;
  return other ?? (operator === "+" ? joined(a, b, context) : undefined) ?? noOverload(`_${operator}_`, a, b);
}

const order = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** CEL compares texts by code points, JavaScript by UTF-16 units; they differ where surrogates meet U+E000 and above. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    if (a.charCodeAt(at) === b.charCodeAt(at)) continue;
    return order(a.codePointAt(at) ?? 0, b.codePointAt(at) ?? 0);
  }
  return a.length - b.length;
}

/** Below 0, 0 or above; undefined when the two have no order. */
export function celCompare(a: CelValue, b: CelValue): number | undefined {
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== undefined && right !== undefined) return left < right ? -1 : left > right ? 1 : 0;
  if (typeof a === "boolean" && typeof b === "boolean") return order(a, b);
  if (isTagged(a, "timestamp") && isTagged(b, "timestamp")) return order(a.ns, b.ns);
  if (isTagged(a, "duration") && isTagged(b, "duration")) return order(a.ns, b.ns);
  return undefined;
}

function comparison(operator: "<" | "<=" | ">" | ">=", a: CelValue, b: CelValue): CelValue {
  // Nothing is below or above NaN. What has no order at all is asked for it first when it stands on the left.
  if (Number.isNaN(a) || (Number.isNaN(b) && celCompare(a, a) !== undefined)) return false;
  const compared = celCompare(a, b);
  if (compared === undefined) return noOverload(`_${operator}_`, a, b);
  if (operator === "<") return compared < 0;
  if (operator === "<=") return compared <= 0;
  return operator === ">" ? compared > 0 : compared >= 0;
}

/** The key as maps hold it: doubles and uints that are whole find ints. */
export function keyOf(value: CelValue): string | bigint | boolean | undefined {
  if (typeof value === "string" || typeof value === "bigint" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : undefined;
  return isTagged(value, "uint") ? value.value : undefined;
}

function within(a: CelValue, b: CelValue, context: EvaluationContext): CelValue {
  if (isMap(b)) return hasKey(b, a);
  if (!isList(b)) return noOverload("@in", a, b);
  if (spend(context, b.length)) return failed("stopped");
  return b.some((item) => celEqual(a, item));
}

const hasKey = (map: CelMap, value: CelValue): boolean => {
  const key = keyOf(value);
  return key !== undefined && map.has(key);
};

/** The operators that need both their sides. */
export function binary(
  operator: Exclude<BinaryOperator, "&&" | "||">,
  a: CelValue,
  b: CelValue,
  context: EvaluationContext,
): CelValue {
  switch (operator) {
    case "==":
    case "!=":
      if (spend(context, Math.min(sizeUpTo(a, 10_000), sizeUpTo(b, 10_000)))) return failed("stopped");
      return celEqual(a, b) === (operator === "==");
    case "<":
    case "<=":
    case ">":
    case ">=":
      if (typeof a === "string" && spend(context, a.length >> 4)) return failed("stopped");
      return comparison(operator, a, b);
    case "in":
      return within(a, b, context);
    default:
      return arithmetic(operator, a, b, context);
  }
}

/** `-x`. */
export function negated(value: CelValue): CelValue {
  if (typeof value === "bigint") return int(-value);
  if (typeof value === "number") return -value;
  return tagOf(value) === "duration" && isTagged(value, "duration") ? duration(-value.ns) : noOverload("-_", value);
}
