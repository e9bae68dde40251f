import type { Rule } from "../../src/lint/rule.ts";
import { findingsOf } from "./rule-findings.ts";

const TARGET = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin}";

const policy = (kind: string, spec: string, apiVersion = "kuadrant.io/v1"): string => `
apiVersion: ${apiVersion}
kind: ${kind}
metadata: {namespace: gateways, name: ${kind.toLowerCase()}}
spec:
  targetRef: ${TARGET}
${spec}`;

/** A limit with one counter. */
export const counting = (expression: string, kind = "RateLimitPolicy"): string =>
  policy(
    kind,
    `  limits: {x: {rates: [{limit: 1, window: 1m}], counters: [{expression: ${JSON.stringify(expression)}}]}}`,
  );

/** A limit with one condition. */
export const limitedWhen = (predicate: string): string =>
  policy(
    "RateLimitPolicy",
    `  limits: {x: {rates: [{limit: 1, window: 1m}], when: [{predicate: ${JSON.stringify(predicate)}}]}}`,
  );

/** An AuthPolicy's own condition, which the gateway evaluates. */
export const authWhen = (predicate: string): string =>
  policy("AuthPolicy", `  when: [{predicate: ${JSON.stringify(predicate)}}]`);

/** An AuthPolicy with these rules, as YAML flow text. */
export const authRules = (rules: string): string => policy("AuthPolicy", `  rules: ${rules}`);

/** An authorization rule of one pattern, behind TokenReview unless other methods are given. */
export const authPattern = (pattern: object, authentication: object = { sa: { kubernetesTokenReview: {} } }): string =>
  authRules(JSON.stringify({ authentication, authorization: { who: { patternMatching: { patterns: [pattern] } } } }));

export const planWhen = (predicate: string): string =>
  policy(
    "PlanPolicy",
    `  plans: [{tier: gold, predicate: ${JSON.stringify(predicate)}}]`,
    "extensions.kuadrant.io/v1alpha1",
  );

export const labelled = (label: string): string =>
  policy(
    "TelemetryPolicy",
    `  metrics: {default: {labels: {who: ${JSON.stringify(label)}}}}`,
    "extensions.kuadrant.io/v1alpha1",
  );

/** What one rule finds about an expression: `error <text under the caret>`. */
export const caretsOf = (rule: Rule, text: string, ...documents: readonly string[]): readonly string[] =>
  findingsOf(rule, ...documents).map(
    ({ severity, range }) => `${severity} ${range === undefined ? "(all)" : text.slice(range.start, range.end)}`,
  );
