import { describe, expect, test } from "vitest";
import { ratchet, ratchetKeys } from "../../src/lint/ratchet.ts";
import type { FieldPath } from "../../src/model/field-path.ts";
import type { Finding } from "../../src/model/finding.ts";

const finding = (path: FieldPath, changes: Partial<Finding> = {}): Finding => ({
  rule: "r",
  severity: "error",
  scope: "object",
  title: "t",
  message: "m",
  hint: "h",
  object: { apiVersion: "kuadrant.io/v1", kind: "RateLimitPolicy", namespace: "g", name: "x" },
  path,
  ...changes,
});

const counters = (...expressions: string[]) => ({
  spec: { counters: expressions.map((expression) => ({ expression })) },
});
const at = (index: number) => ["spec", "counters", index, "expression"];

/** How many findings of the new object are fresh. */
const freshOf = (now: [Finding[], unknown], before: [Finding[], unknown]): number =>
  ratchet(now[0], now[1], { findings: before[0], raw: before[1] }).fresh.length;

describe("a finding stands", () => {
  const rates = (...limits: (number | string)[]) => ({
    spec: { rates: limits.map((limit) => ({ limit, window: "1m" })) },
  });
  const rate = (index: number) => finding(["spec", "rates", index, "limit"]);

  test.each<[string, [Finding[], unknown], [Finding[], unknown]]>([
    [
      "when named items of a list change places",
      [[finding(at(1))], counters("b", "a")],
      [[finding(at(0))], counters("a", "b")],
    ],
    ["when nameless items change places", [[rate(1)], rates(5, 0)], [[rate(0)], rates(0, 5)]],
    [
      "when something beside it changes in a nameless item",
      [[rate(0)], { spec: { rates: [{ limit: 0, window: "2m" }] } }],
      [[rate(0)], rates(0)],
    ],
    ["when a number is put in quotes", [[rate(0)], rates("0")], [[rate(0)], rates(0)]],
    [
      "when the white space of an expression changes",
      [[finding(at(0))], counters(" a ==\n'b c'")],
      [[finding(at(0))], counters("a=='b c'")],
    ],
    [
      "when it moves from the bare spec to defaults, and from there to overrides",
      [[finding(["spec", "overrides", "limits", "x"])], { spec: { overrides: { limits: { x: 1 } } } }],
      [[finding(["spec", "defaults", "limits", "x"])], { spec: { defaults: { limits: { x: 1 } } } }],
    ],
    [
      "when another part of the expression changes",
      [[finding(["spec", "p"], { range: { start: 5, end: 6 } })], { spec: { p: "b && x" } }],
      [[finding(["spec", "p"], { range: { start: 5, end: 6 } })], { spec: { p: "a && x" } }],
    ],
    [
      "when another member of the offending map changes",
      [[finding(["spec", "http"])], { spec: { http: { url: "u", method: "POST" } } }],
      [[finding(["spec", "http"])], { spec: { http: { url: "u" } } }],
    ],
    [
      "when the member that is missing is still missing",
      [[finding(["spec", "x"])], { spec: { y: 1 } }],
      [[finding(["spec", "x"])], { spec: {} }],
    ],
  ])("%s", (_title, now, before) => expect(freshOf(now, before)).toBe(0));
});

describe("a finding is new", () => {
  test.each<[string, [Finding[], unknown], [Finding[], unknown]]>([
    ["when its value differs", [[finding(at(0))], counters("c")], [[finding(at(0))], counters("a")]],
    [
      "when a second offender equal to the first comes",
      [[finding(at(0)), finding(at(1))], counters("a", "a")],
      [[finding(at(0))], counters("a")],
    ],
    [
      "when the key of its map is another",
      [[finding(["spec", "limits", "b"])], { spec: { limits: { b: 1 } } }],
      [[finding(["spec", "limits", "a"])], { spec: { limits: { a: 1 } } }],
    ],
    [
      "when a warning has become an error",
      [[finding(["spec", "a"])], { spec: { a: 1 } }],
      [[finding(["spec", "a"], { severity: "warning" })], { spec: { a: 1 } }],
    ],
    [
      "when what was missing elsewhere is a contradiction now",
      [[finding(["spec", "a"], { scope: "conflict" })], { spec: { a: 1 } }],
      [[finding(["spec", "a"], { scope: "absence" })], { spec: { a: 1 } }],
    ],
    [
      "when something else is wrong with the same map",
      [[finding(["spec", "a"], { message: "other" })], { spec: { a: {} } }],
      [[finding(["spec", "a"])], { spec: { a: {} } }],
    ],
    [
      "when a text differs inside quotes",
      [[finding(at(0))], counters("a == 'b c'")],
      [[finding(at(0))], counters("a == 'bc'")],
    ],
  ])("%s", (_title, now, before) => expect(freshOf(now, before)).toBe(1));
});

describe("a ratchet key", () => {
  test("tells two stretches of one expression apart", () => {
    const keyOf = ratchetKeys(counters("source.address + source.port"));
    expect(keyOf(finding(at(0), { range: { start: 0, end: 14 } }))).not.toEqual(
      keyOf(finding(at(0), { range: { start: 17, end: 28 } })),
    );
  });

  test("reads a large item once, however many findings are in it", () => {
    const item = { a: 1, rest: Array.from({ length: 50_000 }, (_, at) => `text ${at}`) };
    const raw = { spec: { rules: [item] } };
    const keyFor = ratchetKeys(raw);
    const started = performance.now();
    for (let count = 0; count < 2_000; count++) keyFor(finding(["spec", "rules", 0, "a"]));
    // Once takes some 50 ms; each time would take minutes.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
