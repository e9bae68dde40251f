import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/credential-guard-missing.ts";
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

const KEY = "auth.metadata.secret.data.data.api_key";
const BEARER = `'Bearer ' + ${KEY}`;
const metadata = { secret: lookup() };
const at = "spec.rules.response.success.headers";
const MISSING = `error ${at}.authorization.plain.expression «${KEY}»`;

const found = (rules: object): readonly string[] => tell(rule, authPolicy({ rules: { metadata, ...rules } }));

describe("a header that is built from a lookup", () => {
  test.each([
    ["a credential header", { authorization: BEARER }, MISSING],
    [
      "a header whose key is one",
      { provider: { key: "API-Key", plain: { expression: KEY } } },
      `error ${at}.provider.plain.expression «${KEY}»`,
    ],
    [
      "a value that is a credential by its name",
      { x: "auth.metadata.secret.clientToken" },
      `error ${at}.x.plain.expression «auth.metadata.secret.clientToken»`,
    ],
    [
      "a document of properties",
      { authorization: { json: { properties: { a: { expression: KEY } } } } },
      `error ${at}.authorization.json.properties.a.expression «${KEY}»`,
    ],
    ["a branch", { authorization: `request.method == 'GET' ? ${BEARER} : 'none'` }, MISSING],
    [
      "what is no credential",
      { x_team: "auth.metadata.secret.team" },
      `warning ${at}.x_team.plain.expression «auth.metadata.secret.team»`,
    ],
    [
      "a selector, which sends <nil>",
      { authorization: { plain: { selector: KEY } } },
      `warning ${at}.authorization.plain.selector «${KEY}»`,
    ],
    [
      "a template",
      { authorization: { plain: { selector: `Bearer {${KEY}}` } } },
      `warning ${at}.authorization.plain.selector «${KEY}»`,
    ],
    [
      "a fallback",
      { authorization: "auth.metadata[?'secret'].?key.orValue('')" },
      `warning ${at}.authorization.plain.expression «auth.metadata[?'secret'].?key»`,
    ],
  ])("%s", (_, values, told) => {
    expect(found({ response: headers(values) })).toEqual([told]);
  });

  test.each([
    ["the identity", { authorization: "auth.identity.user.username" }],
    ["a constant", { authorization: "'auth.metadata.secret.data'" }],
    ["the metadata of Envoy", { authorization: "metadata.filter_metadata.auth" }],
  ])("is not one that reads %s", (_, values) => {
    expect(found({ response: headers(values) })).toEqual([]);
  });

  test("is no item of filters", () => {
    const filters = { identity: { json: { properties: { key: { expression: KEY } } } } };
    expect(found({ response: { success: { filters } } })).toEqual([]);
  });

  test("is reported once for each lookup", () => {
    const two = { ...metadata, other: lookup() };
    const value = "auth.metadata.secret.user + ':' + auth.metadata.secret.password + auth.metadata.other.key";
    expect(found({ metadata: two, response: headers({ authorization: value }) })).toHaveLength(2);
  });
});

describe("a rule that mentions the lookup", () => {
  const guardedBy = (guard: object): readonly string[] =>
    found({ authorization: { guard }, response: headers({ authorization: BEARER }) });

  test.each([
    ["a pattern, however shallow", matching("has(auth.metadata.secret)")],
    ["a selector", matching({ selector: "auth.metadata.secret.data", operator: "neq", value: "" })],
    [
      "a pattern that runs for some requests",
      { ...matching(`has(${KEY})`), when: [{ predicate: "request.path == '/'" }] },
    ],
    ["Rego", { opa: { rego: "allow { input.auth.metadata.secret.data }" } }],
    ["Rego from elsewhere", { opa: { externalPolicy: { url: "https://policies.platform.svc/x" } } }],
    ["a review of access", { kubernetesSubjectAccessReview: { user: { expression: `${KEY} + 'x'` } } }],
    ["a named pattern that is not here", matching({ patternRef: "secret-present" })],
    ["an expression that does not parse", matching("has(auth.metadata.")],
  ])("guards it: %s", (_, guard) => {
    expect(guardedBy(guard)).toEqual([]);
  });

  test.each([
    ["another lookup", matching("has(auth.metadata.other.data)")],
    ["the lookup in its when only", { ...matching("true"), when: [{ predicate: `has(${KEY})` }] }],
    ["the lookup's name in a string", matching(`request.path != '${KEY}'`)],
    ["Rego that does not", { opa: { rego: "allow = true" } }],
  ])("does not: %s", (_, guard) => {
    expect(guardedBy(guard)).toEqual([MISSING]);
  });

  test("may hide in a request to SpiceDB, so that it warns", () => {
    expect(guardedBy({ spicedb: { endpoint: "spicedb:50051" } })).toEqual([MISSING.replace("error", "warning")]);
  });
});

