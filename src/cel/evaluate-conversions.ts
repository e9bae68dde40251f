import {
  dns1035LabelProblem,
  dnsLabelProblem,
  dnsSubdomainProblem,
  labelValueProblem,
  type NameRule,
  prefixRule,
  qualifiedNameProblem,
} from "../model/kubernetes-name.ts";
import { type CelFunction, type CelFunctions, giveUp, made } from "./evaluate-context.ts";
import { formatted } from "./evaluate-format.ts";
import { formatIp } from "./evaluate-network.ts";
import { int } from "./evaluate-operators.ts";
import { lengthOf } from "./evaluate-text.ts";
import { formatDuration, formatTimestamp } from "./evaluate-time.ts";
import { type CelValue, failed, isList, isMap, isTagged, noOverload, typeName } from "./evaluate-values.ts";
import { STRING_FORMATS } from "./string-formats.ts";

type Context = Parameters<CelFunction>[1];

/** A double as Go prints it in its shortest form: with an exponent from a million on. */
function doubleText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const size = Number(exponent);
  if (size >= -4 && size < 6) return String(value);
  return `${digits}e${size < 0 ? "-" : "+"}${String(Math.abs(size)).padStart(2, "0")}`;
}

/** `string(x)`; undefined for what has no text. */
function textOf(value: CelValue): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number") return doubleText(value);
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (isTagged(value, "uint")) return String(value.value);
  if (isTagged(value, "timestamp")) return formatTimestamp(value.ns);
  if (isTagged(value, "duration")) return formatDuration(value.ns);
  if (isTagged(value, "ip")) return formatIp(value.ip);
  if (isTagged(value, "cidr")) return `${formatIp(value.ip)}/${value.prefix}`;
  if (isTagged(value, "bytes")) return Buffer.from(value.value).toString("utf8");
  return undefined;
}

/** Whole seconds since 1970, those before counted downwards. */
const secondsOf = (ns: bigint): bigint => (ns - (((ns % NS) + NS) % NS)) / NS;
const NS = 1_000_000_000n;

function toInt([value = null]: readonly CelValue[]): CelValue {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") {
    return Math.abs(value) < 2 ** 63 ? int(BigInt(Math.trunc(value))) : failed("integer overflow");
  }
  if (isTagged(value, "uint")) return int(value.value);
  if (isTagged(value, "timestamp")) return secondsOf(value.ns);
  if (isTagged(value, "duration")) return value.ns;
  if (typeof value !== "string") return noOverload("int", value);
  return /^[+-]?\d{1,30}$/.test(value)
    ? int(BigInt(value.replace("+", "")))
    : failed(`type conversion error from string to int`);
}

function toUint([value = null]: readonly CelValue[]): CelValue {
  if (isTagged(value, "uint")) return value;
  if (isTagged(value, "timestamp") || isTagged(value, "duration")) return noOverload("uint", value);
  const number = toInt([value]);
  if (typeof number !== "bigint") return number;
  return number < 0n ? failed("unsigned integer overflow") : { type: "uint", value: number };
}

const NUMBER = /^[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,4})?$/;

const SPECIAL = /^(?:nan|[+-]?inf(?:inity)?)$/i;
const special = (text: string): number =>
  /^nan$/i.test(text) ? Number.NaN : text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;

function doubleOf(text: string, context: Context): CelValue {
  if (SPECIAL.test(text)) return special(text);
  if (/[xX_]/.test(text)) return giveUp(context, "hexadecimal doubles are not known here");
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : failed("type conversion error from string to double");
}

function toDouble([value = null]: readonly CelValue[], context: Context): CelValue {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (isTagged(value, "uint")) return Number(value.value);
  if (typeof value !== "string") return noOverload("double", value);
  return doubleOf(value, context);
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  True: true,
  TRUE: true,
  T: true,
  t: true,
  "1": true,
  false: false,
  False: false,
  FALSE: false,
  F: false,
  f: false,
  "0": false,
};

function size([value = null]: readonly CelValue[]): CelValue {
  if (typeof value === "string") return BigInt(lengthOf(value));
  if (isList(value)) return BigInt(value.length);
  if (isMap(value)) return BigInt(value.size);
  return isTagged(value, "bytes") ? BigInt(value.value.length) : noOverload("size", value);
}

const yes: NameRule = () => undefined;
const formatRule =
  (name: string): NameRule =>
  (text) =>
    STRING_FORMATS[name]?.(text) === true ? undefined : `is no ${name}`;

/** Kubernetes' named formats. SOURCE: apiserver, pkg/cel/library/format.go. */
const NAMED_FORMATS: Readonly<Record<string, NameRule>> = {
  dns1123Label: dnsLabelProblem,
  dns1123Subdomain: dnsSubdomainProblem,
  dns1035Label: dns1035LabelProblem,
  qualifiedName: qualifiedNameProblem,
  dns1123LabelPrefix: prefixRule(dnsLabelProblem),
  dns1123SubdomainPrefix: prefixRule(dnsSubdomainProblem),
  dns1035LabelPrefix: prefixRule(dns1035LabelProblem),
  labelValue: labelValueProblem,
  uri: formatRule("uri"),
  uuid: formatRule("uuid"),
  byte: formatRule("byte"),
  date: formatRule("date"),
  datetime: formatRule("datetime"),
};

const namedFormats: CelFunctions = Object.fromEntries(
  Object.keys(NAMED_FORMATS).map((name) => [`format.${name}`, () => ({ type: "format", name }) as const]),
);

function validate([format = null, text = null]: readonly CelValue[], context: Context): CelValue {
  if (!isTagged(format, "format") || typeof text !== "string") return noOverload("validate", format, text);
  if (text.length > 4096) return giveUp(context, "the text is too long for its format to be checked");
  const problem = (NAMED_FORMATS[format.name] ?? yes)(text);
  return problem === undefined ? { type: "optional" } : { type: "optional", value: [problem] };
}

/** Conversions, sizes, formats. */
export const CONVERSION_FUNCTIONS: CelFunctions = {
  ...namedFormats,
  int: toInt,
  uint: toUint,
  double: toDouble,
  bool: ([value = null]) => {
    const known = typeof value === "string" ? BOOLEANS[value] : value;
    return typeof known === "boolean" ? known : failed("type conversion error to bool");
  },
  string: ([value = null], context) => {
    const text = textOf(value);
    return text === undefined ? noOverload("string", value) : made(context, text);
  },
  bytes: ([value = null]) =>
    typeof value === "string" ? { type: "bytes", value: Buffer.from(value) } : noOverload("bytes", value),
  dyn: ([value = null]) => value,
  type: ([value = null]) => ({ type: "type", name: typeName(value) }),
  size,
  format: ([template = null, values = null], context) => formatted(template, values, textOf, context),
  "format.named": ([name = null]) =>
    typeof name === "string" && Object.hasOwn(NAMED_FORMATS, name)
      ? { type: "optional", value: { type: "format", name } }
      : { type: "optional" },
  validate,
};
