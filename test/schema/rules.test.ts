import { describe, expect, test } from "vitest";
import { checkSpec, checkText, type JsonSchema, objectOf, toyDefinition } from "./check-text.ts";

type Rule = Readonly<Record<string, unknown>>;

const ruled = (properties: JsonSchema, ...rules: readonly Rule[]): JsonSchema => ({
  type: "object",
  properties,
  "x-kubernetes-validations": rules,
});

const TEXT = { type: "string" };
const INT = { type: "integer" };

describe("a rule", () => {
  test("that is not met is a finding with its message at its object", () => {
    const schema = ruled({ a: INT, b: INT }, { rule: "self.a < self.b", message: "a must be below b." });
    expect(checkSpec(schema, "{a: 2, b: 1}")).toEqual([": the API requires: a must be below b"]);
    expect(checkSpec(schema, "{a: 1, b: 2}")).toEqual([]);
  });

  test("may say itself what is wrong, and where", () => {
    const schema = ruled(
      { a: { type: "object", properties: { "b.c": INT } } },
      { rule: "self.a['b.c'] < 5", messageExpression: "'got ' + string(self.a.b__dot__c)", fieldPath: ".a['b.c']" },
    );
    const { findings } = checkText([toyDefinition(schema)], objectOf("spec:\n  a: {b.c: 7}"));
    expect(findings).toMatchObject([
      {
        text: 'spec.a["b.c"]: the API requires: got 7',
        title: "The object breaks a rule of its API",
        place: { line: 5, column: 12 },
      },
    ]);
  });

  test.each([
    ["1 / 0 == 1 ? 'x' : 'y'", "fallback"],
    ["'two\\nlines'", "fallback"],
    ["''", "fallback"],
    ["'own'", "own"],
  ])("with the message expression %s says %s", (messageExpression, words) => {
    const schema = ruled({}, { rule: "false", message: "fallback", messageExpression });
    expect(checkSpec(schema, "{}")).toEqual([`: the API requires: ${words}`]);
  });

  test("without a message is shown itself", () => {
    expect(checkSpec(ruled({}, { rule: "false" }), "{}")).toEqual([": the API requires: the rule `false` is not met"]);
  });

  test("that fails is a finding, as a server refuses the object then", () => {
    const schema = ruled({ a: TEXT }, { rule: "self.a == 'x'", message: "m" });
    expect(checkSpec(schema, "{}")).toEqual([
      ": a rule of the API fails on this object: no such key: a (`self.a == 'x'`)",
    ]);
  });

  test("about a change is not evaluated, unless it says that there may be nothing before", () => {
    const change = { rule: "self.a == oldSelf.a", message: "m" };
    const optional = { rule: "oldSelf.hasValue() || self.a == 1", message: "first", optionalOldSelf: true };
    expect(checkSpec(ruled({ a: INT }, change, optional), "{a: 2}")).toEqual([": the API requires: first"]);
  });

  test("sees default values, and nulls as absent", () => {
    const schema = ruled({ a: { type: "string", default: "x" }, b: TEXT }, { rule: "self.a == 'x' && !has(self.b)" });
    expect(checkSpec(schema, "{b: null}")).toEqual([]);
  });

  test("sees times, spans, numbers and names by their schema", () => {
    const schema = ruled(
      {
        when: { type: "string", format: "date-time" },
        span: { type: "string", format: "duration" },
        port: { "x-kubernetes-int-or-string": true },
        share: { type: "number" },
        free: { type: "object", additionalProperties: INT },
      },
      {
        rule:
          "self.when.getFullYear() == 2026 && self.span > duration('1m') && type(self.port) == int && " +
          "self.share == 1.0 && self.free.all(k, self.free[k] + 1 > 1)",
      },
    );
    const spec = '{when: "2026-01-01T00:00:00Z", span: 1h, port: 80, share: 1, free: {x: 1}}';
    expect(checkSpec(schema, spec)).toEqual([]);
  });

  test("of each entry of lists and maps is evaluated there", () => {
    const item = ruled({ n: INT }, { rule: "self.n > 0", message: "positive" });
    const schema: JsonSchema = {
      type: "object",
      properties: { list: { type: "array", items: item }, map: { type: "object", additionalProperties: item } },
    };
    expect(checkSpec(schema, "{list: [{n: 1}, {n: 0}], map: {x: {n: -1}}}")).toEqual([
      "list[1]: the API requires: positive",
      "map.x: the API requires: positive",
    ]);
  });

  test("at the top sees the object's name, and nothing else of its metadata", () => {
    const root = {
      "x-kubernetes-validations": [{ rule: "self.metadata.name == 'x' && !has(self.metadata.labels)", message: "x" }],
    };
    expect(checkText([toyDefinition({ type: "object" }, root)], objectOf("spec: {}")).texts).toEqual([
      ": the API requires: x",
    ]);
  });

  test("is not evaluated after a mistake that it may rely on", () => {
    const schema = ruled({ a: INT }, { rule: "self.a > 5", message: "m" });
    expect(checkSpec(schema, "{a: x}")).toEqual(["a: must be a whole number, and is the string `x`"]);
  });

  test("of allOf counts too", () => {
    const schema: JsonSchema = {
      type: "object",
      properties: { a: INT },
      allOf: [{ "x-kubernetes-validations": [{ rule: "self.a > 5", message: "m" }] }],
    };
    expect(checkSpec(schema, "{a: 1}")).toEqual([": the API requires: m"]);
  });
});

