/** A value that neither JSON nor JavaScript has. */
export type CelTagged =
  | { readonly type: "uint"; readonly value: bigint }
  | { readonly type: "bytes"; readonly value: Uint8Array }
  /** Nanoseconds since 1970, in UTC. */
  | { readonly type: "timestamp"; readonly ns: bigint }
  /** Nanoseconds. */
  | { readonly type: "duration"; readonly ns: bigint }
  | { readonly type: "optional"; readonly value?: CelValue }
  | { readonly type: "type"; readonly name: string }
  | { readonly type: "url"; readonly url: CelUrl }
  | { readonly type: "ip"; readonly ip: CelIp }
  | { readonly type: "cidr"; readonly ip: CelIp; readonly prefix: number }
  /** A Kubernetes quantity as a fraction: `value / 10^scale`. */
  | { readonly type: "quantity"; readonly value: bigint; readonly scale: number }
  | { readonly type: "semver"; readonly numbers: readonly [bigint, bigint, bigint]; readonly pre: readonly string[] }
  | { readonly type: "format"; readonly name: string }
  | CelError;

/** An evaluation that failed, as a value: `||` and `&&` may still come to an answer without it. */
export type CelError = { readonly type: "error"; readonly message: string };

/** Parts of a URL as they are written. */
export type CelUrl = {
  readonly scheme: string;
  readonly host: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  readonly query: string;
};

/** An address as a number of 32 or 128 bits. */
export type CelIp = { readonly family: 4 | 6; readonly bits: bigint };

/** A value of CEL. Whole numbers are bigints, doubles numbers, lists arrays, maps and objects Maps. */
export type CelValue = null | boolean | bigint | number | string | readonly CelValue[] | CelMap | CelTagged;

export type CelMap = ReadonlyMap<string | bigint | boolean, CelValue>;

export const isMap = (value: CelValue): value is CelMap => value instanceof Map;
export const isList = (value: CelValue): value is readonly CelValue[] => Array.isArray(value);

/** The value's tag; undefined for what JavaScript has a type for. */
export const tagOf = (value: CelValue): CelTagged["type"] | undefined =>
  value !== null && typeof value === "object" && !isList(value) && !isMap(value) ? value.type : undefined;

export const isTagged = <T extends CelTagged["type"]>(
  value: CelValue,
  type: T,
): value is Extract<CelTagged, { readonly type: T }> => tagOf(value) === type;

export const isError = (value: CelValue): value is CelError => tagOf(value) === "error";

export const failed = (message: string): CelError => ({ type: "error", message });

const TYPE_NAMES: Partial<Record<CelTagged["type"], string>> = {
  timestamp: "google.protobuf.Timestamp",
  duration: "google.protobuf.Duration",
  optional: "optional_type",
};

/** The type's name as CEL writes it. */
export function typeName(value: CelValue): string {
  if (value === null) return "null_type";
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      return "double";
    case "string":
      return "string";
    default:
      return isList(value) ? "list" : isMap(value) ? "map" : (TYPE_NAMES[value.type] ?? value.type);
  }
}

/** How an operator or function answers arguments that it is not made for. SOURCE: cel-go, common/types/err.go. */
export const noOverload = (what: string, ...args: readonly CelValue[]): CelError =>
  failed(`no such overload: ${what}(${args.map(typeName).join(", ")})`);

const bytesEqual = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

/** Brings two fractions to one scale. */
export function sameScale(
  a: { readonly value: bigint; readonly scale: number },
  b: { readonly value: bigint; readonly scale: number },
): readonly [bigint, bigint] {
  const scale = Math.max(a.scale, b.scale);
  return [a.value * 10n ** BigInt(scale - a.scale), b.value * 10n ** BigInt(scale - b.scale)];
}

function taggedEqual(a: CelTagged, b: CelTagged): boolean {
  if (a.type === "quantity" && b.type === "quantity") {
    const [left, right] = sameScale(a, b);
    return left === right;
  }
  if (a.type === "bytes" && b.type === "bytes") return bytesEqual(a.value, b.value);
  if (a.type === "optional" && b.type === "optional") {
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return celEqual(a.value, b.value);
  }
  return a.type === b.type && textOfTagged(a) === textOfTagged(b);
}

/** Two tagged values of one type are equal when all their parts are. */
const textOfTagged = (value: CelTagged): string =>
  JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? `${part}n` : part));

function mapsEqual(a: CelMap, b: CelMap): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || !celEqual(value, other)) return false;
  }
  return true;
}

const isNumber = (value: CelValue): value is number | bigint => typeof value === "number" || typeof value === "bigint";

/** The number that a numeric value stands for; undefined for others. Comparing bigints with doubles is exact. */
export const numberOf = (value: CelValue): number | bigint | undefined =>
  isNumber(value) ? value : isTagged(value, "uint") ? value.value : undefined;

/** CEL's `==`: numbers by value whatever their type, everything else by type and value. */
export function celEqual(a: CelValue, b: CelValue): boolean {
  if (a === b) return true;
  const [left, right] = [numberOf(a), numberOf(b)];
  // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a double that mean the same number are equal only so
  if (left !== undefined && right !== undefined) return left == right;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  if (isList(a))
    return isList(b) && a.length === b.length && a.every((item, index) => celEqual(item, b[index] ?? null));
  if (isMap(a)) return isMap(b) && mapsEqual(a, b);
  return !isList(b) && !isMap(b) && taggedEqual(a, b);
}

/** How many parts a value has, up to `limit`: what an operation over the whole value costs. */
export function sizeUpTo(value: CelValue, limit: number): number {
  if (typeof value === "string") return 1 + (value.length >> 4);
  if (value === null || typeof value !== "object" || (!isList(value) && !isMap(value))) return 1;
  let size = 1;
  for (const item of value.values()) {
    size += sizeUpTo(item, limit - size);
    if (size >= limit) return limit;
  }
  return size;
}

/** JSON as CEL has it without a schema: whole numbers become ints. Depth is bounded by the parser that made the JSON. */
export function celOf(json: unknown): CelValue {
  if (json === undefined || json === null) return null;
  if (typeof json === "number") return Number.isSafeInteger(json) ? BigInt(json) : json;
  if (typeof json === "string" || typeof json === "boolean" || typeof json === "bigint") return json;
  if (Array.isArray(json)) return json.map(celOf);
  return new Map(Object.entries(json).map(([key, value]) => [key, celOf(value)]));
}
