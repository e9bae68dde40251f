import type { Mend } from "../../model/edit.ts";
import type { FieldPath } from "../../model/field-path.ts";

/** The content type of a call where none is written. */
export const FORM = "application/x-www-form-urlencoded";

/** The content type of a call whose body is JSON, where none is written. */
export const typedAsJson = (http: FieldPath): Mend => ({
  title: "set `contentType: application/json`",
  edits: [{ op: "set", path: [...http, "contentType"], value: "application/json" }],
});
