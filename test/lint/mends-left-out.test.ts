import { describe, expect, test } from "vitest";
import type { Rule } from "../../src/lint/rule.ts";
import { rule as constantHeader } from "../../src/lint/rules/auth-constant-header.ts";
import { rule as itemOrder } from "../../src/lint/rules/auth-item-order.ts";
import { rule as principalFormat } from "../../src/lint/rules/authz-principal-format.ts";
import { rule as compositeMatch } from "../../src/lint/rules/cel-composite-exact-match.ts";
import { rule as headerAccess } from "../../src/lint/rules/cel-header-access.ts";
import { rule as unknownAttribute } from "../../src/lint/rules/cel-unknown-attribute.ts";
import { rule as unsupportedFunction } from "../../src/lint/rules/cel-unsupported-function.ts";
import { rule as guardTooShallow } from "../../src/lint/rules/credential-guard-too-shallow.ts";
import { rule as weakVerification } from "../../src/lint/rules/destinationrule-weak-verification.ts";
import { rule as gatewayPublic } from "../../src/lint/rules/egress-gateway-public.ts";
import { rule as missingRewrite } from "../../src/lint/rules/missing-urlrewrite-hostname.ts";
import { rule as notKeySafe } from "../../src/lint/rules/rlp-counter-not-key-safe.ts";
import { rule as notExposed } from "../../src/lint/rules/rlp-identity-not-exposed.ts";
import { rule as sourceAddress } from "../../src/lint/rules/rlp-source-address-counter.ts";
import { rule as tokenReviewPath } from "../../src/lint/rules/rlp-tokenreview-path.ts";
import { rule as wrongPort } from "../../src/lint/rules/tls-origination-wrong-port.ts";
import { rule as identityPath } from "../../src/lint/rules/tokenreview-identity-path.ts";
import { authPattern, authRules, counting, limitedWhen } from "../support/expression-policies.ts";
import { describeMend, findIn, mendAll } from "../support/mended.ts";
import { yamlOf } from "../support/rule-findings.ts";
import { objectsOf } from "../support/topology-of.ts";

/** What each finding of a rule becomes; undefined for one that is left to a person. */
function mendsOf(rule: Rule, ...documents: readonly string[]): readonly (string | undefined)[] {
  const raws = objectsOf(yamlOf(...documents));
  return findIn(raws, [rule]).map((finding) => describeMend(finding, raws));
}

describe("a counter with the client's port", () => {
  test.each([
    ["string(source.address)", "string(source.remote_address)"],
    ["request.host + '/' + source.address", "request.host + '/' + source.remote_address"],
    ["source.address.trim()", "source.remote_address.trim()"],
    ["source['address']", "source.remote_address"],
    ["'x' in request.headers ? source.address : 'none'", "'x' in request.headers ? source.remote_address : 'none'"],
  ])("%s becomes %s", (counter, mended) => {
    expect(mendsOf(sourceAddress, counting(counter))).toEqual([mended]);
  });

  test.each([
    "source.address.split(':')[1]",
    "source.address.substring(3)",
    "source.address.replace('.', '-')",
    "source.?address.orValue('')",
    "string(source.port)",
    "string(source)",
    "source.address + string(source.port)",
    "string([source.address])",
  ])("%s is left alone: the port, or a part of the text, may be meant", (counter) => {
    expect(mendsOf(sourceAddress, counting(counter))).toEqual([undefined]);
  });
});

const TARGET = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin}";

const auth = (rules: string, name = "identity"): string => `
apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {namespace: gateways, name: ${name}}
spec:
  targetRef: ${TARGET}
  ${rules}`;

const REVIEW = "authentication: {sa: {kubernetesTokenReview: {audiences: [egress]}}}";
const SELECTED = '{"selector":"auth.identity.user.username"}';
const FILTERS = "response.success.filters";

