import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/planpolicy-limit-semantics.ts";
import { formatPath } from "../../src/model/field-path.ts";
import { applying, findingsOf } from "../support/rule-findings.ts";

type Plan = { readonly tier: string; readonly predicate?: string; readonly limits?: object };

const planned = (...plans: readonly Plan[]): string => `
apiVersion: extensions.kuadrant.io/v1alpha1
kind: PlanPolicy
metadata: {namespace: a, name: p}
spec: {targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}, plans: ${JSON.stringify(plans)}}`;

const REST: Plan = { tier: "free", predicate: "true" };

const told = (...documents: readonly string[]): readonly string[] =>
  findingsOf(rule, ...documents).map(({ severity, path }) => `${severity} ${formatPath(path)}`);

const guarding = (predicate: string): readonly string[] => told(planned({ tier: "gold", predicate }, REST));

describe("limits of plans", () => {
  test("are said once to be shared", () => {
    const limited = (tier: string, limits: object): Plan => ({ tier, predicate: `request.host == '${tier}'`, limits });
    expect(told(planned(limited("a", {}), limited("b", { daily: 5 }), limited("c", { weekly: 5 }), REST))).toEqual([
      "warning spec.plans[1].limits",
    ]);
    expect(told(planned({ ...REST, limits: { custom: [] } }))).toEqual([]);
    expect(told(planned({ ...REST, limits: { custom: [{ limit: 1, window: "1m" }] } }))).toHaveLength(1);
  });
});

describe("a plan for everybody else", () => {
  test.each([
    ["true", 0],
    [" true ", 0],
    ["has(auth.identity)", 0],
    ["has(auth.identity.user)", 1],
    ["false", 1],
    ["request.method == 'GET'", 1],
    ["request.", 0],
  ])("is one with the predicate %s", (predicate, count) => {
    expect(told(planned({ tier: "a", predicate }))).toHaveLength(count);
  });

  test("is not asked of a policy without plans", () => {
    expect(told(planned())).toEqual([]);
  });
});

describe("a plan that nobody gets", () => {
  test("stands behind one for everybody, or behind its own predicate", () => {
    const a: Plan = { tier: "a", predicate: "request.host == 'a'" };
    expect(told(planned(a, { ...a, tier: "b", predicate: `${a.predicate} ` }, REST))).toEqual([
      "warning spec.plans[1].predicate",
    ]);
    expect(told(planned(REST, a, { ...a, tier: "b" }))).toEqual([
      "warning spec.plans[1].predicate",
      "warning spec.plans[2].predicate",
    ]);
  });
});

describe("a key that may be missing", () => {
  test.each([
    "request.headers['x-plan'] == 'gold'",
    "request.headers.plan == 'gold'",
    "auth.identity.metadata.annotations['a/plan'] == 'gold'",
    "auth.identity.metadata.labels.plan == 'gold'",
    "'gold' in auth.identity.realm_access.roles",
    "has(auth.identity.realm_access.roles)",
    "request.host == 'a' && auth.identity.plan == 'gold'",
  ])("%s", (predicate) => {
    expect(guarding(predicate)).toEqual(["warning spec.plans[0].predicate"]);
  });

  test.each([
    "'x-plan' in request.headers && request.headers['x-plan'] == 'gold'",
    "has(auth.identity.metadata.annotations.plan) && auth.identity.metadata.annotations.plan == 'gold'",
    "has(auth.identity.plan)",
    "has(auth.identity.plan) ? auth.identity.plan == 'gold' : false",
    "auth.identity.?plan.orValue('') == 'gold'",
    "request.headers['host'] == 'a'",
    "auth.identity.sub == 'a'",
    "auth.identity.user.username == 'a'",
    "request.url_path == '/'",
  ])("is not in %s", (predicate) => {
    expect(guarding(predicate)).toEqual([]);
  });
});

describe("texts that the generated expression cannot hold", () => {
  test.each([
    [{ tier: 'a "b"', predicate: "request.host == 'a'" }, "warning spec.plans[0].tier"],
    [{ tier: "a", predicate: "request.host == 'a' // b" }, "warning spec.plans[0].predicate"],
    [{ tier: "a", predicate: "// b\nrequest.host == 'a'" }, "warning spec.plans[0].predicate"],
  ])("%j", (plan, expected) => {
    expect(told(planned(plan, REST))).toEqual([expected]);
  });
});

describe("a RateLimitPolicy of the plan's name", () => {
  const limits = (names: string, { owner = "", name = "p" } = {}): string => `
apiVersion: kuadrant.io/v1
kind: RateLimitPolicy
metadata: {namespace: a, name: ${name}${owner}}
spec: {targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}, limits: {${names}}}`;
  const LIMIT = "{rates: [{limit: 1, window: 1m}]}";

  test.each([
    ["that is somebody's", limits(`mine: ${LIMIT}`), 1],
    [
      "that the operator owns",
      limits(`mine: ${LIMIT}`, { owner: ", ownerReferences: [{kind: PlanPolicy, name: p}]" }),
      0,
    ],
    ["that has the tiers only", limits(`free: ${LIMIT}`), 0],
    ["is another one under another name", limits(`mine: ${LIMIT}`, { name: "q" }), 0],
  ])("%s", (_, document, count) => {
    expect(told(document, planned(REST))).toHaveLength(count);
  });

  test("warns at admission", () => {
    const verdict = applying(rule, planned(REST), limits(`mine: ${LIMIT}`));
    expect(verdict.warned.map(({ scope }) => scope)).toEqual(["conflict"]);
  });
});
