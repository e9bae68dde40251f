import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Rule } from "../../src/lint/rule.ts";
import { rule as destinationRuleNotApplied } from "../../src/lint/rules/destinationrule-not-applied.ts";
import { rule as egressGatewayClass } from "../../src/lint/rules/egress-gateway-class.ts";
import { rule as egressGatewayPublic } from "../../src/lint/rules/egress-gateway-public.ts";
import { rule as egressListenerNotHttp } from "../../src/lint/rules/egress-listener-not-http.ts";
import { rule as hostnameBackendInvalidRef } from "../../src/lint/rules/hostname-backend-invalid-ref.ts";
import { rule as routeHostnameBroader } from "../../src/lint/rules/route-hostname-broader-than-listener.ts";
import { rule as routeHostnameNoListener } from "../../src/lint/rules/route-hostname-no-listener.ts";
import { rule as routeMatchBreaksWasm } from "../../src/lint/rules/route-match-breaks-wasm.ts";
import { rule as serviceEntryHostConflict } from "../../src/lint/rules/serviceentry-host-conflict.ts";
import { rule as serviceEntryResolution } from "../../src/lint/rules/serviceentry-resolution.ts";
import { rule as tlsOriginationWrongPort } from "../../src/lint/rules/tls-origination-wrong-port.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { decodeObject } from "../../src/model/decode.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { applying, brief, findingsOf } from "../support/rule-findings.ts";

const rules: readonly Rule[] = [
  destinationRuleNotApplied,
  egressGatewayClass,
  egressGatewayPublic,
  egressListenerNotHttp,
  hostnameBackendInvalidRef,
  routeHostnameBroader,
  routeHostnameNoListener,
  routeMatchBreaksWasm,
  serviceEntryHostConflict,
  serviceEntryResolution,
  tlsOriginationWrongPort,
];

type Observed = {
  readonly id: string;
  readonly objects: readonly unknown[];
  readonly observed: readonly { readonly status: number }[];
};

const { cases } = JSON.parse(readFileSync("test/fixtures/istio-observed.json", "utf8")) as {
  readonly cases: readonly Observed[];
};

describe("what a real istiod and Envoy did", () => {
  const caught: Readonly<Record<string, readonly string[]>> = {
    "dr-other-namespace": ["destinationrule-not-applied"],
    "listener-other-host": ["route-hostname-no-listener"],
    "se-conflict": ["serviceentry-host-conflict"],
    "se-none": ["serviceentry-resolution"],
  };

  test("the recording has every case that is expected here", () => {
    expect(cases.map(({ id }) => id)).toEqual(expect.arrayContaining(Object.keys(caught)));
  });

  test.each(cases)("agrees with what is said of $id", ({ id, objects, observed }) => {
    const decoded = objects.flatMap((raw) => {
      const outcome = decodeObject(raw);
      return outcome.status === "decoded" ? [outcome.decoded] : [];
    });
    const found = lintTopology(buildTopology(decoded), { rules, profile: "strict" });
    expect(found.map(({ rule }) => rule)).toEqual(caught[id] ?? []);
    if (observed.every(({ status }) => status === 200)) expect(found).toEqual([]);
  });
});

const gateway = (listeners: string, metadata = ""): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: gateway-system, name: egress${metadata}}
spec: {gatewayClassName: istio, listeners: [${listeners}]}`;

const route = (hostname = "api.openai.com", matches = ""): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: gateway-system, name: openai}
spec:
  parentRefs: [{name: egress}]
  hostnames: ["${hostname}"]
  rules: [{${matches}backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]`;

