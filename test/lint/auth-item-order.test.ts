import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/auth-item-order.ts";
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

const inRules = (rules: object): readonly string[] => tell(rule, authPolicy({ rules }));

const check = (predicate: string | object, more: object = {}): object => ({
  check: { ...matching(predicate), ...more },
});

describe("a name that does not exist", () => {
  const reading = (predicate: string | object): readonly string[] =>
    inRules({ metadata: { secret: lookup() }, authorization: check(predicate) });
  const at = "spec.rules.authorization.check.patternMatching.patterns[0].predicate";

  test.each([
    ["a comparison", "auth.metadata.secert.data != ''", `error ${at} «auth.metadata.secert»`],
    ["an index", "auth.metadata['secert'].data != ''", `error ${at} «auth.metadata['secert']»`],
    ["has() of what is below it", "has(auth.metadata.secert.data)", `error ${at} «auth.metadata.secert»`],
    ["has() of the item, which decides", "has(auth.metadata.secert) && true", `error ${at} «auth.metadata.secert»`],
    ["has() that is negated, so that it is true", "!has(auth.metadata.secert)", `warning ${at} «auth.metadata.secert»`],
    ["one of two alternatives", "auth.metadata.secert.x == 1 || true", `warning ${at} «auth.metadata.secert»`],
    ["a branch", "request.method == 'GET' ? true : auth.metadata.secert.x", `warning ${at} «auth.metadata.secert»`],
    ["an optional selection", "auth.metadata.?secert.x.orValue(1) == 1", `warning ${at} «auth.metadata.?secert»`],
    ["the condition of a ternary", "auth.metadata.secert.x ? true : false", `error ${at} «auth.metadata.secert»`],
  ])("is reported in %s", (_, predicate, told) => {
    expect(reading(predicate)).toEqual([told]);
  });

  test("is one finding per field, the one that fails", () => {
    expect(reading("!has(auth.metadata.secert) || auth.metadata.secert.x == 1")).toEqual([
      `warning ${at} «auth.metadata.secert»`,
    ]);
  });

  test.each([
    ["a string", "request.path != 'auth.metadata.secert'"],
    ["another root", "metadata.filter_metadata.auth.metadata.secert == 1"],
    ["a name that a macro binds", "auth.metadata.secret.data.exists(auth, auth.metadata.secert == 1)"],
    ["the identity", "auth.identity.secert == 1"],
    ["the phase as a whole", "auth.metadata != null"],
    ["a computed name", "auth.metadata[request.method] == 1"],
    ["an expression that does not parse", "auth.metadata.secert.("],
  ])("is not seen in %s", (_, predicate) => {
    expect(reading(predicate)).toEqual([]);
  });
});

describe("every field of an item", () => {
  const rules = {
    metadata: {
      a: lookup({ when: [{ selector: "auth.metadata.z1.x", operator: "eq", value: "1" }] }),
      b: lookup({ cache: { key: { expression: "auth.metadata.z2" } } }),
      c: lookup({}, { bodyParameters: { p: { selector: "auth.metadata.z3.x" } }, url: "https://x/{auth.metadata.z4}" }),
    },
    authorization: {
      d: { kubernetesSubjectAccessReview: { user: { selector: "auth.metadata.z5.user" } } },
      e: matching({ any: [{ predicate: "auth.metadata.z6.x == 1" }, { all: [{ predicate: "true" }] }] }),
    },
    response: { success: { filters: { f: { json: { properties: { p: { expression: "auth.authorization.z7" } } } } } } },
    callbacks: { g: lookup({}, { body: { expression: "auth.response.z8" } }) },
  };

  test("is read", () => {
    expect([...inRules(rules)].sort()).toEqual([
      "error spec.rules.authorization.d.kubernetesSubjectAccessReview.user.selector «auth.metadata.z5»",
      "error spec.rules.callbacks.g.http.body.expression «auth.response.z8»",
      "error spec.rules.metadata.a.when[0].selector «auth.metadata.z1»",
      "error spec.rules.metadata.c.http.bodyParameters.p.selector «auth.metadata.z3»",
      "error spec.rules.metadata.c.http.url «auth.metadata.z4»",
      "error spec.rules.response.success.filters.f.json.properties.p.expression «auth.authorization.z7»",
      "warning spec.rules.authorization.e.patternMatching.patterns[0].any[0].predicate «auth.metadata.z6»",
      "warning spec.rules.metadata.b.cache.key.expression «auth.metadata.z2»",
    ]);
  });
});

