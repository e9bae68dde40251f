import type { FieldPath } from "./field-path.ts";

/** A stretch of a text, in UTF-16 units from 0; `end` is exclusive. */
export type TextRange = { readonly start: number; readonly end: number };

/** A stretch of a file. Lines and columns count from 1, columns in UTF-16 units, the end is exclusive. */
export type Place = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
};

/** What of a field is meant: its value, its key, or a stretch of the string that it holds. */
export type PlacePart = "value" | "key" | TextRange;

/**
 * Finds where a field of one object is written. A field that is absent is placed at its closest written ancestor.
 * Undefined for objects that come from no file.
 */
export type Locate = (path: FieldPath, part?: PlacePart) => Place | undefined;
