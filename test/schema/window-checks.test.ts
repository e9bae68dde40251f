import { describe, expect, test } from "vitest";
import { parseGoDuration } from "../../src/model/go-duration.ts";
import { type Definition, readDefinition } from "../../src/schema/definition.ts";
import { sameWindow } from "../../src/schema/window-checks.ts";
import { checkText } from "./check-text.ts";

const policy = (kind: string, spec: string): string => {
  const group = kind === "PlanPolicy" ? "extensions.kuadrant.io/v1alpha1" : "kuadrant.io/v1";
  return `apiVersion: ${group}\nkind: ${kind}\nmetadata: {name: x, namespace: n}\nspec: ${spec}\n`;
};

const window = (text: string): string => `{limits: {a: {rates: [{limit: 5, window: ${text}}]}}}`;

/** A definition that says nothing but what a window looks like. */
function definition(): Definition {
  const pattern = { type: "string", pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$" };
  const schema = JSON.stringify({
    type: "object",
    properties: {
      spec: {
        type: "object",
        properties: {
          limits: {
            type: "object",
            additionalProperties: {
              type: "object",
              properties: {
                rates: {
                  type: "array",
                  items: { type: "object", properties: { limit: { type: "integer" }, window: pattern } },
                },
              },
            },
          },
        },
      },
    },
  });
  const read = readDefinition({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "ratelimitpolicies.kuadrant.io" },
    spec: {
      group: "kuadrant.io",
      names: { kind: "RateLimitPolicy", plural: "ratelimitpolicies" },
      scope: "Namespaced",
      versions: [{ name: "v1", served: true, schema: { openAPIV3Schema: JSON.parse(schema) as unknown } }],
    },
  });
  if (!read.ok) throw new Error(read.problems.join("; "));
  return read.value;
}

describe("a window that the API does not take is written in the same length as", () => {
  test.each([
    ["1d", "24h"],
    ["1w", "168h"],
    ["1.5h", "1h30m"],
    ["0.5d", "12h"],
    ["2d12h", "60h"],
    ["1.5s", "1s500ms"],
    ["0.25m", "15s"],
    ["120000s", "33h20m"],
    ["30m30m30m30m30m", "2h30m"],
  ])("%s: %s", (text, expected) => {
    expect(sameWindow(text)).toBe(expected);
    expect(expected).toMatch(/^(\d{1,5}(h|m|s|ms)){1,4}$/);
    const days = /^[dw.\d]+[dw]/.test(text);
    if (!days) expect(parseGoDuration(expected)).toBe(parseGoDuration(text));
  });

  test.each(["", "d", "60", "1 d", "1day", "1M", "1y", "-1d", "0d", "1500us", "0.0005s", "1e3s", "99999w", "P1D"])(
    "nothing for %j, whose length is not certain or has no such form",
    (text) => {
      expect(sameWindow(text)).toBeUndefined();
    },
  );
});

describe("without any definition", () => {
  test.each([
    ["RateLimitPolicy", window("1d"), "spec.limits.a.rates[0].window"],
    ["TokenRateLimitPolicy", window("1w"), "spec.limits.a.rates[0].window"],
    ["RateLimitPolicy", `{defaults: ${window("1.5h")}}`, "spec.defaults.limits.a.rates[0].window"],
    ["RateLimitPolicy", `{overrides: ${window("1d")}}`, "spec.overrides.limits.a.rates[0].window"],
    [
      "PlanPolicy",
      "{plans: [{tier: gold, limits: {custom: [{limit: 1, window: 30d}]}}]}",
      "spec.plans[0].limits.custom[0].window",
    ],
  ])("a %s with %s is refused at %s, and mended", (kind, spec, path) => {
    const { findings, texts } = checkText([], policy(kind, spec));
    expect(texts).toEqual([expect.stringMatching(/is no window: the API takes one to four numbers/)]);
    expect(texts[0]?.startsWith(`${path}: `)).toBe(true);
    expect(findings[0]).toMatchObject({ rule: `schema-${kind.toLowerCase()}`, severity: "error" });
    expect(findings[0]?.mend?.edits).toHaveLength(1);
  });

  test("what cannot be written with certainty is told and left alone", () => {
    const { findings } = checkText([], policy("RateLimitPolicy", window("1day")));
    expect(findings.map(({ hint, mend }) => [hint, mend])).toEqual([["Write it as `24h` or `1m30s`.", undefined]]);
  });

  test.each([
    window("24h"),
    window("1h30m10s5ms"),
    window("500ms"),
    window("99999s"),
    "{limits: {a: {}}}",
    "{limits: []}",
  ])("%s is taken", (spec) => {
    expect(checkText([], policy("RateLimitPolicy", spec)).texts).toEqual([]);
  });

  test.each(["123456s", "1h1m1s1ms1s", "1m ", "1H"])("%j is not", (text) => {
    expect(checkText([], policy("RateLimitPolicy", window(JSON.stringify(text)))).texts).toHaveLength(1);
  });

  test("the same words in another group's kind are not ours to judge", () => {
    const other = policy("RateLimitPolicy", window("1d")).replace("kuadrant.io/v1", "example.com/v1");
    expect(checkText([], other).texts).toEqual([]);
  });
});

test("with its definition the field is reported once, in the definition's words, and mended all the same", () => {
  const { findings } = checkText([definition()], policy("RateLimitPolicy", window("1d")));
  expect(findings.map(({ message }) => message)).toEqual([expect.stringMatching(/does not match the pattern/)]);
  expect(findings[0]?.mend?.edits).toEqual([
    { op: "set", path: ["spec", "limits", "a", "rates", 0, "window"], value: "24h" },
  ]);
});