describe("what cannot be judged is noted, and no finding:", () => {
  const notesOf = (schema: JsonSchema, spec = "{}") => {
    const { texts, notes } = checkText([toyDefinition(schema)], objectOf(`spec: ${spec}`));
    expect(texts).toEqual([]);
    return notes;
  };

  test.each([
    ["an unknown function", "self.nope()", "the function nope() is not known here"],
    ["an expression of 64 KB", `self.a == '${"x".repeat(65_536)}'`, "more than the 4096 that are checked"],
    ["no CEL", "self.a ==", "ends where a value is expected"],
    ["a pattern that RE2 refuses", "'a'.matches('(?=a)')", "is not known"],
  ])("%s", (_title, rule, why) => {
    expect(notesOf(ruled({ a: TEXT }, { rule }))).toEqual([expect.stringContaining(why)]);
  });

  test("a rule that takes too many steps", () => {
    const deep = "self.a.all(v, self.a.all(w, self.a.all(x, self.a.all(y, v + w + x + y >= 0))))";
    const schema = ruled({ a: { type: "array", items: INT } }, { rule: deep });
    const started = performance.now();
    expect(notesOf(schema, `{a: [${Array(300).fill(1).join(",")}]}`)).toEqual([
      expect.stringContaining("too many steps"),
    ]);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test("a text that doubles until it is too long", () => {
    const doubled = Array.from({ length: 40 }, (_, at) => `cel.bind(v${at + 1}, v${at} + v${at}, `).join("");
    const rule = `cel.bind(v0, 'xxxxxxxx', ${doubled}size(v40) > 0${")".repeat(41)}`;
    expect(notesOf(ruled({}, { rule }))).toEqual([expect.stringContaining("too long")]);
  });

  test("`$ref`, a schema without end, and a pattern that is none", () => {
    expect(notesOf({ type: "object", properties: { a: { $ref: "#/x" } } }, "{a: 1}")).toEqual([
      "Toy: the schema uses `$ref`, which definitions may not; that part of v1 is not checked",
    ]);
    const cyclic: Record<string, unknown> = { type: "object", properties: {} };
    cyclic["properties"] = { a: cyclic, b: cyclic };
    expect(notesOf(cyclic, "{a: {b: {a: {}}}}").join()).toMatch(/nested more than 100 deep|more than 100000 parts/);
    expect(notesOf({ type: "object", properties: { a: { type: "string", pattern: "(" } } }, "{a: x}")).toEqual([
      "Toy: the pattern `(` cannot be read; texts are not compared with it",
    ]);
  });

  test("a list whose every entry is compared with thousands of alternatives", () => {
    const anyOf = Array.from({ length: 5_000 }, (_, at) => ({ enum: [`no${at}`] }));
    const schema = {
      type: "object",
      properties: { a: { type: "array", items: { type: "string", anyOf: [...anyOf, {}] } } },
    };
    expect(notesOf(schema, `{a: [${Array(2_000).fill("x").join(",")}]}`)).toEqual([
      expect.stringContaining("so many alternatives"),
    ]);
  });

  test("1000 rules are evaluated, and end", () => {
    const rules = Array.from({ length: 1000 }, (_, at) => ({ rule: `self.a > ${at}`, message: `m${at}` }));
    expect(checkSpec(ruled({ a: INT }, ...rules), "{a: 990}")).toHaveLength(10);
  });
});
