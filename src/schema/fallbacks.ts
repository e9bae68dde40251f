import { isMap, type JsonMap } from "./json.ts";
import type { SchemaNode } from "./schema-node.ts";

/** The schema of one field of a map; undefined when it has none. */
export const schemaOfField = (node: SchemaNode, name: string): SchemaNode | undefined =>
  node.properties.get(name) ?? (typeof node.additional === "object" ? node.additional : undefined);

function withMapFallbacks(map: JsonMap, node: SchemaNode): JsonMap {
  let changed: Record<string, unknown> | undefined;
  const set = (name: string, value: unknown): void => {
    changed ??= { ...map };
    if (value === undefined) delete changed[name];
    else changed[name] = value;
  };
  for (const [name, child] of node.properties) {
    if (child.fallback !== undefined && !Object.hasOwn(map, name)) set(name, child.fallback);
  }
  for (const [name, value] of Object.entries(changed ?? map)) {
    const child = schemaOfField(node, name);
    // Assigning it would change what the copy inherits.
    if (child === undefined || name === "__proto__") continue;
    if (value === null && !child.nullable) set(name, child.fallback);
    else {
      const filled = withFallbacks(value, child);
      if (filled !== value) set(name, filled);
    }
  }
  return changed ?? map;
}

/**
 * A value with what the API server adds and takes away before it checks it: default values for absent fields, and
 * nulls where null is not allowed. The value itself is not changed; without a change it is returned as it is.
 * SOURCE: apiextensions-apiserver, pkg/apiserver/schema/defaulting.
 */
export function withFallbacks(value: unknown, node: SchemaNode): unknown {
  if (isMap(value)) return withMapFallbacks(value, node);
  const { items } = node;
  if (!Array.isArray(value) || items === undefined) return value;
  let changed: unknown[] | undefined;
  for (const [position, item] of value.entries()) {
    const filled = item === null && !items.nullable ? (items.fallback ?? null) : withFallbacks(item, items);
    if (filled === item) continue;
    changed ??= [...value];
    changed[position] = filled;
  }
  return changed ?? value;
}
