import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { junitFormat } from "../../../src/lint/formats/junit.ts";
import {
  findingWith,
  lintTexts,
  optionsOf,
  policyCounting,
  policyWithSecret,
  reportOf,
  SECRET,
} from "./linted-texts.ts";
import { readXml, type XmlElement } from "./strict-xml.ts";

const elements = (parent: XmlElement | undefined): readonly XmlElement[] =>
  (parent?.children ?? []).filter((child) => typeof child !== "string");

const GOOD = "apiVersion: v1\nkind: Namespace\nmetadata: {name: fine}\n";

describe("a report", () => {
  const { report, options } = lintTexts({
    "a.yaml": `${policyCounting("one", "two")}---\n${GOOD}`,
    "b.yaml": policyWithSecret,
  });
  const xml = junitFormat(report, options);
  const root = readXml(xml);

  test("has a suite for each file and a case for each object, with counts that are true", () => {
    expect(root.name).toBe("testsuites");
    expect(elements(root).map(({ attributes }) => attributes["name"])).toEqual(["a.yaml", "b.yaml"]);
    const cases = elements(root).flatMap(elements);
    expect(cases.map(({ attributes }) => attributes["name"])).toEqual([
      "RateLimitPolicy gateway-system/limits",
      "Namespace fine",
      "AuthPolicy gateway-system/auth",
    ]);
    const failed = cases.filter((unit) => elements(unit).some(({ name }) => name === "failure")).length;
    expect(root.attributes).toMatchObject({ tests: "3", failures: String(failed), errors: "0", time: "0" });
    expect(cases.every(({ attributes }) => attributes["time"] === "0" && attributes["file"] !== "")).toBe(true);
  });

  test("has a failure for each error, and warnings as output", () => {
    const [first, fine] = elements(elements(root)[0]);
    const failures = elements(first).filter(({ name }) => name === "failure");
    const counting = failures.filter(({ attributes }) => attributes["type"] === "rlp-source-address-counter");
    expect(counting).toHaveLength(2);
    expect(first?.attributes["line"]).toBe("5");
    expect(String(counting[0]?.children[0])).toMatch(/^a\.yaml:9:36\nspec\.limits\.one\.counters\[0\]\.expression\n/);
    expect(fine?.children).toEqual([]);
    const outputs = elements(root)
      .flatMap(elements)
      .flatMap(elements)
      .filter(({ name }) => name === "system-out");
    expect(outputs.length).toBeGreaterThan(0);
    expect(String(outputs[0]?.children[0])).toMatch(/^(?:warning|info)\[[a-z-]+\]: /);
  });

  test("never shows a credential", () => {
    expect(xml).toContain("auth-literal-credential");
    expect(xml).not.toContain(SECRET);
  });
});

test("input that cannot be read is an error of its file", () => {
  const { report, options } = lintTexts({ "x.yaml": "a: [1\nb: 2\n" });
  const root = readXml(junitFormat(report, options));
  expect(root.attributes).toMatchObject({ tests: "1", failures: "0", errors: "1" });
  expect(elements(elements(elements(root)[0])[0]).map(({ name }) => name)).toContain("error");
});

test("a finding about the text of a file is a failure of the file itself", () => {
  const { object: _object, ...finding } = findingWith({ path: [] }).finding;
  const root = readXml(junitFormat(reportOf([{ finding, file: "a.yaml" }]), optionsOf({})));
  expect(elements(elements(root)[0]).map(({ attributes }) => attributes["name"])).toEqual(["the file itself"]);
});

test("a run without findings and objects is a whole document", () => {
  expect(readXml(junitFormat(reportOf([]), optionsOf({}))).attributes["tests"]).toBe("0");
});

test("whatever names and messages hold, the document is well-formed and says the same", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("]]>", "<!--", "&amp;", "\u0000\u001b[0m", "\ud800", "\ufffe", "\r\n\t"),
  );
  const legal = (value: string) => /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u.test(value);
  fc.assert(
    fc.property(text, text, text, text, (name, title, message, file) => {
      const object = { apiVersion: "v1", kind: "AuthPolicy", namespace: "g", name };
      const place = { file, line: 1, column: 1, endLine: 1, endColumn: 2 };
      const findings = (["error", "warning"] as const).map((severity) => ({
        ...findingWith({ object, title, message, severity }),
        place,
      }));
      const root = readXml(junitFormat(reportOf(findings), optionsOf({})));
      const [unit] = elements(elements(root)[0]);
      if (legal(name)) expect(unit?.attributes["name"]).toBe(`AuthPolicy g/${name}`);
      if (legal(title)) expect(elements(unit)[0]?.attributes["message"]).toBe(`policy-target-missing: ${title}`);
    }),
  );
});
