import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/rlp-counter-client-controlled.ts";
import { authRules, caretsOf, counting, labelled, limitedWhen } from "../support/expression-policies.ts";
import { findingsOf } from "../support/rule-findings.ts";

const WAY = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: gateways, name: egress}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: gateways, name: httpbin}
spec: {parentRefs: [{name: egress}], rules: [{}]}`;

const TWO = (...counters: readonly string[]): string =>
  counting("COUNTERS").replace(
    '[{expression: "COUNTERS"}]',
    `[${counters.map((counter) => `{expression: ${JSON.stringify(counter)}}`).join(", ")}]`,
  );

describe("a limit that is counted by the caller's choice", () => {
  test.each([
    ["request.headers.tenant", "request.headers.tenant"],
    ["request.headers['x-tenant'].lowerAscii()", "request.headers['x-tenant']"],
    ["request.method == 'GET' ? 'get' : request.url_path", "request.url_path"],
    ["'p-' + request.path", "request.path"],
    ["string(requestBodyJSON('/model'))", "requestBodyJSON('/model')"],
    ["request.headers[?'x-tenant'].orValue('none')", "request.headers[?'x-tenant']"],
  ])("%s", (expression, at) => {
    expect(caretsOf(rule, expression, counting(expression))).toEqual([`warning ${at}`]);
  });

  test("is said once, with every value, at the first", () => {
    const found = findingsOf(rule, TWO("request.host", "request.useragent", "request.url_path"));
    expect(found.map(({ path }) => path.at(-2))).toEqual([1]);
    expect(found[0]?.message).toContain("`request.useragent`, `request.url_path`");
  });

  test("counts its body as it is written", () => {
    expect(findingsOf(rule, counting("requestBodyJSON('/model')"))[0]?.message).toContain(
      "(`requestBodyJSON('/model')`)",
    );
  });

  test("is found among token limits and below defaults too", () => {
    expect(findingsOf(rule, counting("request.useragent", "TokenRateLimitPolicy"))).toHaveLength(1);
    const below = counting("request.useragent").replace("  limits:", "  defaults:\n    limits:");
    expect(findingsOf(rule, below)).toHaveLength(1);
  });
});

describe("no finding", () => {
  test.each([
    "request.host",
    "request.headers['host']",
    "request.method",
    "request.size > 1000 ? 'large' : 'small'",
    "source.address",
    "source.remote_address",
    "auth.identity.username + request.url_path",
    "destination.address",
    "metadata.team",
    "request.useragent.contains('curl') ? 'curl' : 'other'",
    "request.headers['authorization']",
    "request.id + request.path",
    "'constant'",
    "request.",
  ])("for the counter %s", (expression) => {
    expect(caretsOf(rule, expression, counting(expression))).toEqual([]);
  });

  test("where another counter of the limit cannot be read", () => {
    expect(findingsOf(rule, TWO("request.useragent", "auth.identity."))).toEqual([]);
  });

  test("for a header that the AuthPolicy sets on every request", () => {
    const injecting = authRules(
      "{authentication: {sa: {kubernetesTokenReview: {}}}, response: {success: {headers: {x-tenant: {plain: {selector: auth.identity.user.username}}}}}}",
    );
    const header = counting("request.headers['x-tenant']");
    expect(findingsOf(rule, WAY, header, injecting)).toEqual([]);
    expect(
      findingsOf(rule, WAY, header, authRules("{authentication: {sa: {kubernetesTokenReview: {}}}}")),
    ).toHaveLength(1);
  });

  test("for conditions and labels, which are no counters", () => {
    expect(findingsOf(rule, limitedWhen("request.useragent == 'curl'"), labelled("request.useragent"))).toEqual([]);
  });
});
