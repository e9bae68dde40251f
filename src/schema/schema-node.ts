import { canonical, fieldOf, isMap, type JsonMap, textsOf } from "./json.ts";
import { readRules, type SchemaRule } from "./schema-rule.ts";

export type SchemaType = "object" | "array" | "string" | "integer" | "number" | "boolean";

/** Limits of numbers, texts, lists and maps; undefined: none. */
export type Bounds = {
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly exclusiveMinimum: boolean;
  readonly exclusiveMaximum: boolean;
  readonly multipleOf: number | undefined;
  readonly minLength: number | undefined;
  readonly maxLength: number | undefined;
  readonly minItems: number | undefined;
  readonly maxItems: number | undefined;
  readonly uniqueItems: boolean;
  readonly minProperties: number | undefined;
  readonly maxProperties: number | undefined;
};

/** One node of a definition's schema, read once, in the form that checks want. */
export type SchemaNode = {
  /** Undefined: anything. */
  readonly type: SchemaType | undefined;
  readonly nullable: boolean;
  readonly intOrString: boolean;
  /** Fields without a schema are kept. */
  readonly preserves: boolean;
  /** Holds an object with apiVersion, kind and metadata. */
  readonly embedded: boolean;
  readonly properties: ReadonlyMap<string, SchemaNode>;
  /** Schema of fields that `properties` does not list; true: anything; undefined: none are allowed. */
  readonly additional: SchemaNode | true | undefined;
  readonly items: SchemaNode | undefined;
  readonly required: readonly string[];
  readonly values: readonly unknown[] | undefined;
  readonly valueKeys: ReadonlySet<string>;
  readonly pattern: string | undefined;
  readonly format: string | undefined;
  /** Undefined when the node has no limits at all. */
  readonly bounds: Bounds | undefined;
  readonly allOf: readonly SchemaNode[];
  readonly anyOf: readonly SchemaNode[];
  readonly oneOf: readonly SchemaNode[];
  readonly not: SchemaNode | undefined;
  readonly listType: "set" | "map" | undefined;
  readonly listKeys: readonly string[];
  readonly fallback: unknown;
  readonly rules: readonly SchemaRule[];
  /** Whether the node or one below it has rules, or values for absent fields. */
  readonly rulesBelow: boolean;
  readonly fallbacksBelow: boolean;
};

/** Nodes of one version's schema. The largest in use has some 6000. */
const MAX_NODES = 100_000;
const MAX_DEPTH = 100;

type Reading = { nodes: number; readonly problems: string[] };

const numberIn = (schema: JsonMap, name: string): number | undefined => {
  const value = fieldOf(schema, name);
  return typeof value === "number" ? value : undefined;
};

const LIMITS = [
  "minimum",
  "maximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
] as const;

function readBounds(schema: JsonMap): Bounds | undefined {
  const uniqueItems = schema["uniqueItems"] === true;
  if (!uniqueItems && !LIMITS.some((name) => typeof fieldOf(schema, name) === "number")) return undefined;
  return {
    minimum: numberIn(schema, "minimum"),
    maximum: numberIn(schema, "maximum"),
    exclusiveMinimum: schema["exclusiveMinimum"] === true,
    exclusiveMaximum: schema["exclusiveMaximum"] === true,
    multipleOf: numberIn(schema, "multipleOf"),
    minLength: numberIn(schema, "minLength"),
    maxLength: numberIn(schema, "maxLength"),
    minItems: numberIn(schema, "minItems"),
    maxItems: numberIn(schema, "maxItems"),
    uniqueItems,
    minProperties: numberIn(schema, "minProperties"),
    maxProperties: numberIn(schema, "maxProperties"),
  };
}

const TYPES: ReadonlySet<unknown> = new Set(["object", "array", "string", "integer", "number", "boolean"]);

const isType = (value: unknown): value is SchemaType => TYPES.has(value);

function listTypeOf(schema: JsonMap): SchemaNode["listType"] {
  const value = fieldOf(schema, "x-kubernetes-list-type");
  return value === "set" || value === "map" ? value : undefined;
}

