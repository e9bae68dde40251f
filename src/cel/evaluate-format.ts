import { type EvaluationContext, giveUp, made } from "./evaluate-context.ts";
import {
  type CelError,
  type CelValue,
  failed,
  isError,
  isList,
  isMap,
  isTagged,
  noOverload,
} from "./evaluate-values.ts";

const wrong = (clause: string): CelError => failed(`error during formatting: %${clause} does not take this value`);

const wholeOf = (value: CelValue): bigint | undefined =>
  typeof value === "bigint" ? value : isTagged(value, "uint") ? value.value : undefined;

/** The bytes of a text, or those that there are. */
const bytesOf = (value: CelValue): Uint8Array | undefined =>
  typeof value === "string" ? Buffer.from(value) : isTagged(value, "bytes") ? value.value : undefined;

/** How a value is written by `%s`; undefined for what has no text. */
export type TextOf = (value: CelValue) => string | undefined;

function asText(value: CelValue, textOf: TextOf, context: EvaluationContext): string | CelError {
  if (value === null) return "null";
  if (isTagged(value, "type")) return value.name;
  if (isList(value) || isMap(value)) return giveUp(context, "lists and maps in formatted texts are not known here");
  return textOf(value) ?? wrong("s");
}

/** Go rounds what lies in the middle to the even digit, JavaScript away from zero. */
const isMiddle = (value: number, digits: number): boolean =>
  /^50*$/.test(value.toFixed(100).split(".")[1]?.slice(digits) ?? "");

function fixed(value: CelValue, digits: number, context: EvaluationContext): string | CelError {
  if (typeof value !== "number") return wrong("f");
  if (Number.isNaN(value)) return "NaN";
  if (Math.abs(value) >= 1000 || digits > 90 || isMiddle(value, digits)) {
    return giveUp(context, "this number is not written in the same way everywhere");
  }
  return value.toFixed(digits);
}

const RADIX: Readonly<Record<string, number>> = { b: 2, o: 8, x: 16, X: 16, d: 10 };

function radix(kind: string, value: CelValue): string | CelError {
  const whole = wholeOf(value);
  if (whole !== undefined) return whole.toString(RADIX[kind]);
  if (kind === "b" && typeof value === "boolean") return value ? "1" : "0";
  const bytes = kind === "x" || kind === "X" ? bytesOf(value) : undefined;
  return bytes === undefined ? wrong(kind) : Buffer.from(bytes).toString("hex");
}

type Clause = { readonly kind: string; readonly digits: number; readonly value: CelValue };

function clause({ kind, digits, value }: Clause, textOf: TextOf, context: EvaluationContext): string | CelError {
  if (kind === "s") return asText(value, textOf, context);
  if (kind === "f") return fixed(value, digits, context);
  if (kind === "e" || (kind === "d" && typeof value === "number")) {
    return giveUp(context, `%${kind} is not written in the same way everywhere`);
  }
  const text = radix(kind, value);
  return kind === "X" && typeof text === "string" ? text.toUpperCase() : text;
}

const CLAUSE = /%(?:(?:\.(\d{1,3}))?([sdfeboxX])|([\s\S]?))/g;

/** `"%s".format([x])`. SOURCE: cel-go, ext/formatting.go. */
export function formatted(template: CelValue, values: CelValue, textOf: TextOf, context: EvaluationContext): CelValue {
  if (typeof template !== "string" || !isList(values)) return noOverload("format", template, values);
  let used = 0;
  let problem: CelError | undefined;
  const text = template.replace(CLAUSE, (_, digits: string | undefined, kind: string | undefined, other?: string) => {
    if (kind === undefined) {
      if (other !== "%") problem ??= failed("could not parse formatting clause");
      return "%";
    }
    const value = values[used++];
    if (value === undefined) {
      problem ??= failed(`index ${used - 1} out of range`);
      return "";
    }
    const part = clause({ kind, digits: Number(digits ?? 6), value }, textOf, context);
    if (isError(part)) problem ??= part;
    return typeof part === "string" ? part : "";
  });
  if (problem === undefined && used < values.length) return giveUp(context, "more values than the format takes");
  return problem ?? made(context, text);
}
