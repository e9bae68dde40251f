import type { FieldPath } from "../model/field-path.ts";
import { nearestName } from "../model/nearest-name.ts";
import { checkAlternatives } from "./check-alternatives.ts";
import { checkList } from "./check-list.ts";
import { checkEmbedded } from "./check-metadata.ts";
import { type Check, checkNumber, checkText } from "./check-scalar.ts";
import { canonical, isMap, type JsonMap } from "./json.ts";
import type { SchemaNode, SchemaType } from "./schema-node.ts";
import { described, report, shown } from "./violation.ts";

const WORDS: Readonly<Record<SchemaType, string>> = {
  object: "a map",
  array: "a list",
  string: "a string",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
};

function hasType(value: unknown, type: SchemaType): boolean {
  switch (type) {
    case "object":
      return isMap(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

/** How to write a value so that it has the type, where there is one way. */
function typeHint(value: unknown, wanted: string, type: SchemaType | undefined): string {
  if (type === "string" && (typeof value === "number" || typeof value === "boolean")) {
    return `Put it in quotes: "${value}".`;
  }
  if (typeof value === "string" && (type === "integer" || type === "number" || type === "boolean")) {
    return `Write ${wanted} without quotes.`;
  }
  return `Write ${wanted}.`;
}

/** Whether the value has the node's type; reports it when not. */
function checkType(value: unknown, node: SchemaNode, path: FieldPath, { violations }: Check): boolean {
  const { type, intOrString } = node;
  if (intOrString ? Number.isInteger(value) || typeof value === "string" : type === undefined) return true;
  if (type !== undefined && hasType(value, type)) return true;
  const wanted = intOrString || type === undefined ? "a whole number or a string" : WORDS[type];
  const message = `must be ${wanted}, and is ${described(value)}`;
  report(violations, { kind: "wrong-type", path, message, hint: typeHint(value, wanted, type) });
  return false;
}

function checkListed(value: unknown, node: SchemaNode, path: FieldPath, { violations }: Check): void {
  if (node.values === undefined || node.valueKeys.has(canonical(value))) return;
  const texts = node.values.filter((listed): listed is string => typeof listed === "string");
  const near = typeof value === "string" ? nearestName(value, texts) : undefined;
  const all = node.values.map(shown).join(", ");
  const message = `${shown(value)} is none of ${all}`;
  const hint = near === undefined ? `Write one of ${all}.` : `Did you mean ${shown(near)}?`;
  report(violations, { kind: "not-listed", path, message, hint });
}

/** Fields that every object has, also one that is embedded. */
const OBJECT_FIELDS: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

function reportUnknown(name: string, node: SchemaNode, path: FieldPath, { violations }: Check): void {
  const names = [...node.properties.keys(), ...(node.embedded ? OBJECT_FIELDS : [])];
  const near = nearestName(name, names);
  const known = names.length === 0 ? "no fields are known here" : `known are ${names.slice(0, 12).join(", ")}`;
  report(violations, {
    kind: "unknown-field",
    path: [...path, name],
    message: `there is no field \`${name}\` here; kubectl refuses it, and other clients lose it without a word`,
    hint:
      near === undefined
        ? `Remove it, or write a field that exists: ${known}${names.length > 12 ? ", …" : ""}.`
        : `Did you mean \`${near}\`?`,
    at: "key",
  });
}

/** Of metadata a schema may narrow the names; its other fields are those of every object. */
function checkNames(value: unknown, node: SchemaNode | undefined, path: FieldPath, check: Check): void {
  if (!isMap(value) || node === undefined) return;
  for (const [name, property] of node.properties) {
    if (Object.hasOwn(value, name)) checkValue(value[name], property, [...path, name], check);
  }
}

function checkFields(map: JsonMap, node: SchemaNode, path: FieldPath, check: Check): void {
  for (const name of Object.keys(map)) {
    const value = map[name];
    const property = node.properties.get(name);
    if (node.embedded && name === "metadata") checkNames(value, property, [...path, name], check);
    else if (property !== undefined) checkValue(value, property, [...path, name], check);
    else if (node.embedded && OBJECT_FIELDS.has(name)) continue;
    else if (typeof node.additional === "object") checkValue(value, node.additional, [...path, name], check);
    else if (node.additional === undefined && !node.preserves && !isNested(node)) {
      reportUnknown(name, node, path, check);
    }
  }
}

/** A schema inside `anyOf` and the like says nothing about fields that it does not name; neither does one without type. */
const isNested = ({ type }: SchemaNode): boolean => type === undefined;

function checkMap(map: JsonMap, node: SchemaNode, path: FieldPath, check: Check): void {
  const { violations } = check;
  for (const name of node.required) {
    if (Object.hasOwn(map, name)) continue;
    const message = `the field \`${name}\` is required, and missing`;
    report(violations, { kind: "missing", path: [...path, name], message, hint: `Add \`${name}\`.` });
  }
  if (node.bounds !== undefined) {
    const { minProperties, maxProperties } = node.bounds;
    const count = Object.keys(map).length;
    if (maxProperties !== undefined && count > maxProperties) {
      const message = `the map has ${count} entries, and may have ${maxProperties}`;
      report(violations, { kind: "too-many", path, message, hint: `Leave at most ${maxProperties} entries.` });
    }
    if (minProperties !== undefined && count < minProperties) {
      const message = count === 0 ? "the map is empty" : `the map has ${count} entries, and must have ${minProperties}`;
      report(violations, { kind: "invalid", path, message, hint: `Write at least ${minProperties} entries.` });
    }
  }
  checkFields(map, node, path, check);
}

/** Checks a value against its schema and reports every reason to refuse it. Absent values have been filled in. */
export function checkValue(value: unknown, node: SchemaNode, path: FieldPath, check: Check): void {
  if (check.violations.found.length >= check.violations.limit) return;
  if (--check.visits.left < 0) {
    check.note("an object is so large, or its schema has so many alternatives, that not all of it is checked");
    return;
  }
  if (value === null && node.nullable) return;
  if (!checkType(value, node, path, check)) return;
  checkListed(value, node, path, check);
  if (typeof value === "string") checkText(value, node, path, check);
  else if (typeof value === "number") checkNumber(value, node, path, check);
  else if (Array.isArray(value)) {
    checkList(value, node, path, check);
    const { items } = node;
    if (items !== undefined)
      value.forEach((item, position) => void checkValue(item, items, [...path, position], check));
  } else if (isMap(value)) {
    if (node.embedded && path.length > 0) checkEmbedded(value, path, check);
    checkMap(value, node, path, check);
  }
  checkAlternatives(value, node, path, check, checkValue);
}
