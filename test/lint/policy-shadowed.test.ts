import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/policy-shadowed.ts";
import { applying, findingsOf } from "../support/rule-findings.ts";

type Options = { readonly day?: number; readonly kind?: string; readonly target?: string; readonly owner?: string };

const policy = (
  name: string,
  spec: string,
  { day, kind = "RateLimitPolicy", target = "kind: HTTPRoute, name: r" }: Options = {},
): string => `
apiVersion: ${kind === "PlanPolicy" ? "extensions.kuadrant.io/v1alpha1" : "kuadrant.io/v1"}
kind: ${kind}
metadata: {name: ${name}, namespace: a${day === undefined ? "" : `, creationTimestamp: "2026-01-0${day}T00:00:00Z"`}}
spec: {targetRef: {group: gateway.networking.k8s.io, ${target}}, ${spec}}`;
const limits = (...names: readonly string[]): string =>
  `limits: {${names.map((name) => `${name}: {rates: [{limit: 1, window: 1m}]}`).join(", ")}}`;
const world = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g, namespace: a}
spec:
  gatewayClassName: istio
  listeners: [{name: one, port: 80, protocol: HTTP}, {name: two, port: 81, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: a}
spec: {parentRefs: [{name: g}], rules: [{}, {}]}`;

/** `on: the policy that carries the finding; the message`. */
const shadows = (...documents: readonly string[]): readonly string[] =>
  findingsOf(rule, ...documents).map(({ object, message }) => `${object.name}: ${message}`);

describe("two policies on one target", () => {
  test.each([
    ["implicit defaults: the newest stands", limits("x"), limits("y"), "old", "newest"],
    [
      "the older one merges, and the newer one sets all it has",
      `defaults: {strategy: merge, ${limits("x")}}`,
      limits("x", "y"),
      "old",
      "they merge",
    ],
    ["overrides of the older one", `overrides: {${limits("x")}}`, limits("y"), "new", "oldest one wins"],
    [
      "overrides of both: the oldest stands",
      `overrides: {${limits("x")}}`,
      `overrides: {${limits("y")}}`,
      "new",
      "oldest one wins",
    ],
    [
      "merging overrides of the older one, which set all",
      `overrides: {strategy: merge, ${limits("x", "y")}}`,
      limits("x"),
      "new",
      "they merge",
    ],
  ])("%s", (_, older, newer, loser, reason) => {
    const found = shadows(policy("old", older, { day: 1 }), policy("new", newer, { day: 2 }));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain("`a/old` and RateLimitPolicy `a/new` both target HTTPRoute `r`");
    expect(found[0]).toContain(`\`a/${loser === "old" ? "new" : "old"}\` replaces the other completely`);
    expect(found[0]).toContain(reason);
  });

  test.each([
    [
      "they merge and both bring limits",
      policy("a", `defaults: {strategy: merge, ${limits("x")}}`, { day: 1 }),
      policy("b", limits("y"), { day: 2 }),
    ],
    [
      "they have different sections",
      policy("a", limits("x"), { target: "kind: HTTPRoute, name: r, sectionName: rule-1" }),
      policy("b", limits("y")),
    ],
    [
      "they are of different kinds",
      policy("a", limits("x")),
      policy("b", limits("y"), { kind: "TokenRateLimitPolicy" }),
    ],
    [
      "one is on the Gateway as a default",
      policy("a", limits("x"), { target: "kind: Gateway, name: g" }),
      policy("b", limits("y")),
    ],
    [
      "one is being deleted",
      policy("a", limits("x"), { day: 1 }).replace(
        "namespace: a",
        'namespace: a, deletionTimestamp: "2026-01-01T00:00:00Z"',
      ),
      policy("b", limits("y")),
    ],
  ])("stand together when %s", (_, first, second) => {
    expect(shadows(world, first, second)).toEqual([]);
  });

  test("name what is lost, and what to do", () => {
    const [finding] = findingsOf(rule, policy("a", limits("x"), { day: 1 }), policy("b", limits("y"), { day: 2 }));
    expect(finding?.message).toContain("limits `x` stops being enforced");
    expect(finding?.hint).toBe(
      "Put all limits into one policy, or use `defaults: {strategy: merge}` in the older one; if this is a planned replacement, delete RateLimitPolicy `a/a`.",
    );
  });

  test.each(["DNSPolicy", "TLSPolicy"])("of kind %s: only the oldest is accepted", (kind) => {
    const target = "kind: Gateway, name: g";
    const [found] = shadows(policy("a", "", { kind, target, day: 2 }), policy("b", "", { kind, target, day: 1 }));
    expect(found).toContain("`a/b` is accepted and the other is not");
  });

  test("say that ages are unknown when files carry none", () => {
    expect(shadows(policy("a", limits("x")), policy("b", limits("y")))[0]).toContain("their ages are unknown");
    expect(shadows(policy("a", limits("x"), { day: 1 }), policy("b", limits("y")))[0]).not.toContain("unknown");
  });
});

describe("three policies on one target", () => {
  test("give one finding for each that is lost, against the one that stands", () => {
    const documents = [1, 2, 3].map((day) => policy(`p${day}`, limits(`x${day}`), { day }));
    const found = shadows(...documents);
    expect(found).toHaveLength(2);
    expect(found.every((text) => text.startsWith("p3: ") && text.includes("`a/p3` replaces"))).toBe(true);
  });
});

describe("a PlanPolicy", () => {
  const plan = policy("plan", "plans: [{tier: gold, predicate: 'true', limits: {daily: 1}}]", {
    kind: "PlanPolicy",
    day: 1,
  });

  test("contends with a RateLimitPolicy", () => {
    expect(shadows(plan, policy("other", limits("x"), { day: 2 }))[0]).toContain("limits `gold` stops being enforced");
  });

  test("does not contend with the RateLimitPolicy that is made of it", () => {
    expect(shadows(plan, policy("plan", limits("gold"), { day: 2 }))).toEqual([]);
  });
});

describe("overrides above", () => {
  const above = (target: string): string => policy("above", `overrides: {${limits("x")}}`, { target });

  test.each([
    ["of the Gateway", "kind: Gateway, name: g", 1],
    ["of one of two listeners, so that the other path is left", "kind: Gateway, name: g, sectionName: one", 0],
  ])("%s", (_, target, count) => {
    expect(shadows(world, above(target), policy("below", limits("y")))).toHaveLength(count);
  });

  test("that merge leave the policy below its own limits", () => {
    const merging = policy("above", `overrides: {strategy: merge, ${limits("x")}}`, {
      target: "kind: Gateway, name: g",
    });
    expect(shadows(world, merging, policy("below", limits("y")))).toEqual([]);
  });
});

describe("at admission", () => {
  const old = policy("old", limits("x"), { day: 1 });
  const recent = policy("new", limits("y"), { day: 2 });

  test.each([
    ["the newer one, which wins", recent, old],
    ["the older one, which loses, when it is updated", old, recent],
  ])("%s carries the warning and is let in", (_, applied, present) => {
    const verdict = applying(rule, applied, present);
    expect([verdict.denied.length, verdict.warned.length]).toEqual([0, 1]);
  });
});
