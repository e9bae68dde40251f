import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Rule } from "../../src/lint/rule.ts";
import { rules } from "../../src/lint/rules/index.ts";
import { kindsRead } from "../support/kinds-read.ts";

type Entry = Pick<Rule, "kinds" | "severity" | "relaxed" | "scope">;

const catalogue = parse(readFileSync("test/fixtures/rule-catalogue.yaml", "utf8")) as Readonly<Record<string, Entry>>;

test("the catalogue has every rule, in order", () => {
  expect(Object.keys(catalogue)).toEqual(rules.map(({ id }) => id));
});

describe.each(rules)("$id", (rule) => {
  test("judges the kinds, and weighs as much, as the catalogue says", () => {
    const { kinds, severity, relaxed, scope } = rule;
    expect({ kinds, severity, scope, ...(relaxed === undefined ? {} : { relaxed }) }).toEqual(catalogue[rule.id]);
  });

  test("declares each kind once", () => {
    expect(new Set(rule.kinds).size).toBe(rule.kinds.length);
    expect(new Set(rule.reads).size).toBe(rule.reads.length);
  });

  test("declares the kinds that it looks up, and no others", () => {
    const { asked, met } = kindsRead(rule);
    const declared = new Set([...rule.kinds, ...rule.reads]);
    expect([...met].filter((kind) => !declared.has(kind))).toEqual([]);
    expect(rule.reads.filter((kind) => !asked.has(kind))).toEqual([]);
  });
});
