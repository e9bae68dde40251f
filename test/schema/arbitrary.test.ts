import fc from "fast-check";
import { expect, test } from "vitest";
import { createCatalogue } from "../../src/schema/catalogue.ts";
import { createSchemaChecker } from "../../src/schema/check-object.ts";
import { readDefinition } from "../../src/schema/definition.ts";
import { toyDefinition } from "./check-text.ts";

const KEYWORDS = [
  ...["type", "enum", "pattern", "format", "minimum", "maxLength", "minItems", "uniqueItems", "required", "default"],
  ...[
    "properties",
    "additionalProperties",
    "items",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "nullable",
    "$ref",
    "multipleOf",
  ],
  ...["x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-validations", "x-kubernetes-int-or-string"],
  ...["x-kubernetes-embedded-resource", "x-kubernetes-preserve-unknown-fields"],
];

/** Schemas that look like ones, with any value anywhere. */
const schema = fc.letrec((tie) => ({
  node: fc.dictionary(
    fc.constantFrom(...KEYWORDS),
    fc.oneof(
      { depthIdentifier: "schema", depthSize: "small", maxDepth: 4, withCrossShrink: true },
      fc.constantFrom<unknown>(
        "object",
        "array",
        "string",
        "integer",
        "map",
        "set",
        true,
        0,
        ["a"],
        [{ rule: "self.a" }],
      ),
      fc.dictionary(fc.constantFrom("a", "b", "__proto__", "type"), tie("node")),
      fc.array(tie("node"), { maxLength: 3 }),
      tie("node"),
      fc.jsonValue({ maxDepth: 1 }),
    ),
    { maxKeys: 5 },
  ),
})).node;

const ref = { apiVersion: "example.com/v1", kind: "Toy", namespace: "n", name: "t" };

test("any schema and any object come to an end, without an exception, and twice to the same", () => {
  fc.assert(
    fc.property(schema, fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 2 }), (spec, value, metadata) => {
      const checker = createSchemaChecker(createCatalogue([toyDefinition(spec as Record<string, unknown>)]));
      const raw = { apiVersion: "example.com/v1", kind: "Toy", metadata, spec: value };
      const before = JSON.stringify(raw);
      const first = checker.check({ ref, raw }).findings;
      expect(first.length).toBeLessThanOrEqual(50);
      expect(checker.check({ ref, raw }).findings).toEqual(first);
      expect(JSON.stringify(raw)).toBe(before);
    }),
    { numRuns: 300 },
  );
});

test("anything may be called a definition", () => {
  const head = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" };
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (spec) => {
      const read = readDefinition({ ...head, spec });
      if (!read.ok) expect(read.problems.join()).not.toBe("");
    }),
  );
});
