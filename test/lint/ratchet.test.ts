import { describe, expect, test } from "vitest";
import { ratchetKey } from "../../src/lint/ratchet.ts";
import type { Finding } from "../../src/model/finding.ts";

const finding = (path: Finding["path"], range?: Finding["range"]): Finding => ({
  rule: "r",
  severity: "error",
  scope: "object",
  title: "t",
  message: "m",
  hint: "h",
  object: { apiVersion: "kuadrant.io/v1", kind: "RateLimitPolicy", namespace: "g", name: "x" },
  path,
  ...(range === undefined ? {} : { range }),
});

const counters = (...expressions: string[]) => ({
  spec: { counters: expressions.map((expression) => ({ expression })) },
});
const at = (index: number) => ["spec", "counters", index, "expression"];

describe("a ratchet key", () => {
  test("survives reordering of a list whose items have a name of their own", () => {
    expect(ratchetKey(finding(at(0)), counters("a", "b"))).toBe(ratchetKey(finding(at(1)), counters("b", "a")));
  });

  test("changes with the offending value", () => {
    expect(ratchetKey(finding(at(0)), counters("a"))).not.toBe(ratchetKey(finding(at(0)), counters("c")));
  });

  test("tells two stretches of one expression apart", () => {
    const raw = counters("source.address + source.port");
    expect(ratchetKey(finding(at(0), { start: 0, end: 14 }), raw)).not.toBe(
      ratchetKey(finding(at(0), { start: 17, end: 28 }), raw),
    );
  });

  test("works for a field that is not there", () => {
    expect(ratchetKey(finding(["metadata", "labels", "x"]), {})).toContain("null");
  });
});
