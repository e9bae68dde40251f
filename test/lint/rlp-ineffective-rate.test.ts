import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/rlp-ineffective-rate.ts";
import { formatPath } from "../../src/model/field-path.ts";
import { findingsOf } from "../support/rule-findings.ts";

const policy = (spec: string, { kind = "RateLimitPolicy", name = "p" } = {}): string => `
apiVersion: ${kind === "PlanPolicy" ? "extensions.kuadrant.io/v1alpha1" : "kuadrant.io/v1"}
kind: ${kind}
metadata: {namespace: a, name: ${name}}
spec: {targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}, ${spec}}`;

const told = (...documents: readonly string[]): readonly string[] =>
  findingsOf(rule, ...documents).map(({ severity, path }) => `${severity} ${formatPath(path)}`);

const rates = (...list: readonly (readonly [limit: number, window: string])[]): string =>
  policy(`limits: {x: {rates: [${list.map(([limit, window]) => `{limit: ${limit}, window: ${window}}`).join(", ")}]}}`);

const RATE = "spec.limits.x.rates";

describe("one rate", () => {
  test.each([
    [1, "999ms", [`error ${RATE}[0].window`]],
    [1, "0s", [`error ${RATE}[0].window`]],
    [1, "1s", []],
    [1, "500ms500ms", []],
    [1, "1m30s", []],
    [-5, "1m", [`error ${RATE}[0].limit`]],
    [0, "1m", [`warning ${RATE}[0].limit`]],
    [1, "1d", []],
    [1, "''", []],
  ] as const)("of %i in %s", (limit, window, expected) => {
    expect(told(rates([limit, window]))).toEqual(expected);
  });

  test.each(["blocked", "deny-all", "maintenance", "off", "closed", "zero"])("of 0 is meant in `%s`", (name) => {
    expect(told(policy(`limits: {${name}: {rates: [{limit: 0, window: 1m}]}}`))).toEqual([]);
  });

  test("says what it does", () => {
    expect(findingsOf(rule, rates([0, "1m"]))[0]?.message).toBe("rate 0/1m of `x` denies everything");
  });
});

describe("two rates of one limit", () => {
  test.each([
    [
      "with one window",
      [
        [5, "60s"],
        [9, "1m"],
      ],
      [`warning ${RATE}[1]`],
    ],
    [
      "with one window after cutting",
      [
        [5, "1s"],
        [9, "1999ms"],
      ],
      [`warning ${RATE}[1]`],
    ],
    [
      "that allow the same",
      [
        [5, "1h"],
        [5, "1m"],
      ],
      [`warning ${RATE}[1]`],
    ],
    [
      "the shorter one allowing more",
      [
        [500, "1m"],
        [5, "1h"],
      ],
      [`warning ${RATE}[0]`],
    ],
    [
      "the shorter one allowing less",
      [
        [5, "1m"],
        [50, "1h"],
      ],
      [],
    ],
    [
      "one of which is wrong by itself",
      [
        [-1, "1m"],
        [50, "1m"],
      ],
      [`error ${RATE}[0].limit`],
    ],
  ] as const)("%s", (_, list, expected) => {
    expect(told(rates(...list))).toEqual(expected);
  });
});

describe("a limit without rates", () => {
  const empty = policy("limits: {global: {}}");
  const merging = (spec: string): string => policy(spec, { name: "above" });

  test("is an error, in every block", () => {
    expect(told(empty)).toEqual(["error spec.limits.global"]);
    expect(told(policy("overrides: {limits: {global: {rates: []}}}"))).toEqual(["error spec.overrides.limits.global"]);
  });

  test("is accepted where it takes a merged limit off", () => {
    const limits = "limits: {global: {rates: [{limit: 5, window: 1m}]}}";
    expect(told(empty, merging(`defaults: {strategy: merge, ${limits}}`))).toEqual([]);
    expect(told(empty, merging(`defaults: {${limits}}`))).toEqual(["error spec.limits.global"]);
    expect(told(empty, merging(`defaults: {strategy: merge, ${limits.replace("global", "other")}}`))).toHaveLength(1);
  });
});

describe("a PlanPolicy", () => {
  const plan = (limits: string): string =>
    policy(`plans: [{tier: gold, predicate: "true", limits: ${limits}}]`, { kind: "PlanPolicy" });

  test.each([
    ["{daily: -1}", ["error spec.plans[0].limits.daily"]],
    ["{monthly: 0}", ["warning spec.plans[0].limits.monthly"]],
    ["{daily: 10, yearly: 10}", ["warning spec.plans[0].limits.daily"]],
    ["{daily: 10, custom: [{limit: 10, window: 24h}]}", ["warning spec.plans[0].limits.custom[0]"]],
    ["{weekly: 10, custom: [{limit: 5, window: 100ms}]}", ["error spec.plans[0].limits.custom[0].window"]],
    ["{daily: 10, weekly: 20, monthly: 30, yearly: 40}", []],
    ["{}", []],
  ])("with the limits %s", (limits, expected) => {
    expect(told(plan(limits))).toEqual(expected);
  });
});
