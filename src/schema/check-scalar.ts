import type { Patterns } from "../cel/patterns.ts";
import { formatCheck } from "../cel/string-formats.ts";
import type { FieldPath } from "../model/field-path.ts";
import type { Bounds, SchemaNode } from "./schema-node.ts";
import { report, shown, type Violations } from "./violation.ts";

/** What all checks of one object share. */
export type Check = {
  readonly violations: Violations;
  readonly patterns: Patterns;
  /** Values that may still be looked at, each once for every schema that it is compared with. */
  readonly visits: { left: number };
  /** Told of what is not checked. */
  readonly note: (text: string) => void;
};

const invalid = (path: FieldPath, message: string, hint: string) => ({ kind: "invalid", path, message, hint }) as const;

/** Ranges that formats of numbers stand for. Values beyond 2^53 are not told apart exactly. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [-(2 ** 63), 2 ** 63],
  uint64: [0, 2 ** 64],
};

function limitText({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Bounds): string {
  const low = minimum === undefined ? undefined : `${exclusiveMinimum ? "above" : "at least"} ${minimum}`;
  const high = maximum === undefined ? undefined : `${exclusiveMaximum ? "below" : "at most"} ${maximum}`;
  return [low ?? [], high ?? []].flat().join(" and ");
}

function withinBounds(value: number, bounds: Bounds): boolean {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = bounds;
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) return false;
  return maximum === undefined || (exclusiveMaximum ? value < maximum : value <= maximum);
}

/** Whether a number is a multiple, as far as doubles can tell. */
function isMultiple(value: number, of: number): boolean {
  const ratio = value / of;
  return of === 0 || Math.abs(ratio - Math.round(ratio)) < 1e-9;
}

/** Limits of a number. */
export function checkNumber(value: number, node: SchemaNode, path: FieldPath, { violations }: Check): void {
  const { bounds, format } = node;
  const range = format === undefined || !Object.hasOwn(RANGES, format) ? undefined : RANGES[format];
  if (range !== undefined && (value < range[0] || value > range[1])) {
    report(violations, invalid(path, `${value} does not fit into ${format}`, "Write a number closer to zero."));
  }
  if (bounds === undefined) return;
  if (!withinBounds(value, bounds)) {
    const limits = limitText(bounds);
    report(violations, invalid(path, `${value} is out of range: it must be ${limits}`, `Write a number ${limits}.`));
  }
  const { multipleOf } = bounds;
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
    report(violations, invalid(path, `${value} is no multiple of ${multipleOf}`, `Write a multiple of ${multipleOf}.`));
  }
}

const SURROGATE = /[\ud800-\udfff]/;
const lengthOf = (text: string): number => (SURROGATE.test(text) ? [...text].length : text.length);

function checkLength(value: string, { minLength, maxLength }: Bounds, path: FieldPath, { violations }: Check): void {
  const length = lengthOf(value);
  if (maxLength !== undefined && length > maxLength) {
    const message = `the text has ${length} characters, and may have ${maxLength}`;
    report(violations, { kind: "too-long", path, message, hint: `Shorten it to ${maxLength} characters.` });
  }
  if (minLength === undefined || length >= minLength) return;
  const message =
    length === 0 ? "the text is empty" : `the text has ${length} characters, and must have at least ${minLength}`;
  report(violations, invalid(path, message, `Write at least ${minLength} character${minLength === 1 ? "" : "s"}.`));
}

/** Patterns and texts longer than this together are not matched. The longest pattern in use has some 300 characters. */
const MAX_MATCHED = 16_384;

function checkPattern(value: string, source: string, path: FieldPath, { violations, patterns, note }: Check): void {
  const pattern = patterns(source);
  if (pattern === undefined) note(`the pattern ${shown(source)} cannot be read; texts are not compared with it`);
  if (pattern?.matches(value) !== false) return;
  const message = `${shown(value)} does not match the pattern ${shown(source)}`;
  report(violations, invalid(path, message, "Write a value of the form that the pattern describes."));
}

/** Length, pattern and format of a text. */
export function checkText(value: string, node: SchemaNode, path: FieldPath, check: Check): void {
  const { bounds, pattern, format } = node;
  if (bounds !== undefined) checkLength(value, bounds, path, check);
  if (pattern !== undefined && value.length <= MAX_MATCHED) checkPattern(value, pattern, path, check);
  const fits = format === undefined ? undefined : formatCheck(format);
  if (fits === undefined || value.length > MAX_MATCHED || fits(value)) return;
  report(
    check.violations,
    invalid(path, `${shown(value)} is no valid ${format}`, `Write a value of format ${format}.`),
  );
}