describe("an identity that nobody publishes", () => {
  test.each([
    ["the spec itself", `rules: {${REVIEW}}`, "spec.rules"],
    ["defaults", `defaults: {rules: {${REVIEW}}}`, "spec.defaults.rules"],
    ["overrides", `overrides: {rules: {${REVIEW}}}`, "spec.overrides.rules"],
  ])("is published in %s, where the AuthPolicy has its rules", (_, rules, place) => {
    const path = `AuthPolicy identity ${place}.${FILTERS}.identity.json.properties.username`;
    expect(mendsOf(notExposed, auth(rules), counting("auth.identity.username"))).toEqual([`${path}: ${SELECTED}`]);
    expect(mendsOf(tokenReviewPath, auth(rules), counting("auth.identity.user.username"))).toEqual([
      `auth.identity.username; ${path}: ${SELECTED}`,
    ]);
  });

  const publishing = (filters: string): string => `rules: {${REVIEW}, response: {success: {filters: ${filters}}}}`;
  const published = "{workload: {json: {properties: {name: {selector: auth.identity.user.username}}}}}";

  test.each<[string, string, readonly string[]]>([
    [
      "it may be one of several methods'",
      "auth.identity.username",
      [auth(`rules: {authentication: {a: {kubernetesTokenReview: {}}, b: {apiKey: {}}}}`)],
    ],
    [
      "several AuthPolicies may be meant",
      "auth.identity.username",
      [auth(`rules: {${REVIEW}}`), auth(`rules: {${REVIEW}}`, "other")],
    ],
    ["the value has another name already", "auth.identity.username", [auth(publishing(published))]],
    ["the filter may be a typing mistake", "auth.idenity.username", [auth(`rules: {${REVIEW}}`)]],
    ["nobody can say what the property is", "auth.identity.team", [auth(`rules: {${REVIEW}}`)]],
    ["a list is no counter", "auth.identity.groups", [auth(`rules: {${REVIEW}}`)]],
    [
      "the filter publishes one value",
      "auth.identity.username",
      [auth(publishing("{identity: {plain: {selector: auth.identity.user.uid}}}"))],
    ],
  ])("is left alone where %s", (_, counter, policies) => {
    expect(new Set(mendsOf(notExposed, ...policies, counting(counter)))).toEqual(new Set([undefined]));
  });

  test.each([
    ["annotations", "auth.identity.metadata.annotations['team']"],
    ["groups", "auth.identity.user.groups"],
    ["claims", "auth.identity.claims.team"],
  ])("is left alone where the path of Authorino leads to %s", (_, counter) => {
    expect(mendsOf(tokenReviewPath, counting(counter))).toEqual([undefined]);
  });

  test("is read where it is published already", () => {
    const filters = "{identity: {json: {properties: {username: {selector: auth.identity.user.username}}}}}";
    expect(mendsOf(tokenReviewPath, auth(publishing(filters)), counting("auth.identity.user.username"))).toEqual([
      "auth.identity.username",
    ]);
  });
});

describe("an item before the one that it uses", () => {
  const http = (reads: string, priority: number): string =>
    `{http: {url: "https://vault.vault.svc/v1/x", headers: {x: {expression: ${JSON.stringify(reads)}}}}, priority: ${priority}}`;

  test("moves behind it, and what uses it moves along", () => {
    const metadata = `{a: ${http("request.host", 3)}, b: ${http("auth.metadata.a.x", 1)}, c: ${http("auth.metadata.b.x", 2)}}`;
    const moved = "spec.rules.metadata.b.priority: 4; spec.rules.metadata.c.priority: 5";
    expect(mendsOf(itemOrder, authRules(`{metadata: ${metadata}}`))).toEqual([moved]);
  });

  test.each([
    ["they use each other", `{a: ${http("auth.metadata.b.x", 0)}, b: ${http("auth.metadata.a.x", 0)}}`, 2],
    ["it uses itself", `{a: ${http("auth.metadata.a.x", 0)}}`, 1],
    [
      "its name may be a typing mistake",
      `{abcdef: ${http("request.host", 0)}, b: ${http("auth.metadata.abcdeg.x", 1)}}`,
      1,
    ],
    ["it belongs to a later phase", `{a: ${http("auth.authorization.x.y", 0)}}`, 1],
  ])("stays where %s", (_, metadata, count) => {
    const mends = mendsOf(
      itemOrder,
      authRules(`{metadata: ${metadata}, authorization: {x: {opa: {rego: "allow = true"}}}}`),
    );
    expect(mends).toEqual(Array.from({ length: count }, () => undefined));
  });
});