describe("policies that merge", () => {
  const own = { metadata, response: headers({ authorization: BEARER }) };
  const guard = { authorization: { guard: matching(`has(${KEY})`) } };
  const ofGateway = (spec: object): object => authPolicy(spec, { name: "gw", target: ON_GATEWAY });
  const all = (...policies: readonly object[]): readonly string[] => tell(rule, GATEWAY, EGRESS_ROUTE, ...policies);

  test("a guard that the gateway's policy merges in counts, one that is replaced does not", () => {
    const merging = ofGateway({ defaults: { strategy: "merge", rules: guard } });
    expect(all(authPolicy({ rules: own }), merging)).toEqual([]);
    expect(all(authPolicy({ rules: own }), ofGateway({ defaults: { rules: guard } }))).toEqual([MISSING]);
    const replacing = ofGateway({
      overrides: { strategy: "merge", rules: { authorization: { guard: matching("true") } } },
    });
    expect(all(authPolicy({ rules: { ...own, ...guard } }), replacing)).toEqual([
      MISSING.replace("error", "error conflict"),
    ]);
  });

  test("a block that merges warns until a route is in view", () => {
    const block = { strategy: "merge", rules: own };
    const told = MISSING.replace("spec.rules", "spec.overrides.rules");
    expect(tell(rule, ofGateway({ overrides: block }))).toEqual([told.replace("error", "warning")]);
    expect(all(ofGateway({ overrides: block }))).toEqual([told]);
  });

  test("a lookup that is not defined here comes with a policy that may bring the guard", () => {
    expect(found({ metadata: {}, response: headers({ authorization: BEARER }) })).toEqual([
      MISSING.replace("error", "warning"),
    ]);
  });
});

describe("words", () => {
  const finding = (values: Readonly<Record<string, string | object>>): { message: string; hint: string } | undefined =>
    lintTopology(topologyOfObjects([authPolicy({ rules: { metadata, response: headers(values) } })]), {
      rules: [rule],
      profile: "default",
    })[0];

  test("say what goes upstream", () => {
    const event = "if `secret` fails (timeout, 403, bad JSON) the request goes upstream";
    expect(finding({ authorization: BEARER })?.message).toBe(
      `${event} without the injected \`authorization\` and with the caller's own token still on it`,
    );
    expect(finding({ x_team: "auth.metadata.secret.team" })?.message).toBe(`${event} without the injected \`x_team\``);
    expect(finding({ authorization: { plain: { selector: KEY } } })?.message).toBe(
      `${event} with the text \`<nil>\` in \`authorization\``,
    );
  });

  test("give the condition to write, also for a key that has() does not take", () => {
    expect(finding({ authorization: BEARER })?.hint).toContain(`\`predicate: has(${KEY}) && ${KEY} != ''\``);
    expect(finding({ authorization: "auth.metadata.secret.data['api-key']" })?.hint).toContain(
      "`predicate: 'api-key' in auth.metadata.secret.data && auth.metadata.secret.data['api-key'] != ''`",
    );
  });
});
