import { type ConfigShape, LINT_CONFIG_SHAPE, MAX_ITEMS } from "../../src/cli/lint-config-shape.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Patterns of JavaScript with `$` and without flags mean the same in JSON Schema. */
function schemaOf(shape: ConfigShape): Schema {
  const { description } = shape;
  switch (shape.type) {
    case "text": {
      const { choices, also, format } = shape;
      const known = choices === undefined ? {} : { enum: choices };
      const values = also === undefined ? known : { anyOf: [known, { pattern: also.source }] };
      return {
        description,
        type: "string",
        ...values,
        ...(format === undefined ? {} : { pattern: format.pattern.source }),
      };
    }
    case "integer":
      return { description, type: "integer", minimum: shape.minimum, maximum: shape.maximum };
    case "list":
      return { description, type: "array", maxItems: MAX_ITEMS, items: schemaOf(shape.items) };
    case "map": {
      const { fields, also, required } = shape;
      const [first] = Object.values(fields);
      const more =
        also === undefined || first === undefined ? {} : { patternProperties: { [also.source]: schemaOf(first) } };
      return {
        description,
        type: "object",
        properties: Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, schemaOf(field)])),
        ...more,
        additionalProperties: false,
        ...(required === undefined ? {} : { required }),
      };
    }
  }
}

/** docs/schema/sluice-yaml.json: what `sluice.yaml` may hold, for editors. */
export const sluiceYamlSchema = (): string =>
  `${JSON.stringify({ $schema: "https://json-schema.org/draft/2020-12/schema", title: "sluice.yaml", ...schemaOf(LINT_CONFIG_SHAPE) }, null, 2)}\n`;