describe("a guard", () => {
  const guarded = (pattern: string, headers: string): string =>
    authRules(`{
      metadata: {s: {http: {url: "https://vault.vault.svc/v1/kv/data/x", method: GET}}},
      authorization: {check: {patternMatching: {patterns: [${pattern}]}}},
      response: {success: {headers: ${headers}}}}`);
  const header = (key: string): string => `{plain: {expression: "auth.metadata.s.data.data.${key}"}}`;
  const ONE = `{authorization: ${header("key")}}`;
  const present = (key: string): string =>
    `has(auth.metadata.s.data.data.${key}) && auth.metadata.s.data.data.${key} != ''`;

  test("tests the value in place of what is above it, and keeps its other conditions", () => {
    const predicate = "request.method == 'GET' && has(auth.metadata.s.data)";
    expect(mendsOf(guardTooShallow, guarded(`{predicate: "${predicate}"}`, ONE))).toEqual([
      `request.method == 'GET' && ${present("key")}`,
    ]);
  });

  test("tests all values that are read, in one mend", () => {
    const document = guarded(
      '{predicate: "has(auth.metadata.s.data)"}',
      `{authorization: ${header("key")}, x-api-key: ${header("id")}}`,
    );
    const both = `${present("key")} && ${present("id")}`;
    expect(mendsOf(guardTooShallow, document)).toEqual([both, both]);
    const raws = objectsOf(document);
    expect(findIn(mendAll(raws, [guardTooShallow]), [guardTooShallow])).toEqual([]);
  });

  test.each([
    ["has an alternative", "{predicate: \"has(auth.metadata.s.data) || request.method == 'GET'\"}"],
    ["tests another key", '{predicate: "has(auth.metadata.s.data.data.other)"}'],
    ["asks for something else", '{predicate: "auth.metadata.s.data != null"}'],
    ["is a selector", '{selector: auth.metadata.s.data, operator: neq, value: ""}'],
    [
      "is one of several patterns of which one is enough",
      '{any: [{predicate: "has(auth.metadata.s.data)"}, {predicate: "request.method == \'GET\'"}]}',
    ],
  ])("is left alone when it %s", (_, pattern) => {
    expect(mendsOf(guardTooShallow, guarded(pattern, ONE)).filter((mended) => mended !== undefined)).toEqual([]);
  });
});

describe("a constant header", () => {
  const headers = (value: unknown): string =>
    authRules(JSON.stringify({ response: { success: { headers: { "x-a": { plain: { value } } } } } }));

  test.each([
    ["a text with a quote", "it's", '"it\'s"'],
    ["a truth value", true, "'true'"],
  ])("of %s becomes an expression", (_, value, expression) => {
    expect(mendsOf(constantHeader, headers(value))).toEqual([
      `- spec.rules.response.success.headers["x-a"].plain.value; spec.rules.response.success.headers["x-a"].plain.expression: ${expression}`,
    ]);
  });

  test.each([
    ["a list", ["a"]],
    ["a number, which may be written in several ways", 1.5],
    ["a backslash", "a\\b"],
    ["a credential, which a mend would show", ["sk-", "9fQ2mZr7Lk4TwX8bVn3Ds6Hc"].join("")],
  ])("of %s is left alone", (_, value) => {
    expect(mendsOf(constantHeader, headers(value))).toEqual([undefined]);
  });
});

