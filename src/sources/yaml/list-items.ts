import type { FieldPath } from "../../model/field-path.ts";

/** One object of a document and the way to it from the document's root. */
export type ListedObject = { readonly raw: unknown; readonly path: FieldPath };

/** A list of lists of lists: nobody writes it, so a small bound will do. */
const NESTED_LISTS = 10;

const isMap = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/**
 * The items of typed lists such as GatewayList may lack apiVersion and kind, as an API server leaves them out.
 * SOURCE: Kubernetes API conventions, "Lists are collections".
 */
function withTypeOf(list: Record<string, unknown>, item: unknown): unknown {
  const kind = String(list["kind"]).slice(0, -"List".length);
  if (kind === "" || !isMap(item) || Object.hasOwn(item, "kind")) return item;
  return { apiVersion: list["apiVersion"], kind, ...item };
}

/**
 * The objects of one document: itself, or the items of a `List` kind or of a list at its top. Nulls between them
 * are passed over.
 */
export function objectsOf(raw: unknown, path: FieldPath = [], depth = 0): readonly ListedObject[] {
  if (raw === null || raw === undefined) return [];
  if (depth < NESTED_LISTS && Array.isArray(raw)) {
    return raw.flatMap((item, index) => objectsOf(item, [...path, index], depth + 1));
  }
  if (depth >= NESTED_LISTS || !isMap(raw)) return [{ raw, path }];
  const { kind, items } = raw;
  if (typeof kind !== "string" || !kind.endsWith("List") || !Array.isArray(items)) return [{ raw, path }];
  return items.flatMap((item, index) => objectsOf(withTypeOf(raw, item), [...path, "items", index], depth + 1));
}
