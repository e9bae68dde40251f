import type { FieldPath } from "./field-path.ts";
import type { ObjectRef } from "./object-ref.ts";
import type { TextRange } from "./place.ts";

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** One change of one field of an object. */
export type FieldEdit =
  /** New text for a stretch of the string at `path`; its other text stays as it is written. */
  | { readonly op: "replace-text"; readonly path: FieldPath; readonly range: TextRange; readonly text: string }
  /**
   * A new value. A field that is absent is added at the end of its map, after the maps above it that are absent too;
   * the position after a list's last adds an item.
   */
  | { readonly op: "set"; readonly path: FieldPath; readonly value: JsonValue }
  /** The field or item goes, with the comments on its own lines. */
  | { readonly op: "remove"; readonly path: FieldPath };

/** An edit of the finding's own object, or of the one that it names. */
export type ObjectEdit = FieldEdit & { readonly object?: ObjectRef };

/**
 * The one way to mend a finding that is certainly what its author meant. `title` says it in the imperative, without a full
 * stop. The edits are made together or not at all; their paths are those of the object as it was judged.
 */
export type Mend = { readonly title: string; readonly edits: readonly ObjectEdit[] };