describe("expressions", () => {
  test.each<[string, Rule, string, readonly (string | undefined)[]]>([
    ["a presence test behind a negation", headerAccess, "!has(request.headers.team)", ["!('team' in request.headers)"]],
    ["a header name with escapes", headerAccess, "request.headers['\\x58-team'] == 'a'", [undefined]],
    ["a function that is near another one only", unsupportedFunction, "request.host.startWith('a')", [undefined]],
    ["a function with other arguments", unsupportedFunction, "request.host.substr(0, 3) == 'a'", [undefined]],
    [
      "a function for two arguments where CEL's has one",
      unsupportedFunction,
      "request.host.toLower('x') == 'a'",
      [undefined],
    ],
    [
      "every call of a name",
      unsupportedFunction,
      "lowerascii(request.host) == lowerascii(request.path)",
      ["request.host.lowerAscii() == request.path.lowerAscii()"],
    ],
    ["a sum that would need brackets", unsupportedFunction, "lowerascii(request.host + 'a') == 'b'", [undefined]],
    [
      "an attribute by another name of the same",
      unknownAttribute,
      "request.user_agent == 'a' && request.user_agent != 'b'",
      ["request.useragent == 'a' && request.useragent != 'b'"],
    ],
    ["a key behind a bracket", unknownAttribute, "request['headers']['x'] == 'a'", ["request.headers['x'] == 'a'"]],
    ["an attribute that exists nowhere", unknownAttribute, "connection.mtls", [undefined]],
    ["an attribute with another meaning", unknownAttribute, "request.url == '/a'", [undefined]],
    ["a bare word", unknownAttribute, "host == 'a'", [undefined]],
    ["paths of which one has a query", compositeMatch, "request.path in ['/a', '/b?x=1']", [undefined]],
    ["an address that is no IPv4 address", compositeMatch, "source.address == 'fe80::a'", [undefined]],
  ])("%s", (_, rule, predicate, mended) => {
    expect(mendsOf(rule, limitedWhen(predicate))).toEqual(mended);
  });

  test.each([
    ["a quote inside of a quoted text", 'request.headers["it\'s"]'],
    ["a backslash", "request.headers['a\\\\b']"],
    ["a comment that would hide the rest", "request.host // who\n + 'a'"],
    ["a line break inside of a text", "'''a\nb''' + request.host"],
  ])("a counter with %s is left alone", (_, counter) => {
    expect(mendsOf(notKeySafe, counting(counter))).toEqual([undefined]);
  });

  test("a counter with blanks around it and quotes inside is mended at once", () => {
    const mended = "request.headers['x-team']";
    expect(mendsOf(notKeySafe, counting(' request.headers["x-team"]\n'))).toEqual([mended, mended]);
  });

  test.each([
    ["auth.identity.sub == 'a'", "auth.identity.user.username == 'a'"],
    ["auth.identity['groups'].exists(g, g == 'a')", "auth.identity.user.groups.exists(g, g == 'a')"],
    ["auth.identity.namespace == 'a'", "auth.identity.user.username.split(':')[2] == 'a'"],
    ["auth.identity.name == 'a'", undefined],
    ["auth.identity.metadata.name == 'a'", undefined],
    ["auth.identity.claims.team == 'a'", undefined],
  ])("the identity of a TokenReview: %s", (predicate, mended) => {
    expect(mendsOf(identityPath, authPattern({ predicate }))).toEqual([mended]);
  });
});

