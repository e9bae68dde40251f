import type { CelFunctions } from "./evaluate-context.ts";
import { int } from "./evaluate-operators.ts";
import { type CelTagged, type CelValue, failed, isTagged, noOverload, sameScale } from "./evaluate-values.ts";

type Quantity = Extract<CelTagged, { readonly type: "quantity" }>;
type Semver = Extract<CelTagged, { readonly type: "semver" }>;

/** Suffixes as powers of ten, or as factors. SOURCE: apimachinery, pkg/api/resource/suffix.go. */
const POWERS: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const FACTORS: Readonly<Record<string, bigint>> = {
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
  Pi: 1n << 50n,
  Ei: 1n << 60n,
};

const QUANTITY = /^([+-]?)(\d{0,40})(?:\.(\d{0,40}))?([A-Za-z]{0,2}|[eE][+-]?\d{1,2})$/;

/** A Kubernetes quantity such as `100m` or `1.5Gi`; undefined for what is none. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = text.length > 100 ? null : QUANTITY.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", suffix = ""] = match;
  if (whole + fraction === "") return undefined;
  const digits = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
  const factor = FACTORS[suffix];
  const exponent = /^[eE]([+-]?\d+)$/.exec(suffix)?.[1];
  const power = exponent === undefined ? POWERS[suffix] : Number(exponent);
  if (factor !== undefined) return { type: "quantity", value: digits * factor, scale: fraction.length };
  if (power === undefined) return undefined;
  const scale = fraction.length - power;
  return scale >= 0
    ? { type: "quantity", value: digits, scale }
    : { type: "quantity", value: digits * 10n ** BigInt(-scale), scale: 0 };
}

/** The whole number that a quantity is; undefined when it has a fraction or no place in 64 bits. */
function wholeOf({ value, scale }: Quantity): bigint | undefined {
  const unit = 10n ** BigInt(scale);
  const whole = value % unit === 0n ? value / unit : undefined;
  return whole === undefined || whole >= 2n ** 63n || whole < -(2n ** 63n) ? undefined : whole;
}

const quantityOf = (value: CelValue): Quantity | undefined =>
  isTagged(value, "quantity") ? value : typeof value === "bigint" ? { type: "quantity", value, scale: 0 } : undefined;

function compare(a: Quantity, b: Quantity): number {
  const [left, right] = sameScale(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

const SEMVER =
  /^(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})(?:-([0-9A-Za-z.-]{1,200}))?(?:\+[0-9A-Za-z.-]{1,200})?$/;

/** A semantic version; undefined for what is none. */
function parseSemver(text: string): Semver | undefined {
  const match = SEMVER.exec(text);
  if (match === null) return undefined;
  const [, major = "0", minor = "0", patch = "0", pre = ""] = match;
  const parts = pre === "" ? [] : pre.split(".");
  if (parts.some((part) => part === "" || /^0\d+$/.test(part))) return undefined;
  return { type: "semver", numbers: [BigInt(major), BigInt(minor), BigInt(patch)], pre: parts };
}

function comparePart(a: string, b: string): number {
  const numbers = [a, b].map((part) => /^\d+$/.test(part));
  if (numbers[0] !== numbers[1]) return numbers[0] === true ? -1 : 1;
  if (numbers[0] === true && BigInt(a) !== BigInt(b)) return BigInt(a) < BigInt(b) ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** SOURCE: semver.org 2.0.0, section 11. */
function compareSemver(a: Semver, b: Semver): number {
  for (const [position, left] of a.numbers.entries()) {
    const right = b.numbers[position] ?? 0n;
    if (left !== right) return left < right ? -1 : 1;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return Math.sign(b.pre.length - a.pre.length);
  for (const [position, left] of a.pre.entries()) {
    const right = b.pre[position];
    const order = right === undefined ? 1 : comparePart(left, right);
    if (order !== 0) return order;
  }
  return a.pre.length < b.pre.length ? -1 : 0;
}

/** Quantities and versions are compared by functions of the same names. */
const comparing =
  (name: string, answer: (order: number) => CelValue): CelFunctions[string] =>
  ([a = null, b = null]) => {
    if (isTagged(a, "quantity") && isTagged(b, "quantity")) return answer(compare(a, b));
    if (isTagged(a, "semver") && isTagged(b, "semver")) return answer(compareSemver(a, b));
    return noOverload(name, a, b);
  };

const adding =
  (name: string, sign: bigint): CelFunctions[string] =>
  ([a = null, b = null]) => {
    const [left, right] = [quantityOf(a), quantityOf(b)];
    if (left === undefined || right === undefined || !isTagged(a, "quantity")) return noOverload(name, a, b);
    const [x, y] = sameScale(left, right);
    return { type: "quantity", value: x + sign * y, scale: Math.max(left.scale, right.scale) };
  };

const versionPart =
  (name: string, position: 0 | 1 | 2): CelFunctions[string] =>
  ([value = null]) =>
    isTagged(value, "semver") ? value.numbers[position] : noOverload(name, value);

/** Kubernetes' quantities and versions. SOURCE: apiserver, pkg/cel/library/quantity.go and semverlib.go. */
export const QUANTITY_FUNCTIONS: CelFunctions = {
  quantity: ([value = null]) => {
    if (typeof value !== "string") return noOverload("quantity", value);
    return parseQuantity(value) ?? failed("quantity parse error during conversion from string");
  },
  isQuantity: ([value = null]) =>
    typeof value === "string" ? parseQuantity(value) !== undefined : noOverload("isQuantity", value),
  sign: ([value = null]) =>
    isTagged(value, "quantity") ? (value.value < 0n ? -1n : value.value > 0n ? 1n : 0n) : noOverload("sign", value),
  isInteger: ([value = null]) =>
    isTagged(value, "quantity") ? wholeOf(value) !== undefined : noOverload("isInteger", value),
  asInteger: ([value = null]) => {
    const whole = isTagged(value, "quantity") ? wholeOf(value) : undefined;
    return whole === undefined ? failed("cannot convert value to integer") : int(whole);
  },
  asApproximateFloat: ([value = null]) =>
    isTagged(value, "quantity") ? Number(value.value) / 10 ** value.scale : noOverload("asApproximateFloat", value),
  add: adding("add", 1n),
  sub: adding("sub", -1n),
  compareTo: comparing("compareTo", (order) => BigInt(order)),
  isGreaterThan: comparing("isGreaterThan", (order) => order > 0),
  isLessThan: comparing("isLessThan", (order) => order < 0),
  semver: ([value = null]) => {
    if (typeof value !== "string") return noOverload("semver", value);
    return parseSemver(value) ?? failed("semver parse error during conversion from string");
  },
  isSemver: ([value = null]) =>
    typeof value === "string" ? parseSemver(value) !== undefined : noOverload("isSemver", value),
  major: versionPart("major", 0),
  minor: versionPart("minor", 1),
  patch: versionPart("patch", 2),
};