const entry = (namespace = "gateway-system", port = 443): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: ${namespace}, name: openai}
spec: {hosts: [api.openai.com], resolution: DNS, ports: [{number: ${port}, name: https, protocol: HTTPS}]}`;

const LIMIT = `
apiVersion: kuadrant.io/v1
kind: RateLimitPolicy
metadata: {namespace: gateway-system, name: limits}
spec:
  targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}
  limits: {all: {rates: [{limit: 10, window: 1m}]}}`;

const OPENAI = "{name: openai, port: 80, protocol: HTTP, hostname: api.openai.com}";

describe("a mistake of two objects", () => {
  test("is denied on the object that completes it, in either order", () => {
    const wide = route("*.openai.com");
    expect(applying(routeHostnameBroader, wide, gateway(OPENAI), LIMIT).denied).toHaveLength(1);
    expect(applying(routeHostnameBroader, gateway(OPENAI), wide, LIMIT).denied).toHaveLength(1);
    expect(applying(serviceEntryHostConflict, entry("team-a", 80), entry(), route()).denied).toHaveLength(1);
    expect(applying(serviceEntryHostConflict, entry(), entry("team-a", 80), route()).denied).toHaveLength(1);
  });

  test("is one finding where both are in view", () => {
    expect(findingsOf(routeHostnameBroader, gateway(OPENAI), route("*.openai.com"), LIMIT)).toHaveLength(1);
    expect(findingsOf(serviceEntryHostConflict, entry("b", 80), route(), entry())).toHaveLength(1);
  });
});

describe("a backend without a grant", () => {
  const alias = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: gateway-system, name: alias}
spec:
  parentRefs: [{name: egress}]
  rules: [{backendRefs: [{name: openai, namespace: aliases, port: 443}]}]`;
  const service = `
apiVersion: v1
kind: Service
metadata: {namespace: aliases, name: openai}
spec: {type: ExternalName, externalName: api.openai.com}`;

  test("warns at admission, as the grant may still come", () => {
    const { denied, warned } = applying(hostnameBackendInvalidRef, alias, service);
    expect([denied.length, brief(warned)]).toEqual([
      0,
      ["error absence HTTPRoute spec.rules[0].backendRefs[0].namespace"],
    ]);
  });

  test.each([
    ["of another kind", "HTTPRoute", "gateway-system", "kind: Secret", 1],
    ["for another namespace", "HTTPRoute", "team-a", "kind: Service", 1],
    ["for another kind of route", "GRPCRoute", "gateway-system", "kind: Service", 1],
    ["for another name", "HTTPRoute", "gateway-system", "kind: Service, name: other", 1],
    ["by name", "HTTPRoute", "gateway-system", "kind: Service, name: openai", 0],
  ])("is judged beside a grant %s", (_, kind, namespace, to, count) => {
    const grant = `
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {namespace: aliases, name: grant}
spec: {from: [{group: gateway.networking.k8s.io, kind: ${kind}, namespace: ${namespace}}], to: [{group: "", ${to}}]}`;
    expect(findingsOf(hostnameBackendInvalidRef, alias, service, grant)).toHaveLength(count);
  });
});

describe("a match that becomes an expression of the plugin", () => {
  test.each([
    ["/v[0-9]+[.]json", undefined],
    ['/say\\"', '\\"'],
    ["/a\\wb", "\\w"],
    ["/ends\\", "\\"],
    ["/it's", "'"],
  ])("is judged by its text: %s", (value, expected) => {
    const matches = `matches: [{path: {type: RegularExpression, value: ${JSON.stringify(value)}}}], `;
    const found = findingsOf(routeMatchBreaksWasm, gateway(OPENAI), route(undefined, matches), LIMIT);
    const texts = found.map(({ range }) => value.slice(range?.start, range?.end));
    expect(texts).toEqual(expected === undefined ? [] : [expected]);
  });
});

describe("the type of the gateway's Service", () => {
  const type = (value: string): string => `, annotations: {networking.istio.io/service-type: ${value}}`;
  const http = "{name: http, port: 80, protocol: HTTP}";

  test.each([
    ["ClusterIP", 0],
    ["LoadBalancer", 1],
    ["NodePort", 1],
  ])("is taken from the annotation: %s", (value, count) => {
    expect(findingsOf(egressGatewayPublic, gateway(http, type(value)), route())).toHaveLength(count);
  });

  test("is not judged for a class that Istio does not deploy", () => {
    const remote = gateway(http).replace("gatewayClassName: istio", "gatewayClassName: istio-remote");
    expect(findingsOf(egressGatewayPublic, remote, route())).toEqual([]);
    expect(findingsOf(egressGatewayClass, remote, route())).toEqual([]);
  });
});
