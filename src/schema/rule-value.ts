import { parseDuration, parseTimestamp } from "../cel/evaluate-time.ts";
import { type CelValue, celOf } from "../cel/evaluate-values.ts";
import { schemaOfField } from "./fallbacks.ts";
import { fieldOf, isMap, type JsonMap } from "./json.ts";
import type { SchemaNode } from "./schema-node.ts";

/** Texts that rules see as times. SOURCE: apiserver, pkg/cel/common/values.go. */
function textValue(text: string, format: string | undefined): CelValue {
  if (format === "date-time" || format === "datetime") return timestampOf(text) ?? text;
  if (format === "date") return timestampOf(`${text}T00:00:00Z`) ?? text;
  if (format === "byte") return { type: "bytes", value: Buffer.from(text, "base64") };
  const ns = format === "duration" ? parseDuration(text) : undefined;
  return ns === undefined ? text : { type: "duration", ns };
}

function timestampOf(text: string): CelValue | undefined {
  const ns = parseTimestamp(text);
  return ns === undefined ? undefined : { type: "timestamp", ns };
}

function numberValue(value: number, { type }: SchemaNode): CelValue {
  if (type === "number") return value;
  return Number.isInteger(value) ? BigInt(value) : value;
}

/** Of metadata, rules see names only. */
function namesOf(metadata: unknown): CelValue {
  const entries = isMap(metadata) ? ["name", "generateName"] : [];
  return new Map(
    entries.flatMap((name) => {
      const value = isMap(metadata) ? fieldOf(metadata, name) : undefined;
      return typeof value === "string" ? [[name, value] as const] : [];
    }),
  );
}

function mapValue(map: JsonMap, node: SchemaNode): CelValue {
  const values = new Map<string, CelValue>();
  for (const [name, value] of Object.entries(map)) {
    const child = schemaOfField(node, name);
    if (node.embedded && name === "metadata") values.set(name, namesOf(value));
    else if (child !== undefined) values.set(name, ruleValue(value, child));
    else if (node.additional === true) values.set(name, celOf(value));
    else if (node.embedded && typeof value === "string" && (name === "apiVersion" || name === "kind")) {
      values.set(name, value);
    }
  }
  return values;
}

/**
 * A value as rules see it: whole numbers by the schema's type, times as times, and only what the schema names. Nulls of
 * fields that may not be null count as absent, as `withFallbacks` leaves them.
 */
export function ruleValue(value: unknown, node: SchemaNode): CelValue {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return textValue(value, node.format);
  if (typeof value === "number") return numberValue(value, node);
  if (typeof value === "boolean") return value;
  const { items } = node;
  if (Array.isArray(value)) return items === undefined ? celOf(value) : value.map((item) => ruleValue(item, items));
  return isMap(value) ? mapValue(value, node) : null;
}
