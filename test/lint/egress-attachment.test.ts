import { describe, expect, test } from "vitest";
import { rule as openAttachment } from "../../src/lint/rules/egress-open-attachment.ts";
import { rule as unprotected } from "../../src/lint/rules/egress-route-unprotected.ts";
import { formatPath } from "../../src/model/field-path.ts";
import { applying, brief, findingsOf } from "../support/rule-findings.ts";

const gateway = (namespaces = "{from: Same}", { labels = "{}", protocol = "HTTP" } = {}): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: a, name: g, labels: ${labels}}
spec:
  gatewayClassName: istio
  listeners:
    - {name: one, port: 80, protocol: ${protocol}, allowedRoutes: {namespaces: ${namespaces}}}
    - {name: two, port: 8080, protocol: ${protocol}}`;

const route = (name: string, host: string, { section = "", kind = "HTTPRoute" } = {}): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: {namespace: a, name: ${name}}
spec:
  parentRefs: [{name: g${section}}]
  hostnames: [${name}.example.com]
  rules: [{}, {backendRefs: [{group: networking.istio.io, kind: Hostname, name: ${host}, port: 443}]}]`;

const auth = (target: string, block = "rules: {authentication: {sa: {jwt: {}}}}"): string => `
apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {namespace: a, name: who}
spec: {targetRef: {group: gateway.networking.k8s.io, kind: ${target}}, ${block}}`;

describe("a listener that anybody may attach to", () => {
  const placesOf = (...documents: readonly string[]): readonly string[] =>
    findingsOf(openAttachment, ...documents).map(({ path }) => formatPath(path.slice(-2)));
  const out = route("r", "api.example.com");

  test.each([
    ["{from: All}", ["namespaces.from"]],
    ["{from: Selector, selector: {}}", ["namespaces.selector"]],
    ["{from: Selector, selector: {matchLabels: {}, matchExpressions: []}}", ["namespaces.selector"]],
    ["{from: Selector, selector: {matchExpressions: [{key: a, operator: Exists}]}}", []],
    ["{from: Selector, selector: {matchLabels: {a: b}}}", []],
    ["{from: Selector}", []],
    ["{from: Same}", []],
    ["{}", []],
  ])("with %s", (namespaces, expected) => {
    expect(placesOf(gateway(namespaces), out)).toEqual(expected);
  });

  test.each([
    ["a gateway without routes that lead out", gateway("{from: All}"), 0],
    ["one with the label", gateway("{from: All}", { labels: '{sluice.dev/egress-gateway: "true"}' }), 1],
    ["a waypoint", gateway("{from: All}", { protocol: "HBONE" }), 0],
  ])("of %s", (_, document, count) => {
    expect(placesOf(document)).toHaveLength(count);
  });

  const overrides = "overrides: {rules: {authentication: {sa: {jwt: {}}}}}";

  test.each([
    ["overrides of the Gateway", auth("Gateway, name: g", overrides), 0],
    ["overrides of the listener", auth("Gateway, name: g, sectionName: one", overrides), 0],
    ["overrides of the other listener", auth("Gateway, name: g, sectionName: two", overrides), 1],
    ["defaults of the Gateway", auth("Gateway, name: g"), 1],
    ["overrides of another Gateway", auth("Gateway, name: h", overrides), 1],
    ["overrides without a rule", auth("Gateway, name: g", "overrides: {}"), 1],
  ])("beside %s", (_, document, count) => {
    expect(placesOf(gateway("{from: All}"), out, document)).toHaveLength(count);
  });

  test("is a warning at admission", () => {
    const verdict = applying(openAttachment, gateway("{from: All}"), out);
    expect([verdict.denied.length, verdict.warned.length]).toEqual([0, 1]);
  });
});

describe("a route beside a guarded one", () => {
  const guarded = route("guarded", "api.example.com");
  const onGuarded = auth("HTTPRoute, name: guarded");

  test.each([
    ["to the same host", route("alias", "API.example.com"), "error absence HTTPRoute"],
    ["to another host", route("other", "api.example.org"), "warning absence HTTPRoute"],
    ["of another kind", route("grpc", "api.example.com", { kind: "GRPCRoute" }), "error absence GRPCRoute"],
  ])("%s", (_, document, expected) => {
    expect(brief(findingsOf(unprotected, gateway(), guarded, document, onGuarded))).toEqual([
      `${expected} spec.rules[1].backendRefs[0].name`,
    ]);
  });

  test("is shown with the other one", () => {
    const [finding] = findingsOf(unprotected, gateway(), guarded, route("alias", "api.example.com"), onGuarded);
    expect(finding?.message).toContain("`HTTPRoute a/guarded` asks for a credential on the way to the same host");
    expect(finding?.related?.map(({ object }) => object.name)).toEqual(["guarded"]);
  });

  test("is found where only one of its listeners has no AuthPolicy", () => {
    const onOne = auth("Gateway, name: g, sectionName: one");
    const pinned = route("guarded", "api.example.com", { section: ", sectionName: one" });
    expect(findingsOf(unprotected, gateway(), pinned, route("alias", "api.example.com"), onOne)).toHaveLength(1);
  });

  test.each([
    ["when the gateway's policy covers both", [guarded, route("alias", "api.example.com"), auth("Gateway, name: g")]],
    ["when nobody has a policy", [guarded, route("alias", "api.example.com")]],
    ["when it is alone", [guarded, onGuarded]],
    [
      "when the policy has no rule",
      [guarded, route("alias", "api.example.com"), auth("HTTPRoute, name: guarded", "rules: {}")],
    ],
  ])("is fine %s", (_, documents) => {
    expect(findingsOf(unprotected, gateway(), ...documents)).toEqual([]);
  });

  test("may still get its policy: admission warns", () => {
    const verdict = applying(unprotected, route("alias", "api.example.com"), gateway(), guarded, onGuarded);
    expect([verdict.denied.length, verdict.warned.length]).toEqual([0, 1]);
  });
});