describe("order", () => {
  const needs = (name: string): object => ({ headers: { t: { expression: `auth.metadata.${name}.token` } } });

  test.each([
    ["a lower number is there in time", 0, 1, []],
    ["the same number is not", 1, 1, ["error"]],
    ["a higher number is not", 2, 1, ["error"]],
    ["a negative number is there in time", -1, 0, []],
  ])("%s", (_, first, second, severities) => {
    const found = inRules({
      metadata: { login: lookup({ priority: first }), secret: lookup({ priority: second }, needs("login")) },
    });
    expect(found.map((told) => told.split(" ")[0])).toEqual(severities);
  });

  test("an item that uses itself never has its result", () => {
    expect(inRules({ metadata: { secret: lookup({}, needs("secret")) } })).toHaveLength(1);
  });

  test("a local test of the same priority may be done in time, so it warns", () => {
    const authorization = { a: matching("true"), ...check("auth.authorization.a == true") };
    expect(inRules({ authorization })).toEqual([
      "warning spec.rules.authorization.check.patternMatching.patterns[0].predicate «auth.authorization.a»",
    ]);
  });

  test("a review by the API server of the same priority is never done in time", () => {
    const authorization = {
      a: { kubernetesSubjectAccessReview: { user: { selector: "auth.identity.user.username" } } },
      ...check("auth.authorization.a == true"),
    };
    expect(inRules({ authorization })[0]).toMatch(/^error/);
  });

  test("an earlier phase cannot use a later one, a later one can use every earlier one", () => {
    const response = headers({ x: "auth.metadata.secret.a + auth.authorization.team" });
    const metadata = { secret: lookup({ when: [{ predicate: "auth.response.x != ''" }] }) };
    expect(inRules({ metadata, authorization: { team: matching("true") }, response })).toEqual([
      "error spec.rules.metadata.secret.when[0].predicate «auth.response.x»",
    ]);
  });
});

describe("messages", () => {
  const messagesOf = (rules: object): readonly (readonly [string, string])[] =>
    lintTopology(topologyOfObjects([authPolicy({ rules })]), { rules: [rule], profile: "strict" }).map(
      ({ message, hint }) => [message, hint],
    );

  test("name the nearest item", () => {
    const rules = { metadata: { vault_secret: lookup() }, authorization: check("auth.metadata.vault_secert.x == 1") };
    expect(messagesOf(rules)).toEqual([
      [
        "authorization `check` uses `auth.metadata.vault_secert`, which does not exist (did you mean `vault_secret`)",
        "Write `auth.metadata.vault_secret`, or define metadata `vault_secert`.",
      ],
    ]);
  });

  test("name an item of that name in another phase", () => {
    const rules = { metadata: { team: lookup() }, response: headers({ x: "auth.authorization.team" }) };
    expect(messagesOf(rules)[0]?.[0]).toContain("did you mean `auth.metadata.team`");
  });

  test("say that a dash is a subtraction", () => {
    const rules = {
      metadata: { "vault-login": lookup() },
      response: headers({ x: "auth.metadata.vault-login.token" }),
    };
    expect(messagesOf(rules)).toEqual([
      [
        "response `x` uses `auth.metadata.vault`, which does not exist (did you mean `vault-login`)",
        "A dash is a subtraction in CEL: write `auth.metadata['vault-login']`.",
      ],
    ]);
  });

  test("give the number to use", () => {
    const metadata = {
      a: lookup({ priority: 4 }),
      b: lookup({}, { headers: { t: { selector: "auth.metadata.a.t" } } }),
    };
    expect(messagesOf({ metadata })).toEqual([
      [
        "metadata `b` uses `auth.metadata.a`, which runs after it, at priority 4",
        "Give `b` a higher priority number than `a`: `priority: 5`.",
      ],
    ]);
  });
});

describe("policies that merge", () => {
  const usesSecret = { rules: { response: headers({ authorization: "'Bearer ' + auth.metadata.secret.key" }) } };
  const hasSecret = { strategy: "merge", rules: { metadata: { secret: lookup() } } };
  const at = "response.success.headers.authorization.plain.expression «auth.metadata.secret»";

  test("a missing item may come from another policy, so a block that merges only warns", () => {
    expect(tell(rule, authPolicy({ defaults: { strategy: "merge", ...usesSecret } }))).toEqual([
      `warning spec.defaults.rules.${at}`,
    ]);
    expect(tell(rule, authPolicy({ overrides: { strategy: "atomic", ...usesSecret } }))).toEqual([
      `error spec.overrides.rules.${at}`,
    ]);
  });

  test("an item that the gateway's policy brings on every path is there", () => {
    const ofGateway = authPolicy({ defaults: hasSecret }, { name: "gateway", target: ON_GATEWAY });
    expect(tell(rule, GATEWAY, EGRESS_ROUTE, authPolicy(usesSecret), ofGateway)).toEqual([]);
  });

  test("an item of a policy that does not merge is not", () => {
    const ofGateway = authPolicy({ defaults: { ...hasSecret, strategy: "atomic" } }, { name: "g", target: ON_GATEWAY });
    expect(tell(rule, GATEWAY, EGRESS_ROUTE, authPolicy(usesSecret), ofGateway)).toEqual([`error spec.rules.${at}`]);
  });
});