describe("objects of Istio and the Gateway API", () => {
  const principals = (...list: readonly string[]): string => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {namespace: team, name: callers}
spec: {rules: [{from: [{source: {principals: ${JSON.stringify(list)}}}]}]}`;

  test("a principal without trust domain, or with more to mend than its scheme, is left alone", () => {
    const list = ["system:serviceaccount:team-a:default", "spiffe://team-a/default", "team-a/default"];
    expect(mendsOf(principalFormat, principals(...list))).toEqual([undefined, undefined, undefined]);
  });

  const destination = (tls: string): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {namespace: gateways, name: openai}
spec: {host: api.openai.com, trafficPolicy: {tls: {mode: SIMPLE, ${tls}}}}`;

  test.each([
    ["another name than the host's is asked for", "sni: other.example.com"],
    ["verification is switched off", "insecureSkipVerify: true"],
  ])("TLS settings are left alone where %s", (_, tls) => {
    expect(mendsOf(weakVerification, destination(tls))).toEqual([undefined]);
  });

  const entry = (ports: string): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: gateways, name: openai, labels: {istio.io/use-waypoint: waypoint}}
spec: {hosts: [api.openai.com], resolution: DNS, ports: [${ports}]}`;

  test.each([
    ["there are several ports", "{number: 80, name: http, protocol: HTTP}, {number: 443, name: https, protocol: HTTP}"],
    ["it is no port of HTTP's for certain", "{number: 8080, name: http, protocol: HTTP}"],
    ["the client encrypts as well", "{number: 443, name: https, protocol: HTTPS}"],
  ])("a port is left alone where %s", (_, ports) => {
    const mends = mendsOf(wrongPort, entry(ports), destination("subjectAltNames: [api.openai.com]"));
    expect(mends).toEqual([undefined]);
  });

  const route = (rule: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: gateways, name: openai}
spec: {parentRefs: [{name: egress}], hostnames: [openai.internal], rules: [${rule}]}`;
  const backend = (name: string): string => `{group: networking.istio.io, kind: Hostname, name: ${name}, port: 443}`;
  const URL_REWRITE = "{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /v1}}}";

  test.each<[string, string, readonly (string | undefined)[]]>([
    [
      "joins the filters that are there",
      `{filters: [{type: RequestMirror}], backendRefs: [${backend("api.openai.com")}]}`,
      ['spec.rules[0].filters[1]: {"type":"URLRewrite","urlRewrite":{"hostname":"api.openai.com"}}'],
    ],
    [
      "joins a rewrite of the path",
      `{filters: [${URL_REWRITE}], backendRefs: [${backend("api.openai.com")}]}`,
      ["spec.rules[0].filters[0].urlRewrite.hostname: api.openai.com"],
    ],
    [
      "is left out where several backends need different ones",
      `{backendRefs: [${backend("a.openai.com")}, ${backend("b.openai.com")}]}`,
      [undefined, undefined],
    ],
    [
      "is left out where a Service shares the rule",
      `{backendRefs: [${backend("a.openai.com")}, {name: echo, port: 80}]}`,
      [undefined],
    ],
    ["is left out for a private endpoint", `{backendRefs: [${backend("openai.privatelink.azure.com")}]}`, [undefined]],
  ])("the rewrite of the host %s", (_, rule, mended) => {
    expect(mendsOf(missingRewrite, route(rule))).toEqual(mended);
  });

  const gateway = (metadata: string, infrastructure: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: gateways, name: egress, labels: {sluice.dev/egress-gateway: "true"}${metadata}}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]${infrastructure}}`;
  const TYPE = "networking.istio.io/service-type";

  test("an annotation moves out of a map that has others", () => {
    const infrastructure = `, infrastructure: {annotations: {${TYPE}: ClusterIP, a: b}, labels: {c: d}}`;
    expect(mendsOf(gatewayPublic, gateway("", infrastructure))).toEqual([
      `metadata.annotations["${TYPE}"]: ClusterIP; - spec.infrastructure.annotations["${TYPE}"]`,
    ]);
  });

  test.each([
    ["says nothing about its Service", "", ""],
    ["asks for a port on every node", `, annotations: {${TYPE}: NodePort}`, ""],
    ["asks for a load balancer in the wrong place", "", `, infrastructure: {annotations: {${TYPE}: LoadBalancer}}`],
  ])("a gateway is left alone that %s", (_, metadata, infrastructure) => {
    expect(mendsOf(gatewayPublic, gateway(metadata, infrastructure))).toEqual([undefined]);
  });
});
