import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  celSites,
  EXPRESSION_KINDS,
  type ExpressionKind,
  selectorSites,
} from "../../../src/lint/expressions/expression-sites.ts";
import { rules } from "../../../src/lint/rules/index.ts";
import { lintTopology } from "../../../src/lint/run.ts";
import { formatPath } from "../../../src/model/field-path.ts";
import type { Kinds } from "../../../src/model/kinds.ts";
import {
  authPattern,
  authRules,
  authWhen,
  counting,
  labelled,
  limitedWhen,
  planWhen,
} from "../../support/expression-policies.ts";
import { topologyOf } from "../../support/topology-of.ts";

const objectOf = (yaml: string): Kinds[ExpressionKind] => {
  const { objects } = topologyOf(yaml);
  const [object] = EXPRESSION_KINDS.flatMap((kind): readonly Kinds[ExpressionKind][] => objects.of(kind));
  if (object === undefined) throw new Error("no object with expressions");
  return object;
};

const cel = (yaml: string): readonly string[] =>
  celSites(objectOf(yaml)).map(
    ({ engine, role, path, text, operatorChecks }) =>
      `${engine} ${role}${operatorChecks ? "!" : ""} ${formatPath(path)} ${text}`,
  );
const selectors = (yaml: string): readonly string[] =>
  selectorSites(objectOf(yaml)).map(({ role, path, text }) => `${role} ${formatPath(path)} ${text}`);

const header = (kind: string, apiVersion = "kuadrant.io/v1"): string => `
apiVersion: ${apiVersion}
kind: ${kind}
metadata: {namespace: a, name: b}`;

describe("the expressions of an object", () => {
  test.each(["RateLimitPolicy", "TokenRateLimitPolicy"])(
    "of kind %s are counters and conditions, in all three blocks",
    (kind) => {
      const yaml = `${header(kind)}
spec:
  when: [{predicate: p1}]
  limits: {x: {when: [{predicate: p2}], counters: [{expression: c1}, {expression: c2}]}}
  defaults: {when: [{predicate: p3}], limits: {y: {counters: [{expression: c3}]}}}
  overrides: {limits: {z-z: {counters: [{expression: c4}]}}}`;
      expect(cel(yaml)).toEqual([
        "wasm predicate! spec.when[0].predicate p1",
        "wasm predicate! spec.limits.x.when[0].predicate p2",
        "wasm counter spec.limits.x.counters[0].expression c1",
        "wasm counter spec.limits.x.counters[1].expression c2",
        "wasm predicate! spec.defaults.when[0].predicate p3",
        "wasm counter spec.defaults.limits.y.counters[0].expression c3",
        'wasm counter spec.overrides.limits["z-z"].counters[0].expression c4',
      ]);
      expect(selectors(yaml)).toEqual([]);
    },
  );

  const AUTH = `${header("AuthPolicy")}
spec:
  when: [{predicate: w}]
  patterns: {p: {allOf: [{predicate: n}, {selector: s1, operator: eq, value: a}]}}
  rules:
    authentication:
      a:
        when: [{predicate: a1}]
        cache: {key: {selector: s2}}
        overrides: {o: {expression: a2}}
        defaults: {d: {selector: s3}}
        plain: {expression: a3}
    metadata:
      m:
        cache: {key: {expression: m1}}
        http:
          url: "http://x/{s4}"
          urlExpression: m2
          headers: {h: {expression: m3}}
          body: {expression: m4}
          bodyParameters: {b: {selector: s5}}
    authorization:
      z:
        patternMatching: {patterns: [{predicate: z1}, {any: [{predicate: z2}, {all: [{predicate: z3}, {selector: s6}]}]}]}
        opa: {externalPolicy: {urlExpression: z4}}
        kubernetesSubjectAccessReview: {user: {expression: z5}, resourceAttributes: {verb: {selector: s7}}}
    response:
      unauthenticated: {message: {expression: r1}, headers: {h: {selector: s8}}, body: {expression: r2}}
      unauthorized: {body: {selector: s9}}
      success:
        headers: {h: {plain: {expression: r3}}, j: {json: {properties: {p: {expression: r4}}}}}
        filters: {f: {when: [{predicate: r5}], json: {properties: {expression: {selector: s10}}}}, w: {wristband: {customClaims: {c: {expression: r6}}}}}
    callbacks: {c: {http: {urlExpression: c1}}}`;

  test("of an AuthPolicy stand in its own when and in every corner of its rules", () => {
    const found = cel(AUTH).map((line) => line.replace("spec.", ""));
    expect(found).toEqual([
      "wasm predicate! when[0].predicate w",
      "authorino predicate patterns.p.allOf[0].predicate n",
      "authorino predicate rules.authentication.a.when[0].predicate a1",
      "authorino expression rules.authentication.a.overrides.o.expression a2",
      "authorino expression rules.authentication.a.plain.expression a3",
      "authorino expression rules.metadata.m.cache.key.expression m1",
      "authorino urlExpression rules.metadata.m.http.urlExpression m2",
      "authorino expression rules.metadata.m.http.headers.h.expression m3",
      "authorino expression rules.metadata.m.http.body.expression m4",
      "authorino predicate rules.authorization.z.patternMatching.patterns[0].predicate z1",
      "authorino predicate rules.authorization.z.patternMatching.patterns[1].any[0].predicate z2",
      "authorino predicate rules.authorization.z.patternMatching.patterns[1].any[1].all[0].predicate z3",
      "authorino urlExpression rules.authorization.z.opa.externalPolicy.urlExpression z4",
      "authorino expression rules.authorization.z.kubernetesSubjectAccessReview.user.expression z5",
      "authorino expression rules.response.success.headers.h.plain.expression r3",
      "authorino expression rules.response.success.headers.j.json.properties.p.expression r4",
      "authorino predicate rules.response.success.filters.f.when[0].predicate r5",
      "authorino expression rules.response.success.filters.w.wristband.customClaims.c.expression r6",
      "authorino expression rules.response.unauthenticated.message.expression r1",
      "authorino expression rules.response.unauthenticated.body.expression r2",
      "authorino urlExpression rules.callbacks.c.http.urlExpression c1",
    ]);
  });

  test("in gjson are selectors, patterns and templates", () => {
    const found = selectors(AUTH).map((line) => `${line.split(" ")[0]} ${line.split(" ")[2]}`);
    expect(found.toSorted()).toEqual(
      [
        "pattern s1",
        "selector s2",
        "selector s3",
        "template http://x/{s4}",
        "selector s5",
        "pattern s6",
        "selector s7",
        "selector s8",
        "selector s9",
        "selector s10",
      ].toSorted(),
    );
  });

  test("of a PlanPolicy are its plans' predicates", () => {
    const yaml = `${header("PlanPolicy", "extensions.kuadrant.io/v1alpha1")}
spec: {plans: [{tier: gold, predicate: p1}, {tier: free, predicate: p2}]}`;
    expect(cel(yaml)).toEqual([
      "authorino predicate spec.plans[0].predicate p1",
      "authorino predicate spec.plans[1].predicate p2",
    ]);
  });

  test("of a TelemetryPolicy are its labels", () => {
    const yaml = `${header("TelemetryPolicy", "extensions.kuadrant.io/v1alpha1")}
spec: {metrics: {default: {labels: {a: l1, "b.c": l2}}}}`;
    expect(cel(yaml)).toEqual([
      "wasm label spec.metrics.default.labels.a l1",
      'wasm label spec.metrics.default.labels["b.c"] l2',
    ]);
  });

  test("are read once for one object", () => {
    const object = objectOf(AUTH);
    expect(celSites(object)).toBe(celSites(object));
  });

  test("of an object without a spec are none", () => {
    expect(cel(header("RateLimitPolicy"))).toEqual([]);
    expect(cel(header("AuthPolicy"))).toEqual([]);
  });
});

