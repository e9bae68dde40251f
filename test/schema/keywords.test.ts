import { describe, expect, test } from "vitest";
import { checkSpec, checkText, type JsonSchema, objectOf, toyDefinition } from "./check-text.ts";

const field = (a: JsonSchema): JsonSchema => ({ type: "object", properties: { a } });

describe("a value is refused for", () => {
  test.each<[string, JsonSchema, string, readonly string[]]>([
    ["the wrong type", field({ type: "string" }), "{a: 3}", ["a: must be a string, and is the number `3`"]],
    ["a list instead of a map", field({ type: "object" }), "{a: []}", ["a: must be a map, and is a list"]],
    ["a fraction", field({ type: "integer" }), "{a: 1.5}", ["a: must be a whole number, and is the number `1.5`"]],
    [
      "a boolean in quotes",
      field({ type: "boolean" }),
      '{a: "true"}',
      ["a: must be true or false, and is the string `true`"],
    ],
    [
      "null in a list",
      field({ type: "array", items: { type: "string" } }),
      "{a: [null]}",
      ["a[0]: must be a string, and is null"],
    ],
    [
      "being none of an enum",
      field({ type: "string", enum: ["On", "Off"] }),
      "{a: Of}",
      ["a: `Of` is none of `On`, `Off`"],
    ],
    [
      "its pattern",
      field({ type: "string", pattern: "^[a-z]+$" }),
      "{a: A1}",
      ["a: `A1` does not match the pattern `^[a-z]+$`"],
    ],
    [
      "a pattern of RE2",
      field({ type: "string", pattern: "(?i)^abc$" }),
      "{a: abd}",
      ["a: `abd` does not match the pattern `(?i)^abc$`"],
    ],
    [
      "its length",
      field({ type: "string", maxLength: 2 }),
      "{a: abc}",
      ["a: the text has 3 characters, and may have 2"],
    ],
    ["being empty", field({ type: "string", minLength: 1 }), '{a: ""}', ["a: the text is empty"]],
    [
      "its range",
      field({ type: "integer", minimum: 1, maximum: 9 }),
      "{a: 10}",
      ["a: 10 is out of range: it must be at least 1 and at most 9"],
    ],
    [
      "an exclusive limit",
      field({ type: "number", minimum: 0, exclusiveMinimum: true }),
      "{a: 0}",
      ["a: 0 is out of range: it must be above 0"],
    ],
    [
      "its format's range",
      field({ type: "integer", format: "int32" }),
      "{a: 2147483648}",
      ["a: 2147483648 does not fit into int32"],
    ],
    ["no multiple", field({ type: "integer", multipleOf: 4 }), "{a: 6}", ["a: 6 is no multiple of 4"]],
    ["too few entries", field({ type: "array", minItems: 1 }), "{a: []}", ["a: the list is empty"]],
    [
      "too many entries",
      field({ type: "array", maxItems: 1, items: { type: "integer" } }),
      "{a: [1, 2]}",
      ["a: the list has 2 entries, and may have 1"],
    ],
    ["too few fields", field({ type: "object", minProperties: 1 }), "{a: {}}", ["a: the map is empty"]],
    ["a missing field", { type: "object", required: ["a"] }, "{}", ["a: the field `a` is required, and missing"]],
    [
      "a required field that is null",
      { ...field({ type: "string" }), required: ["a"] },
      "{a: null}",
      ["a: the field `a` is required, and missing"],
    ],
    [
      "a repeated entry of a set",
      field({ type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" }),
      "{a: [x, y, x]}",
      ["a[2]: entry 0 is the same (`x`)"],
    ],
    [
      "a repeated key of a list",
      field({
        type: "array",
        items: field({ type: "string" }),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["a"],
      }),
      "{a: [{a: x}, {a: y}, {a: x}]}",
      ['a[2]: entry 0 has the same a (a: "x")'],
    ],
    [
      "a key that two entries have by default",
      field({
        type: "array",
        items: field({ type: "string", default: "x" }),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["a"],
      }),
      "{a: [{}, {a: x}]}",
      ['a[1]: entry 0 has the same a (a: "x")'],
    ],
    [
      "a boolean where a port or a name is taken",
      field({ "x-kubernetes-int-or-string": true }),
      "{a: true}",
      ["a: must be a whole number or a string, and is the boolean true"],
    ],
    [
      "an unknown field of a map",
      field({ type: "object", properties: { name: { type: "string" } } }),
      "{a: {nmae: x}}",
      ["a.nmae: there is no field `nmae` here; kubectl refuses it, and other clients lose it without a word"],
    ],
    [
      "a value of a free map",
      field({ type: "object", additionalProperties: { type: "integer" } }),
      "{a: {x: y}}",
      ["a.x: must be a whole number, and is the string `y`"],
    ],
    [
      "fitting no alternative",
      { type: "object", properties: { a: {}, b: {} }, anyOf: [{ required: ["a"] }, { required: ["b"] }] },
      "{}",
      [": one of `a`, `b` is required, and none is set"],
    ],
    [
      "fitting two alternatives",
      { type: "object", properties: { a: {}, b: {} }, oneOf: [{ required: ["a"] }, { required: ["b"] }] },
      "{a: 1, b: 2}",
      [": only one of `a`, `b` may be set, and `a`, `b` are"],
    ],
    [
      "what is excluded",
      { type: "object", properties: { a: {} }, not: { required: ["a"] } },
      "{a: 1}",
      [": `a` may not be set here"],
    ],
    [
      "one of all",
      field({ type: "string", allOf: [{ minLength: 2 }, { pattern: "^x" }] }),
      "{a: xy1, b: 1}",
      ["b: there is no field `b` here; kubectl refuses it, and other clients lose it without a word"],
    ],
    [
      "an embedded object without a kind",
      field({ type: "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true }),
      "{a: {apiVersion: v1, metadata: {name: x}, spec: {}}}",
      ["a.kind: an object is expected here, which needs the field `kind`"],
    ],
  ])("%s", (_title, schema, spec, expected) => {
    expect(checkSpec(schema, spec)).toEqual(expected);
  });
});

describe("a value passes with", () => {
  test.each<[string, JsonSchema, string]>([
    ["a whole number where any number is taken", field({ type: "number" }), "{a: 3}"],
    [
      "a number or a text where both are taken",
      {
        type: "object",
        properties: { a: { "x-kubernetes-int-or-string": true }, b: { "x-kubernetes-int-or-string": true } },
      },
      "{a: 80, b: http}",
    ],
    [
      "both in their long form",
      field({ "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] }),
      "{a: 80}",
    ],
    ["null where it may be null", field({ type: "string", nullable: true }), "{a: null}"],
    ["null for a field that may be absent", field({ type: "string" }), "{a: null}"],
    [
      "a default for a required field",
      { type: "object", properties: { a: { type: "string", default: "x" } }, required: ["a"] },
      "{}",
    ],
    [
      "unknown fields where they are kept",
      { type: "object", "x-kubernetes-preserve-unknown-fields": true },
      "{a: {b: 1}}",
    ],
    ["code points, not UTF-16 units, in a length", field({ type: "string", maxLength: 1 }), "{a: 😀}"],
    ["an unknown format", field({ type: "string", format: "nobody-knows" }), "{a: x}"],
    ["any key of a free map", field({ type: "object", additionalProperties: true }), "{a: {x: [1]}}"],
    ["a number that is listed", field({ type: "integer", enum: [1, 2] }), "{a: 2}"],
  ])("%s", (_title, schema, spec) => {
    expect(checkSpec(schema, spec)).toEqual([]);
  });
});

describe("formats", () => {
  test.each([
    ["date-time", "2026-01-01T00:00:00Z", "2026-02-30T00:00:00Z"],
    ["date", "2026-01-01", "2026-13-01"],
    ["ipv4", "10.0.0.1", "10.0.0.256"],
    ["ipv6", "::1", "10.0.0.1"],
    ["cidr", "10.0.0.0/8", "10.0.0.0/33"],
    ["byte", "YWI=", "YWI"],
    ["uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567"],
    ["uri", "https://a.example/b", "a b"],
    ["duration", "1h30m", "soon"],
    ["hostname", "a.example", "-a"],
    ["email", "a@b.example", "a"],
    ["mac", "00:11:22:33:44:55", "00:11"],
  ])("%s takes %s and refuses %s", (format, good, bad) => {
    const schema = field({ type: "string", format });
    expect(checkSpec(schema, `{a: "${good}"}`)).toEqual([]);
    expect(checkSpec(schema, `{a: "${bad}"}`)).toEqual([`a: \`${bad}\` is no valid ${format}`]);
  });
});

describe("a finding", () => {
  const schema: JsonSchema = {
    type: "object",
    properties: { limits: { type: "object", additionalProperties: { type: "string", pattern: "^ok" } } },
  };

  test("says which field was probably meant, at its key", () => {
    const { findings } = checkText([toyDefinition(schema)], objectOf("spec:\n  limit: {}"));
    expect(findings).toMatchObject([
      {
        rule: "schema-toy",
        severity: "error",
        hint: "Did you mean `limits`?",
        place: { line: 5, column: 3, endColumn: 8 },
      },
    ]);
  });

  test.each([
    ["a plain value", "bad", 4, 25],
    ["single quotes", "'bad'", 4, 25],
    ["double quotes", '"bad"', 4, 25],
  ])("is placed at %s", (_style, value, line, column) => {
    const { findings } = checkText([toyDefinition(schema)], objectOf(`spec: {limits: { a.b/c: ${value} }}`));
    expect(findings).toMatchObject([{ path: ["spec", "limits", "a.b/c"], place: { line, column, endLine: line } }]);
  });

  test.each([
    ["a literal block", "|\n      bad"],
    ["a folded block", ">-\n      bad\n      text"],
  ])("is placed at %s", (_style, value) => {
    const { findings } = checkText([toyDefinition(schema)], objectOf(`spec:\n  limits:\n    x: ${value}`));
    expect(findings).toMatchObject([{ place: { line: 6, column: 8 } }]);
  });

  test("is placed at what an anchor repeats, and at the map that a field is missing from", () => {
    const required: JsonSchema = { type: "object", properties: { a: {}, b: { type: "object", required: ["c"] } } };
    const { findings } = checkText([toyDefinition(required)], objectOf("spec:\n  a: &x {}\n  b: *x"));
    expect(findings).toMatchObject([{ path: ["spec", "b", "c"], place: { line: 6 } }]);
  });

  test("is one of at most 50, however many there are", () => {
    const many = Array.from({ length: 500 }, (_, position) => `k${position}: no`).join(", ");
    expect(checkSpec(schema, `{limits: {${many}}}`)).toHaveLength(50);
  });
});
