import { describe, expect, test } from "vitest";
import { rule as replaced } from "../../src/lint/rules/gateway-policy-replaced-by-route.ts";
import { rule as gates } from "../../src/lint/rules/merge-toplevel-when-gates-parent.ts";
import { formatPath } from "../../src/model/field-path.ts";
import { applying, findingsOf } from "../support/rule-findings.ts";

const WORLD = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: a, name: g}
spec:
  gatewayClassName: istio
  listeners: [{name: one, port: 80, protocol: HTTP}, {name: two, port: 8080, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: a, name: r}
spec:
  parentRefs: [{name: g}]
  rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.example.com, port: 443}]}]`;

type Options = { readonly on?: string; readonly kind?: string };

const policy = (
  name: string,
  spec: string,
  { on = "HTTPRoute, name: r", kind = "AuthPolicy" }: Options = {},
): string => `
apiVersion: kuadrant.io/v1
kind: ${kind}
metadata: {namespace: a, name: ${name}}
spec: {targetRef: {group: gateway.networking.k8s.io, kind: ${on}}, ${spec}}`;

const GATEWAY = { on: "Gateway, name: g" } as const;
const above = (spec: string, more: Options = {}): string => policy("above", spec, { ...GATEWAY, ...more });

const AUTHN = "authentication: {sa: {jwt: {}}}";
const AUTHZ = `authorization: {team: {patternMatching: {patterns: [{predicate: "request.host == 'a'"}]}}}`;
const HEADER = "response: {success: {headers: {x-a: {plain: {value: b}}}}}";
const METADATA = "metadata: {vault: {http: {url: https://vault}}}";
const WHEN = `when: [{predicate: "request.method == 'GET'"}]`;

describe("a route's AuthPolicy over defaults of the Gateway", () => {
  const lossOf = (upper: string, lower: string): string =>
    findingsOf(replaced, WORLD, above(upper), policy("below", lower)).find(({ object }) => object.name === "below")
      ?.message ?? "";

  test.each([
    [`rules: {${AUTHN}, ${AUTHZ}}`, `rules: {${AUTHN}}`, "authorization `team` no longer applies"],
    [`defaults: {rules: {${AUTHN}, ${AUTHZ}}}`, `rules: {${AUTHN}}`, "authorization `team` no longer applies"],
    [`rules: {${AUTHN}, ${METADATA}}`, `rules: {${AUTHN}}`, "metadata no longer applies"],
    [`rules: {${AUTHN}, ${HEADER}}`, `rules: {${AUTHN}}`, "the response no longer applies"],
    [`rules: {${AUTHN}}`, "rules: {authentication: {any: {anonymous: {}}}}", "authentication no longer applies"],
    [`rules: {${AUTHN}, ${AUTHZ}}`, `rules: {${HEADER}}`, "authorization `team`, authentication no longer apply"],
  ])("%s under %s", (upper, lower, loss) => {
    expect(lossOf(upper, lower)).toContain(loss);
  });

  test.each([
    [
      "the same under another name",
      `rules: {${AUTHN}, ${AUTHZ}}`,
      `rules: {${AUTHN}, ${AUTHZ.replace("team:", "own:")}}`,
    ],
    ["its own of the same name", `rules: {${AUTHN}, ${AUTHZ}}`, `rules: {${AUTHN}, ${AUTHZ.replace("'a'", "'b'")}}`],
    ["another way to authenticate", `rules: {${AUTHN}}`, "rules: {authentication: {key: {apiKey: {}}}}"],
    ["overrides above", `overrides: {rules: {${AUTHN}, ${AUTHZ}}}`, `rules: {${HEADER}}`],
    ["merging defaults above", `defaults: {strategy: merge, rules: {${AUTHN}, ${AUTHZ}}}`, `rules: {${HEADER}}`],
  ])("loses nothing with %s", (_, upper, lower) => {
    expect(lossOf(upper, lower)).toBe("");
  });

  test("is told once for both listeners, with the policy above", () => {
    const found = findingsOf(replaced, WORLD, above(`rules: {${AUTHZ}}`), policy("below", `rules: {${AUTHN}}`));
    const below = found.filter(({ object }) => object.name === "below");
    expect(below.map(({ related = [] }) => related.map(({ object }) => object.name))).toEqual([["above"]]);
  });

  test("is a warning at admission, whichever comes last", () => {
    const [upper, lower] = [above(`rules: {${AUTHZ}}`), policy("below", `rules: {${AUTHN}}`)];
    for (const verdict of [applying(replaced, lower, WORLD, upper), applying(replaced, upper, WORLD, lower)]) {
      expect([verdict.denied.length, verdict.warned.length]).toEqual([0, 1]);
    }
  });
});

describe("an AuthPolicy of an egress Gateway", () => {
  test.each([
    [`rules: {${AUTHN}}`, ["spec.rules"]],
    [`defaults: {rules: {${AUTHZ}}}`, ["spec.defaults"]],
    [`defaults: {strategy: merge, rules: {${AUTHZ}}}`, []],
    [`overrides: {rules: {${AUTHN}}}`, []],
    [`rules: {${HEADER}}`, []],
  ])("%s", (spec, expected) => {
    expect(findingsOf(replaced, WORLD, above(spec)).map(({ path }) => formatPath(path))).toEqual(expected);
  });

  test("is told the same of one listener", () => {
    expect(
      findingsOf(replaced, WORLD, above(`rules: {${AUTHN}}`, { on: "Gateway, name: g, sectionName: one" })),
    ).toHaveLength(1);
  });
});

describe("limits of the Gateway that a route replaces", () => {
  const limits = (name: string, limit: number): string => `limits: {${name}: {rates: [{limit: ${limit}, window: 1m}]}}`;
  const kind = "RateLimitPolicy";

  test.each([
    [limits("own", 5), "info"],
    [limits("all", 9), undefined],
    [limits("own", 10), undefined],
  ])("%s", (lower, severity) => {
    const found = findingsOf(replaced, WORLD, above(limits("all", 10), { kind }), policy("below", lower, { kind }));
    expect(found.map((finding) => finding.severity)).toEqual(severity === undefined ? [] : [severity]);
  });
});

describe("a merged `when`", () => {
  const told = (...documents: readonly string[]): readonly string[] =>
    findingsOf(gates, WORLD, ...documents).map(
      ({ severity, object, path }) => `${severity} ${object.name} ${formatPath(path)}`,
    );

  test.each([
    ["overrides", `overrides: {strategy: merge, rules: {${AUTHN}}}`],
    ["defaults", `defaults: {strategy: merge, rules: {${AUTHN}}}`],
  ])("of a route stands before the rules of merging %s, wherever it is read", (_, upper) => {
    const lower = policy("below", `${WHEN}, rules: {${HEADER}}`);
    expect(told(above(upper), lower)).toEqual(["error below spec.when"]);
    expect(told(lower, above(upper))).toEqual([
      `error above spec.${upper.slice(0, upper.indexOf(":"))}.rules.authentication.sa`,
    ]);
  });

  test("of the Gateway stands before a route's rules", () => {
    expect(told(above(`overrides: {strategy: merge, ${WHEN}}`), policy("below", `rules: {${HEADER}}`))).toEqual([
      'error below spec.rules.response.success.headers["x-a"]',
    ]);
  });

  test.each([
    [
      "an explicit one in the overrides",
      `overrides: {strategy: merge, when: [{predicate: "true"}], rules: {${AUTHN}}}`,
    ],
    ["the same one in both", `overrides: {strategy: merge, ${WHEN}, rules: {${AUTHN}}}`],
    ["atomic overrides", `overrides: {rules: {${AUTHN}}}`],
    ["atomic defaults", `rules: {${AUTHN}}`],
    ["nothing but named patterns above", "overrides: {strategy: merge, patterns: {a: {allOf: []}}}"],
  ])("does no harm with %s", (_, upper) => {
    expect(told(above(upper), policy("below", `${WHEN}, rules: {${HEADER}}`))).toEqual([]);
  });

  test("without a condition does none either", () => {
    expect(
      told(above(`overrides: {strategy: merge, rules: {${AUTHN}}}`), policy("below", `when: [], rules: {${HEADER}}`)),
    ).toEqual([]);
  });

  test.each(["RateLimitPolicy", "TokenRateLimitPolicy"])("is a warning in a %s", (kind) => {
    const limit = (name: string): string => `limits: {${name}: {rates: [{limit: 1, window: 1m}]}}`;
    expect(
      told(
        above(`defaults: {strategy: merge, ${limit("a")}}`, { kind }),
        policy("below", `${WHEN}, ${limit("b")}`, { kind }),
      ),
    ).toEqual(["warning below spec.when"]);
  });

  test("denies the AuthPolicy that completes it, and names the rules", () => {
    const lower = policy("below", `${WHEN}, rules: {${HEADER}}`);
    const verdict = applying(gates, lower, WORLD, above(`overrides: {strategy: merge, rules: {${AUTHN}}}`));
    expect(verdict.denied.map(({ message }) => message.includes("`authentication/sa`"))).toEqual([true]);
  });
});
