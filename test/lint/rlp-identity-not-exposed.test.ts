import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/rlp-identity-not-exposed.ts";
import { caretsOf, counting, labelled, limitedWhen } from "../support/expression-policies.ts";
import { applying, findingsOf } from "../support/rule-findings.ts";

const GATEWAY = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: gateways, name: egress}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}`;
const route = (name: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: gateways, name: ${name}}
spec: {parentRefs: [{name: egress}], hostnames: [${name}.example.com], rules: [{}]}`;
const WAY = [GATEWAY, route("httpbin")] as const;

const auth = (
  name: string,
  spec: string,
  target = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin}",
) => `
apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {namespace: gateways, name: ${name}}
spec: {targetRef: ${target}, ${spec}}`;
const ON_GATEWAY = "{group: gateway.networking.k8s.io, kind: Gateway, name: egress}";

const review = "authentication: {sa: {kubernetesTokenReview: {audiences: [egress]}}}";
const filters = (entries: string): string => `response: {success: {filters: {${entries}}}}`;
const publishes = (property: string): string =>
  filters(`identity: {json: {properties: {${property}: {selector: auth.identity.user.${property}}}}}`);
const rules = (...parts: readonly string[]): string => `rules: {${parts.join(", ")}}`;

const onGateway = (policy: string): string =>
  policy.replace("kind: HTTPRoute, name: httpbin", "kind: Gateway, name: egress");

const USERNAME = "auth.identity.username";

describe("an identity that is not published", () => {
  test.each([
    ["by an AuthPolicy without filters", rules(review), "publishes nothing"],
    [
      "by a filter of another name",
      rules(review, filters("who: {json: {properties: {username: {selector: a}}}}")),
      "only `auth.who.username`",
    ],
    ["as a property of the filter", rules(review, publishes("uid")), "only `auth.identity.uid`"],
    [
      "because a plain filter is one text",
      rules(review, filters("identity: {plain: {selector: auth.identity.user.username}}")),
      "only `auth.identity`",
    ],
    [
      "under the name it is read by, but under its key",
      rules(review, filters("who: {key: caller, json: {properties: {username: {selector: a}}}}")),
      "only `auth.caller.username`",
    ],
    ["by overrides that replace the rules", `overrides: {${rules(review)}}`, "publishes nothing"],
  ])("%s", (_, spec, because) => {
    const [finding, ...others] = findingsOf(rule, ...WAY, counting(USERNAME), auth("sa", spec));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: "error", scope: "conflict", message: expect.stringContaining(because) });
    expect(finding?.related?.[0]?.object.name).toBe("sa");
  });

  test("because a gateway's atomic default gives way to the route's policy", () => {
    const findings = findingsOf(
      rule,
      ...WAY,
      counting(USERNAME),
      auth("base", `defaults: {${rules(review, publishes("username"))}}`, ON_GATEWAY),
      auth("own", rules(review)),
    );
    expect(findings.map(({ message }) => message)).toEqual([
      expect.stringContaining("`gateways/own` publishes nothing"),
    ]);
  });

  test("because there is no AuthPolicy: an absence, which only warns when the limit comes first", () => {
    expect(findingsOf(rule, ...WAY, counting(USERNAME))).toMatchObject([{ scope: "absence", severity: "error" }]);
    const verdict = applying(rule, counting(USERNAME), ...WAY);
    expect([verdict.denied.length, verdict.warned.length]).toEqual([0, 1]);
  });

  test("denies the limit when the AuthPolicy is there", () => {
    const verdict = applying(rule, counting(USERNAME), ...WAY, auth("sa", rules(review)));
    expect(verdict.denied.map(({ rule: id }) => id)).toEqual(["rlp-identity-not-exposed"]);
  });

  test("on one of a gateway's routes names that route", () => {
    const findings = findingsOf(
      rule,
      ...WAY,
      route("other"),
      onGateway(counting(USERNAME)),
      auth("sa", rules(review, publishes("username"))),
    );
    expect(findings.map(({ message }) => message)).toEqual([expect.stringContaining("HTTPRoute `gateways/other`")]);
  });

  test("is told beside an AuthPolicy of the same target when the route is not in view", () => {
    expect(findingsOf(rule, counting(USERNAME), auth("sa", rules(review)))).toMatchObject([{ scope: "absence" }]);
  });

  test.each([
    ["a predicate", limitedWhen(`${USERNAME} == 'a'`), USERNAME],
    ["a token limit", counting(USERNAME, "TokenRateLimitPolicy"), USERNAME],
    ["has(), which fails on nothing as well", counting(`has(${USERNAME}) ? ${USERNAME} : 'none'`), USERNAME],
    ["a bracket", counting("auth['identity'].username"), "auth['identity'].username"],
  ])("in %s", (_, policy, at) => {
    const text = /(?:predicate|expression): "(.*)"}/.exec(policy)?.[1] ?? "";
    expect(caretsOf(rule, text, ...WAY, policy, auth("sa", rules(review)))).toEqual([`error ${at}`]);
  });

  test("in a label, where the gateway limits rates", () => {
    const label = onGateway(labelled(USERNAME));
    const limit = counting("request.host");
    expect(findingsOf(rule, ...WAY, label, limit, auth("sa", rules(review)))).toHaveLength(1);
    expect(findingsOf(rule, ...WAY, label, auth("sa", rules(review)))).toEqual([]);
  });

  test.each([
    ["a TokenReview", rules(review), "selector: auth.identity.user.username"],
    ["a JWT", rules("authentication: {jwt: {jwt: {issuerUrl: 'https://x'}}}"), "selector: auth.identity.username"],
    ["overrides", `overrides: {${rules(review)}}`, "`overrides.rules.response.success.filters.identity.json"],
  ])("is mended as fits %s", (_, spec, hint) => {
    const [finding] = findingsOf(rule, ...WAY, counting(USERNAME), auth("sa", spec));
    expect(finding?.hint.replaceAll("`", "")).toContain(hint.replaceAll("`", ""));
  });
});

