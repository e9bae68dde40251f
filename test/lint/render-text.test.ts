import { expect, test } from "vitest";
import type { LocatedFinding } from "../../src/lint/located-finding.ts";
import { renderSummary, renderText } from "../../src/lint/render-text.ts";

const located: LocatedFinding = {
  finding: {
    rule: "rlp-source-address-counter",
    severity: "error",
    scope: "object",
    title: "A limit counts by the client's port",
    message: "every connection gets its own budget",
    hint: "Count by `auth.identity.username`.",
    object: { apiVersion: "kuadrant.io/v1", kind: "RateLimitPolicy", namespace: "g", name: "x" },
    path: ["spec", "limits", "per-ip", "counters", 0, "expression"],
    related: [
      {
        object: { apiVersion: "kuadrant.io/v1", kind: "AuthPolicy", namespace: "g", name: "a" },
        path: ["spec"],
        message: "the AuthPolicy is here",
      },
    ],
  },
  place: { file: "a.yaml", line: 12, column: 10, endLine: 12, endColumn: 24 },
  related: [{ file: "b.yaml", line: 3, column: 1, endLine: 3, endColumn: 5 }],
};
const lineOf = (): string => "  expr: '+ source.address'";
const plain = (_style: string, text: string): string => text;

test("a finding is shown with its line, a caret under the stretch, the path, what happens and how to mend it", () => {
  expect(renderText([located], { paint: plain, lineOf })).toBe(
    [
      "error[rlp-source-address-counter]: A limit counts by the client's port",
      "  --> a.yaml:12:10",
      "   |",
      "12 |   expr: '+ source.address'",
      "   |          ^^^^^^^^^^^^^^",
      "   |",
      '   = RateLimitPolicy g/x: spec.limits["per-ip"].counters[0].expression',
      "   = every connection gets its own budget",
      "   = the AuthPolicy is here: AuthPolicy g/a spec at b.yaml:3:1",
      "   = help: Count by `auth.identity.username`.",
      "",
    ].join("\n"),
  );
});

test("an object that comes from no file is shown by its name", () => {
  const { finding } = located;
  const text = renderText([{ finding }], { paint: plain, lineOf });
  expect(text).toContain("--> RateLimitPolicy g/x");
  expect(text).not.toContain("^");
});

test("a very long line is cut around the caret", () => {
  const long = `${"x".repeat(5000)}source.address${"y".repeat(5000)}`;
  const place = { file: "a.json", line: 1, column: 5001, endLine: 1, endColumn: 5015 };
  const text = renderText([{ finding: located.finding, place }], { paint: plain, lineOf: () => long });
  const [source = "", carets = ""] = text.split("\n").slice(3, 5);
  expect(source.length).toBeLessThan(200);
  expect(source.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1)).toBe("source.address");
});

test("the summary counts in words", () => {
  expect(renderSummary({ errors: 1, warnings: 2, objects: 3, files: 1 })).toBe(
    "1 error, 2 warnings in 3 objects of 1 file",
  );
});
