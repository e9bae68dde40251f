import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/tokenreview-identity-path.ts";
import { lintTopology } from "../../src/lint/run.ts";
import {
  authPolicy,
  EGRESS_ROUTE,
  GATEWAY,
  headers,
  lookup,
  matching,
  ON_GATEWAY,
  tell,
  topologyOfObjects,
} from "../support/auth-policies.ts";

const REVIEW = { kubernetesTokenReview: { audiences: ["egress-gateway"] } };
const at = "spec.rules.authorization.check.patternMatching.patterns[0]";

const asking = (pattern: string | object, authentication: object = { who: REVIEW }): object => ({
  authentication,
  authorization: { check: matching(pattern) },
});
const found = (pattern: string | object, authentication?: object): readonly string[] =>
  tell(rule, authPolicy({ rules: asking(pattern, authentication) }));

describe("a member that a TokenReview does not have", () => {
  test.each([
    ["auth.identity.username == 'x'", "error", "auth.identity.username"],
    ["auth.identity['username'] == 'x'", "error", "auth.identity['username']"],
    ["auth.identity.metadata.annotations.team == 'x'", "error", "auth.identity.metadata"],
    ["auth.identity.user.name == 'x'", "error", "auth.identity.user.name"],
    ["auth.identity.claims.admin", "error", "auth.identity.claims"],
    ["has(auth.identity.sub)", "error", "auth.identity.sub"],
    ["has(auth.identity.sub) && auth.identity.sub == 'x'", "error", "auth.identity.sub"],
    ["auth.identity.sub == 'x' || auth.identity.user.username == 'x'", "warning", "auth.identity.sub"],
  ])("%s", (predicate, severity, text) => {
    expect(found(predicate)).toEqual([`${severity} ${at}.predicate «${text}»`]);
  });

  test.each([
    ["auth.identity.user.username == 'x'"],
    ["auth.identity.user['extra']['authentication.kubernetes.io/pod-name'][0] == 'x'"],
    ["auth.identity.user.groups.exists(group, group == 'x')"],
    ["auth.identity.authenticated && auth.identity.audiences[0] == 'x'"],
    ["auth.identity == null"],
    ["!has(auth.identity.sub)"],
    ["has(auth.identity.sub) ? auth.identity.sub == 'x' : auth.identity.user.username == 'x'"],
    ["auth.identity.?sub.orValue(auth.identity.user.username) == 'x'"],
    ["request.path == '/auth.identity.username'"],
  ])("is not read by %s", (predicate) => {
    expect(found(predicate)).toEqual([]);
  });

  test.each([
    ["auth.identity.username", [`error ${at}.selector «auth.identity.username»`]],
    ['auth.identity.sub.@extract:{"sep":":","pos":2}', [`error ${at}.selector «auth.identity.sub»`]],
    ["auth.identity.user.groups.#", []],
    ["auth.identity.@values", []],
  ])("selector %s", (selector, told) => {
    expect(found({ selector, operator: "eq", value: "x" })).toEqual(told);
  });
});

describe("which identities there can be", () => {
  test.each([
    ["no authentication", {}, 0],
    ["two TokenReviews", { a: REVIEW, b: REVIEW }, 1],
    ["a JWT beside the TokenReview", { a: REVIEW, b: { jwt: { issuerUrl: "https://x" } } }, 0],
    ["an override that adds the member", { a: { ...REVIEW, overrides: { username: { value: "x" } } } }, 0],
    ["a default that adds another member", { a: { ...REVIEW, defaults: { team: { value: "x" } } } }, 1],
  ])("%s", (_, authentication, count) => {
    expect(found("auth.identity.username == 'x'", authentication)).toHaveLength(count);
  });

  test("an override of the user leaves its members open", () => {
    expect(found("auth.identity.user.name == 'x'", { a: { ...REVIEW, overrides: { user: { value: {} } } } })).toEqual(
      [],
    );
  });
});

describe("fields whose failure the request survives warn", () => {
  test("a cache key, an alternative, the answer to a denied request", () => {
    const rules = {
      authentication: { who: REVIEW },
      metadata: { a: lookup({ cache: { key: { selector: "auth.identity.sub" } } }) },
      authorization: { check: matching({ any: [{ predicate: "auth.identity.sub == 'x'" }, { predicate: "true" }] }) },
      response: { unauthorized: { body: { selector: "no access for {auth.identity.sub}" } } },
    };
    expect(tell(rule, authPolicy({ rules })).toSorted()).toEqual([
      `warning ${at}.any[0].predicate «auth.identity.sub»`,
      "warning spec.rules.metadata.a.cache.key.selector «auth.identity.sub»",
      "warning spec.rules.response.unauthorized.body.selector «auth.identity.sub»",
    ]);
  });
});

describe("policies that merge", () => {
  const onlyPattern = { rules: { authorization: { check: matching("auth.identity.username == 'x'") } } };
  const gatewayWith = (item: object, strategy = "merge"): object =>
    authPolicy({ defaults: { strategy, rules: { authentication: { gw: item } } } }, { name: "gw", target: ON_GATEWAY });
  const all = (...policies: readonly object[]): readonly string[] => tell(rule, GATEWAY, EGRESS_ROUTE, ...policies);

  test("authentication that the gateway's policy merges in counts", () => {
    expect(all(authPolicy(onlyPattern), gatewayWith(REVIEW))).toEqual([
      `error conflict ${at}.predicate «auth.identity.username»`,
    ]);
    expect(all(authPolicy(onlyPattern), gatewayWith({ jwt: { issuerUrl: "https://x" } }))).toEqual([]);
    expect(all(authPolicy(onlyPattern), gatewayWith(REVIEW, "atomic"))).toEqual([]);
  });

  test("a method that the gateway's policy adds makes the member possible", () => {
    const own = authPolicy({ rules: asking("auth.identity.username == 'x'") });
    expect(all(own, gatewayWith({ jwt: { issuerUrl: "https://x" } }))).toEqual([]);
  });

  test("a block that merges warns while no route is in view", () => {
    const block = { strategy: "merge", rules: asking("auth.identity.username == 'x'") };
    expect(tell(rule, authPolicy({ defaults: block }))[0]).toMatch(/^warning spec\.defaults/);
    expect(all(authPolicy({ defaults: block }))[0]).toMatch(/^error spec\.defaults/);
  });
});

describe("hints", () => {
  test.each([
    ["auth.identity.username", "Use `auth.identity.user.username`."],
    ["auth.identity.groups[0]", "Use `auth.identity.user.groups`."],
    ["auth.identity.sub", "Use `auth.identity.user.username`."],
    ["auth.identity.namespace", "The namespace is part of the user name: `auth.identity.user.username.split(':')[2]`."],
    ["auth.identity.email", "Use `auth.identity.user.username`, `.uid`, `.groups` or `.extra`."],
  ])("%s", (expression, hint) => {
    const rules = { authentication: { who: REVIEW }, response: headers({ x: expression }) };
    const [finding] = lintTopology(topologyOfObjects([authPolicy({ rules })]), { rules: [rule], profile: "default" });
    expect(finding?.hint).toBe(hint);
  });
});
