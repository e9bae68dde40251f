import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { availability } from "../../src/cel/attributes.ts";
import { hasFunction } from "../../src/cel/functions.ts";
import { parseExpression } from "../../src/cel/parse.ts";
import { namesOf } from "../../src/cel/path.ts";
import { callUses, pathUses, wasmPresence } from "../../src/cel/path-uses.ts";
import { type StaticType, staticType } from "../../src/cel/static-type.ts";

/** What the gateway's own evaluation code gave for each expression. */
type Observation = {
  readonly site: "counter" | "predicate";
  readonly source: string;
  readonly auth: boolean;
  readonly value?: string;
  readonly error?: string;
  readonly parse?: string;
  readonly pending?: boolean;
};

const { cases } = JSON.parse(readFileSync("test/fixtures/wasm-shim-observed.json", "utf8")) as {
  cases: readonly Observation[];
};

const treeOf = (source: string) => {
  const parsed = parseExpression(source);
  if (!parsed.ok) throw new Error(`${source}: ${parsed.problems[0]?.message}`);
  return parsed.value;
};

/** The static type as the rules ask for it: from the attribute table, unless a dotted header decodes its value. */
const typeOf = (source: string): StaticType =>
  staticType(treeOf(source), (path) => {
    const found = availability("wasm", namesOf(path));
    return found.status === "available" ? found.type : "unknown";
  });

/** wasm-shim looks the overload of string() up by type; for these there is none. */
const noStringOverload = ({ error }: Observation): boolean => error?.includes('UndeclaredReference("string")') ?? false;

describe("the observations", () => {
  test("are all there", () => {
    expect(cases).toHaveLength(70);
  });

  test.each(cases.filter(({ parse }) => parse !== undefined))("$source does not parse here either", ({ source }) => {
    expect(parseExpression(source).ok).toBe(false);
  });

  test.each(cases.filter(({ parse }) => parse === undefined))("$source parses", ({ source }) => {
    expect(treeOf(source).end).toBe(source.length);
  });

  test.each(cases.filter(noStringOverload))("$source is certainly nothing that string() takes", ({ source }) => {
    expect(["bool", "list", "map", "null", "message", "optional"]).toContain(typeOf(source));
  });

  test.each(cases.filter(({ value, site }) => value !== undefined && site === "counter"))(
    "$source, which was a text, is of no other certain type",
    ({ source }) => {
      expect(["string", "number", "timestamp", "unknown"]).toContain(typeOf(source));
    },
  );

  test.each(cases.filter(({ value, site }) => value?.startsWith("Bool") === true && site === "predicate"))(
    "$source, which was true or false, may be",
    ({ source }) => {
      expect(["bool", "unknown"]).toContain(typeOf(source));
    },
  );

  test.each(cases.filter(({ value }) => value !== undefined))("$source reads nothing that is absent", ({ source }) => {
    const tree = treeOf(source);
    const rules = wasmPresence(tree);
    for (const { path } of pathUses(tree, rules)) expect(availability("wasm", namesOf(path)).status).not.toBe("absent");
    for (const { call } of callUses(tree, rules))
      expect([call.name, hasFunction("wasm", call.name)]).toEqual([call.name, true]);
  });

  const undeclared = cases.flatMap(({ source, error }) => {
    const name = /UndeclaredReference\("(\w+)"\)/.exec(error ?? "")?.[1];
    return name === undefined || name === "string" ? [] : [{ source, name }];
  });
  test.each(undeclared)("$name in $source is known to be missing", ({ source, name }) => {
    const tree = treeOf(source);
    const rules = wasmPresence(tree);
    const root = pathUses(tree, rules).find(({ path }) => path.segments[0].name === name);
    const call = callUses(tree, rules).find((use) => use.call.name.split(".")[0] === name);
    if (root !== undefined) expect(availability("wasm", namesOf(root.path)).status).not.toBe("available");
    else expect(hasFunction("wasm", call?.call.name ?? "has")).toBe(false);
  });
});