/** A node that takes anything: what cannot be read is not judged. */
const anything = (): SchemaNode => readNode({ "x-kubernetes-preserve-unknown-fields": true }, 0, newReading());

const newReading = (): Reading => ({ nodes: 0, problems: [] });

function refused(reading: Reading, problem: string): SchemaNode {
  if (!reading.problems.includes(problem)) reading.problems.push(problem);
  return anything();
}

function childNode(schema: unknown, depth: number, reading: Reading): SchemaNode {
  if (!isMap(schema)) return refused(reading, "a part of the schema is no map");
  if (depth > MAX_DEPTH) return refused(reading, `the schema is nested more than ${MAX_DEPTH} deep`);
  if (++reading.nodes > MAX_NODES) return refused(reading, `the schema has more than ${MAX_NODES} parts`);
  if (Object.hasOwn(schema, "$ref")) return refused(reading, "the schema uses `$ref`, which definitions may not");
  return readNode(schema, depth, reading);
}

/** The nodes below one, each read once. */
type Children = Pick<SchemaNode, "properties" | "additional" | "items" | "allOf" | "anyOf" | "oneOf" | "not">;

function readChildren(schema: JsonMap, depth: number, reading: Reading): Children {
  const child = (value: unknown): SchemaNode => childNode(value, depth + 1, reading);
  const several = (name: string): readonly SchemaNode[] => {
    const value = fieldOf(schema, name);
    return Array.isArray(value) ? value.map(child) : [];
  };
  const optional = (name: string): SchemaNode | undefined => {
    const value = fieldOf(schema, name);
    return value === undefined || typeof value === "boolean" ? undefined : child(value);
  };
  const properties = fieldOf(schema, "properties");
  const entries = isMap(properties) ? Object.entries(properties) : [];
  return {
    properties: new Map(entries.map(([name, value]) => [name, child(value)])),
    additional: fieldOf(schema, "additionalProperties") === true ? true : optional("additionalProperties"),
    items: optional("items"),
    allOf: several("allOf"),
    anyOf: several("anyOf"),
    oneOf: several("oneOf"),
    not: optional("not"),
  };
}

const belowOf = ({ properties, additional, items, allOf }: Children): readonly SchemaNode[] => [
  ...properties.values(),
  ...(typeof additional === "object" ? [additional] : []),
  ...(items === undefined ? [] : [items]),
  ...allOf,
];

function readNode(schema: JsonMap, depth: number, reading: Reading): SchemaNode {
  const children = readChildren(schema, depth, reading);
  const below = belowOf(children);
  const values = fieldOf(schema, "enum");
  const { type, pattern, format } = schema;
  const rules = readRules(fieldOf(schema, "x-kubernetes-validations"));
  const fallback = fieldOf(schema, "default");
  return {
    ...children,
    type: isType(type) ? type : undefined,
    nullable: schema["nullable"] === true,
    intOrString: schema["x-kubernetes-int-or-string"] === true,
    preserves: schema["x-kubernetes-preserve-unknown-fields"] === true,
    embedded: schema["x-kubernetes-embedded-resource"] === true,
    required: textsOf(fieldOf(schema, "required")),
    values: Array.isArray(values) ? values : undefined,
    valueKeys: new Set(Array.isArray(values) ? values.map(canonical) : []),
    pattern: typeof pattern === "string" ? pattern : undefined,
    format: typeof format === "string" ? format : undefined,
    bounds: readBounds(schema),
    listType: listTypeOf(schema),
    listKeys: textsOf(fieldOf(schema, "x-kubernetes-list-map-keys")),
    fallback,
    rules,
    rulesBelow: rules.length > 0 || below.some(({ rulesBelow }) => rulesBelow),
    fallbacksBelow: fallback !== undefined || below.some(({ fallbacksBelow }) => fallbacksBelow),
  };
}

/** Reads a schema, and says what of it is not checked. Never throws, also not for a schema that contains itself. */
export function readSchema(schema: unknown): { readonly root: SchemaNode; readonly problems: readonly string[] } {
  const reading = newReading();
  const root = childNode(schema, 0, reading);
  return { root, problems: reading.problems };
}