describe("no finding", () => {
  const published = auth("sa", rules(review, publishes("username")));

  test.each([
    ["what is published", counting(USERNAME)],
    ["what is published, in brackets", counting("auth.identity['username']")],
    ["a missing property with a default", counting("has(auth.identity.uid) ? auth.identity.uid : 'anon'")],
    ["a missing property that is tested with in", counting("'uid' in auth.identity ? auth.identity.uid : 'anon'")],
    ["an optional property", counting("auth.identity.?uid.orValue('anon')")],
    ["an optional filter", counting("auth.?who.?name.orValue('anon')")],
    ["the plan", counting("auth.kuadrant.plan")],
    ["a computed property", counting("auth.identity[request.method]")],
    ["an expression that does not parse", counting("auth.identity.")],
    ["a name that a macro binds", counting("['a'].map(auth, auth.identity.x)[0]")],
    ["what rlp-tokenreview-path says", counting("auth.identity.user.username")],
  ])("for %s", (_, policy) => {
    expect(findingsOf(rule, ...WAY, policy, published)).toEqual([]);
  });

  test.each([
    [
      "by a gateway's merged defaults",
      auth("base", `defaults: {strategy: merge, ${rules(publishes("username"))}}`, ON_GATEWAY),
      auth("own", rules(review)),
    ],
    [
      "by a gateway's overrides",
      auth("base", `overrides: {${rules(review, publishes("username"))}}`, ON_GATEWAY),
      auth("own", rules(review)),
    ],
    [
      "under a key",
      auth("own", rules(review, filters("who: {key: identity, json: {properties: {username: {selector: a}}}}"))),
    ],
    [
      "as a whole structure by a plain filter",
      auth("own", rules(review, filters("identity: {plain: {selector: auth.identity}}"))),
    ],
  ])("when it is published %s", (_, ...policies) => {
    expect(findingsOf(rule, ...WAY, counting(USERNAME), ...policies)).toEqual([]);
  });

  test("when has() asks for the whole filter first", () => {
    const guarded = counting("has(auth.identity) ? auth.identity.username : 'none'");
    expect(findingsOf(rule, ...WAY, guarded, auth("sa", rules(review)))).toEqual([]);
  });

  test("when neither the route nor an AuthPolicy of it is in view", () => {
    expect(findingsOf(rule, counting(USERNAME))).toEqual([]);
    expect(findingsOf(rule, route("httpbin"), counting(USERNAME))).toEqual([]);
  });
});