const PIECES =
  "source .address request .headers ['X-a'] .x-y has( ) ( [ ] { } , ? : ?. ! && || == in + - ' \" \\ 1 .5 true null auth .identity .user .exists(v, .split(':') requestBodyJSON('/a') \n // {a.b} @case:lower # \ud83d";
const texts = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.array(fc.constantFrom(...PIECES.split(" ")), { maxLength: 14 }).map((pieces) => pieces.join("")),
);

describe("any text in the place of an expression", () => {
  const judged = rules.filter(({ id }) => /^(?:rlp-|cel-|predicate-)/.test(id));

  test.each<readonly [string, (text: string) => string]>([
    ["a counter", counting],
    ["a condition of a limit", limitedWhen],
    ["a condition of an AuthPolicy", authWhen],
    ["a pattern", (predicate) => authPattern({ predicate })],
    ["a selector", (selector) => authPattern({ selector, operator: "neq", value: "a" })],
    ["a URL", (url) => authRules(JSON.stringify({ metadata: { a: { http: { url } } } }))],
    ["a plan", planWhen],
    ["a label", labelled],
  ])("is judged as %s, and what is marked lies within it", (_, policyWith) => {
    fc.assert(
      fc.property(texts, (text) => {
        for (const { range, message, hint } of lintTopology(topologyOf(policyWith(text)), {
          rules: judged,
          profile: "strict",
        })) {
          expect(message).not.toMatch(/undefined|\.$/);
          expect(hint).toMatch(/\.$/);
          if (range === undefined) continue;
          expect(range.start).toBeGreaterThanOrEqual(0);
          expect(range.end).toBeGreaterThan(range.start);
          expect(range.end).toBeLessThanOrEqual(text.length);
        }
      }),
      { numRuns: 300 },
    );
  });
});
