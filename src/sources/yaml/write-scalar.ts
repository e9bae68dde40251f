import { kubectlReading } from "./ambiguous-scalar.ts";

/** Where a scalar is to stand. */
export type ScalarContext = {
  /** Inside `{}` or `[]`. */
  readonly flow: boolean;
  /** The text is JSON, or this part of it is written like it. */
  readonly json: boolean;
};

/** Letters and signs that may start a plain scalar of any context. `-`, `?` and `:` need one of them behind. */
const PLAIN_START = /^(?:[-?:](?=[A-Za-z0-9_/.])|[^-?:,[\]{}#&*!|>'"%@`\s])/;
/** What ends a plain scalar in the middle: a colon before a blank or at the end, a comment. */
const PLAIN_BREAK = /:(?:\s|$)|\s#/;
const FLOW_SIGN = /[,[\]{}]/;
/** SOURCE: YAML 1.2.2, 5.1 Character Set, less what YAML 1.1 takes for line breaks, and less lone surrogates. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are meant
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\p{Surrogate}/u;

/** Plain words that YAML 1.2 or 1.1 reads as something else than text. */
const OTHER_TYPES: readonly RegExp[] = [
  /^(?:~|null|true|false|yes|no|on|off|y|n)$/i,
  /^[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]+|0b[01_]+|[0-9][0-9_]*)$/,
  /^[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$/,
  /^[-+]?\.(?:inf|nan)$/i,
  /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?$/,
  /^(?:<<|=|\.\.\.|---)$/,
];

/** Whether a text keeps its meaning as a plain scalar that runs over several lines, where `multiline` allows it. */
export function canBePlain(value: string, flow: boolean, multiline = false): boolean {
  if (!PLAIN_START.test(value) || value.trim() !== value || UNPRINTABLE.test(value)) return false;
  if (/[\n\t\r]/.test(value) && !(multiline && !/[\t\r]/.test(value))) return false;
  if (PLAIN_BREAK.test(value) || (flow && FLOW_SIGN.test(value))) return false;
  return !/^(?:---|\.\.\.)(?:\s|$)/.test(value) && kubectlReading(value) === undefined && !readsAsOther(value);
}

const readsAsOther = (value: string): boolean => OTHER_TYPES.some((pattern) => pattern.test(value));

/** Whether a text can stand in single quotes on one line. */
export const canBeSingleQuoted = (value: string): boolean => !UNPRINTABLE.test(value) && !/[\n\t\r]/.test(value);

export const singleQuoted = (value: string): string => `'${value.replaceAll("'", "''")}'`;

/** A text as the inside of double quotes that YAML and JSON read alike. */
export const doubleQuotedInside = (value: string): string =>
  JSON.stringify(value)
    .slice(1, -1)
    .replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, (unit) => {
      return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
    });

export const doubleQuoted = (value: string): string => `"${doubleQuotedInside(value)}"`;

/** A text on one line, plain where it can be, else in the quotes that need no escapes. */
export function writeString(value: string, { flow, json }: ScalarContext): string {
  if (json) return doubleQuoted(value);
  if (canBePlain(value, flow)) return value;
  return /["\\]/.test(value) && !value.includes("'") && canBeSingleQuoted(value)
    ? singleQuoted(value)
    : doubleQuoted(value);
}

/**
 * The lines of a literal block scalar, its header first and its content not indented. Undefined for a text that would
 * need an indentation digit or escapes, or that ends in more than one line break; and for a single line without one,
 * unless `evenOne` says so.
 */
export function literalLines(value: string, evenOne = false): readonly string[] | undefined {
  if (!value.includes("\n") && (!evenOne || value === "")) return undefined;
  if (UNPRINTABLE.test(value) || value.includes("\r")) return undefined;
  if (/^[ \t\n]/.test(value) || /\n[ \t]*\n$/.test(value) || /\n[ \t]+$/.test(value) || /\n[ \t]+\n/.test(value)) {
    return undefined;
  }
  const chomp = value.endsWith("\n") ? "" : "-";
  return [`|${chomp}`, ...(chomp === "" ? value.slice(0, -1) : value).split("\n")];
}
