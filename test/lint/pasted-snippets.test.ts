import { describe, expect, test } from "vitest";
import { rules } from "../../src/lint/rules/index.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { formatPath } from "../../src/model/field-path.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { createCatalogue } from "../../src/schema/catalogue.ts";
import { createSchemaChecker } from "../../src/schema/check-object.ts";
import { objectsOfText } from "../../src/sources/manifests.ts";

const TARGET = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}";

const policy = (apiVersion: string, kind: string, spec: string): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {namespace: gateway-system, name: pasted}\nspec: ${spec}\n`;

const limits = (limit: string, kind = "RateLimitPolicy"): string =>
  policy("kuadrant.io/v1", kind, `{targetRef: ${TARGET}, limits: {pasted: ${limit}}}`);

const counted = (expression: string, kind?: string): string =>
  limits(`{rates: [{limit: 5, window: 1m}], counters: [{expression: ${JSON.stringify(expression)}}]}`, kind);

const when = (predicate: string): string =>
  limits(`{rates: [{limit: 5, window: 1m}], when: [{predicate: ${JSON.stringify(predicate)}}]}`);

const auth = (spec: string): string => policy("kuadrant.io/v1", "AuthPolicy", `{targetRef: ${TARGET}, ${spec}}`);

const label = (expression: string): string =>
  policy(
    "extensions.kuadrant.io/v1alpha1",
    "TelemetryPolicy",
    `{targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}, metrics: {default: {labels: {groups: ${expression}}}}}`,
  );

const RULES = "rules: {authentication: {sa: {kubernetesTokenReview: {audiences: [egress]}}}}";

/** Everything that `sluice lint` says of one file without definitions, as `rule path`. */
function told(text: string): readonly string[] {
  const { decoded } = objectsOfText(text, "pasted.yaml");
  const checker = createSchemaChecker(createCatalogue([]));
  return [
    ...decoded.flatMap((object) => checker.check(object).findings),
    ...lintTopology(buildTopology(decoded), { rules, profile: "default" }),
  ].map(({ rule, path }) => `${rule} ${formatPath(path)}`);
}

const COUNTER = "spec.limits.pasted.counters[0].expression";

describe("a snippet that documents teach and that does not do what it says gives a finding:", () => {
  test.each([
    [
      "has() with a key in brackets, before authentication",
      auth(`when: [{predicate: "has(request.headers['x-skip'])"}], ${RULES}`),
      "cel-syntax-error spec.when[0].predicate",
    ],
    [
      "has() with a key in brackets, of a limit",
      when("has(request.headers['x-skip'])"),
      "cel-syntax-error spec.limits.pasted.when[0].predicate",
    ],
    [
      "has() with a key in brackets, below rules",
      auth(
        `rules: {authorization: {x: {patternMatching: {patterns: [{predicate: "has(request.headers['x-team'])"}]}}}}`,
      ),
      "cel-syntax-error spec.rules.authorization.x.patternMatching.patterns[0].predicate",
    ],
    [
      "optional.of, which reads its header first",
      counted("optional.of(request.headers['x-team']).orValue('none')"),
      `rlp-counter-missing-attribute ${COUNTER}`,
    ],
    [
      "lowerascii, which is lowerAscii, and no function but a method",
      counted("lowerascii(request.headers['x-team'])"),
      `cel-unsupported-function ${COUNTER}`,
    ],
    [
      "lowerascii as a method",
      counted("request.headers['x-team'].lowerascii()"),
      `cel-unsupported-function ${COUNTER}`,
    ],
    [
      "the claims of a request",
      counted("request.auth.claims['sub']", "TokenRateLimitPolicy"),
      `cel-unknown-attribute ${COUNTER}`,
    ],
    [
      "a claim of a request by its name",
      counted("request.auth.claims.userid", "TokenRateLimitPolicy"),
      `cel-unknown-attribute ${COUNTER}`,
    ],
    [
      "a window of a day",
      limits("{rates: [{limit: 5, window: 1d}]}", "TokenRateLimitPolicy"),
      "schema-tokenratelimitpolicy spec.limits.pasted.rates[0].window",
    ],
    [
      "a window of a week",
      limits("{rates: [{limit: 5, window: 1w}]}"),
      "schema-ratelimitpolicy spec.limits.pasted.rates[0].window",
    ],
    [
      "a window of one and a half hours",
      limits("{rates: [{limit: 5, window: 1.5h}]}"),
      "schema-ratelimitpolicy spec.limits.pasted.rates[0].window",
    ],
    [
      "a list as a label of metrics",
      label("auth.identity.groups"),
      "telemetry-label-breaks-ratelimit spec.metrics.default.labels.groups",
    ],
  ])("%s", (_title, text, expected) => {
    expect(told(text)).toContain(expected);
  });
});

describe("what is meant by them gives none of those:", () => {
  test.each([
    ["a header that is asked for", when("'x-skip' in request.headers")],
    ["a header with a default", counted("request.headers[?'x-team'].orValue('none') + auth.identity.username")],
    ["a window of a day in hours", limits("{rates: [{limit: 5, window: 24h}]}")],
  ])("%s", (_title, text) => {
    expect(told(text).filter((line) => /^(cel-|schema-|rlp-counter-missing|telemetry-)/.test(line))).toEqual([]);
  });
});
