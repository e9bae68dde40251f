import { describe, expect, test } from "vitest";
import type { Rule } from "../../src/lint/rule.ts";
import { rules } from "../../src/lint/rules/index.ts";
import { describeMend, findIn } from "../support/mended.ts";
import { objectsOf } from "../support/topology-of.ts";

function ruleOf(id: string): Rule {
  const rule = rules.find((candidate) => candidate.id === id);
  if (rule === undefined) throw new Error(`there is no rule ${id}`);
  return rule;
}

/** What each finding of a rule becomes; undefined for one that is left to a person. */
function mendsOf(id: string, ...documents: readonly string[]): readonly (string | undefined)[] {
  const raws = objectsOf(documents.join("\n---\n"));
  return findIn(raws, [ruleOf(id)]).map((finding) => describeMend(finding, raws));
}

const object = (apiVersion: string, kind: string, metadata: string, spec: string): string => `
apiVersion: ${apiVersion}
kind: ${kind}
metadata: {namespace: gateways, ${metadata}}
${spec}`;

const EGRESS = 'name: egress, labels: {sluice.dev/egress-gateway: "true"}';
const gateway = (listeners = "{name: http, port: 80, protocol: HTTP}", metadata = EGRESS): string =>
  object(
    "gateway.networking.k8s.io/v1",
    "Gateway",
    metadata,
    `spec: {gatewayClassName: istio, listeners: [${listeners}]}`,
  );
const waypoint = (name: string): string =>
  object(
    "gateway.networking.k8s.io/v1",
    "Gateway",
    `name: ${name}`,
    "spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}",
  );
const OPENAI = "{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}";
const route = (backend = OPENAI, filters = "", kind = "HTTPRoute"): string =>
  object(
    "gateway.networking.k8s.io/v1",
    kind,
    "name: openai",
    `spec: {parentRefs: [{name: egress}], hostnames: [api.openai.com], rules: [{${filters}backendRefs: [${backend}]}]}`,
  );
const entry = (spec: string, metadata = "name: openai"): string =>
  object("networking.istio.io/v1", "ServiceEntry", metadata, `spec: {${spec}}`);
const HTTPS = "ports: [{number: 443, name: https, protocol: HTTPS}]";
const kuadrant = (kind: string, target: string, spec: string): string =>
  object(
    "kuadrant.io/v1",
    kind,
    `name: ${kind.toLowerCase()}`,
    `spec:\n  targetRef: {group: gateway.networking.k8s.io, kind: ${target}}\n  ${spec}`,
  );
const allow = (spec: string): string =>
  object("security.istio.io/v1", "AuthorizationPolicy", "name: allow", `spec: {${spec}}`);
const ON_WAYPOINT = "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]";

describe("a backend", () => {
  const FIRST = "spec.rules[0].backendRefs[0]";
  const SERVICE = "{name: api.openai.com, port: 443}";
  const DEFINED = entry(`hosts: [api.openai.com], resolution: DNS, ${HTTPS}`, "name: provider");

  test("becomes a Hostname where a ServiceEntry defines what it names", () => {
    const named = `${FIRST}.group: networking.istio.io; ${FIRST}.kind: Hostname`;
    expect(mendsOf("hostname-backend-invalid-ref", gateway(), route(SERVICE), DEFINED)).toEqual([named]);
    const ofEntry = "{group: networking.istio.io, kind: ServiceEntry, name: provider}";
    expect(mendsOf("hostname-backend-invalid-ref", gateway(), route(ofEntry), DEFINED)).toEqual([
      `Hostname; ${FIRST}.name: api.openai.com; ${FIRST}.port: 443`,
    ]);
    const withoutPort = "{group: networking.istio.io, kind: Hostname, name: api.openai.com}";
    expect(mendsOf("hostname-backend-invalid-ref", gateway(), route(withoutPort), DEFINED)).toEqual(["443"]);
  });

  test.each([
    ["may be a Service and its namespace", SERVICE],
    ["has no port that could be known", "{group: networking.istio.io, kind: Hostname, name: api.openai.com}"],
    ["is a ServiceEntry that is not in view", "{group: networking.istio.io, kind: ServiceEntry, name: provider}"],
    ["has weight 0, as all others", `${OPENAI.slice(0, -1)}, weight: 0}`],
  ])("is left alone that %s", (_, backend) => {
    expect(mendsOf("hostname-backend-invalid-ref", gateway(), route(backend))).toEqual([undefined]);
  });

  test.each([
    ["has a path behind the host", '"https://api.openai.com/v1"'],
    ["is another host", "api.openai.org"],
  ])("is left alone whose name %s", (_, name) => {
    const backend = `{group: networking.istio.io, kind: Hostname, name: ${name}, port: 443}`;
    expect(mendsOf("hostname-backend-no-serviceentry", gateway(), route(backend), DEFINED)).toEqual([undefined]);
  });
});

describe("a filter that takes the injected header off", () => {
  const inject = (target: string): string =>
    kuadrant(
      "AuthPolicy",
      target,
      `rules: {response: {success: {headers: {authorization: {plain: {expression: "'a'"}}}}}}`,
    );
  const filter = (modifier: string): string =>
    `filters: [{type: RequestHeaderModifier, requestHeaderModifier: {${modifier}}}], `;
  const stripped = (modifier: string, target = "HTTPRoute, name: openai"): readonly (string | undefined)[] =>
    mendsOf("credential-injection-stripped", gateway(), inject(target), route(OPENAI, filter(modifier)));
  const AT = "spec.rules[0].filters";

  test.each([
    ["is its only change", "remove: [Authorization]", `- ${AT}`],
    ["is one of several names", "remove: [x-a, Authorization]", `- ${AT}[0].requestHeaderModifier.remove[1]`],
    [
      "is beside a header that is set",
      "remove: [authorization], set: [{name: a, value: b}]",
      `- ${AT}[0].requestHeaderModifier.remove`,
    ],
  ])("goes where it %s", (_, modifier, mended) => {
    expect(stripped(modifier)).toEqual([mended]);
  });

  test("stays where the route sets another value, or the policy is not the route's own", () => {
    expect(stripped("set: [{name: authorization, value: x}]")).toEqual([undefined]);
    expect(stripped("remove: [authorization]", "Gateway, name: egress")).toEqual([undefined]);
  });
});

describe("DNS", () => {
  const record = (type: string, ...targets: readonly string[]): string =>
    object(
      "kuadrant.io/v1alpha1",
      "DNSRecord",
      "name: openai",
      `spec: {rootHost: a.example.com, endpoints: [{dnsName: a.example.com, recordType: ${type}, recordTTL: 60, targets: ${JSON.stringify(targets)}}]}`,
    );

  test.each([
    ["addresses of the other family", record("A", "fd00::1", "fd00::2"), ["spec.endpoints[0].recordType: AAAA"]],
    ["addresses of both families", record("A", "10.0.0.1", "fd00::1"), [undefined]],
    ["a name in place of an address", record("A", "gateway.example.com"), [undefined]],
  ])("a record of %s", (_, text, mended) => {
    expect(new Set(mendsOf("dnsrecord-wrong-target", text))).toEqual(new Set(mended));
  });

  const named = (port: number, host: string): string =>
    `{name: n${port}, port: ${port}, protocol: HTTP, hostname: ${host}}`;
  const probing = (check: string): string =>
    kuadrant("DNSPolicy", "Gateway, name: egress", `healthCheck: {${check}}\n  providerRefs: [{name: coredns}]`);
  const AUTH = kuadrant(
    "AuthPolicy",
    "HTTPRoute, name: openai",
    "rules: {authentication: {sa: {kubernetesTokenReview: {audiences: [egress]}}}}",
  );

  test.each<[string, readonly string[]]>([
    [
      "that an AuthPolicy would refuse as well",
      [gateway(named(80, "api.openai.com")), route(), AUTH, probing("path: /h")],
    ],
    [
      "of which the listeners have several ports",
      [gateway(`${named(80, "a.com")}, ${named(8080, "b.com")}`), probing("path: /h")],
    ],
    ["of the proxy itself", [gateway(named(80, "api.openai.com")), probing("path: /h, port: 15021")]],
  ])("a probe is left alone %s", (_, documents) => {
    expect(mendsOf("dnspolicy-healthcheck", ...documents)).toEqual([undefined]);
  });

  test("zones that are encoded are left alone", () => {
    const zones = Buffer.from("a.com, b.com").toString("base64");
    const secret = object("v1", "Secret", "name: coredns", `type: kuadrant.io/coredns\ndata: {ZONES: ${zones}}`);
    expect(mendsOf("coredns-zone-mismatch", secret)).toEqual([undefined]);
  });
});

describe("a ServiceEntry", () => {
  test.each([
    ["has endpoints", "hosts: [api.openai.com], resolution: NONE, endpoints: [{address: 10.0.0.1}]"],
    ["has a wildcard", 'hosts: ["*.openai.com"], resolution: NONE'],
    ["promises addresses that it does not have", "hosts: [api.openai.com], resolution: STATIC"],
  ])("keeps its resolution where it %s", (_, spec) => {
    expect(mendsOf("serviceentry-resolution", gateway(), route(), entry(`${spec}, ${HTTPS}`))).toEqual([undefined]);
  });

  const HTTPBIN = "hosts: [httpbin.org], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]";
  const POLICY = allow(
    "targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: openai}], rules: [{to: [{operation: {methods: [GET]}}]}]",
  );

  test.each<[string, readonly string[]]>([
    ["there are several waypoints", [waypoint("a"), waypoint("b"), POLICY, entry(HTTPBIN)]],
    ["there is none in view", [POLICY, entry(HTTPBIN)]],
    [
      "it says that it wants none",
      [waypoint("a"), POLICY, entry(HTTPBIN, "name: openai, labels: {istio.io/use-waypoint: none}")],
    ],
  ])("gets no label where %s", (_, documents) => {
    expect(mendsOf("serviceentry-waypoint-unbound", ...documents)).toEqual([undefined]);
  });

  test("and its DestinationRule are left alone where somebody switched TLS off, or wrote none", () => {
    const plain = (tls: string): string =>
      object(
        "networking.istio.io/v1",
        "DestinationRule",
        "name: openai",
        `spec: {host: api.openai.com, trafficPolicy: {${tls}}}`,
      );
    const known = [gateway(), route(), entry(`hosts: [api.openai.com], resolution: DNS, ${HTTPS}`)];
    for (const tls of ["tls: {mode: DISABLE}", "connectionPool: {}"]) {
      expect(mendsOf("egress-no-tls-origination", ...known, plain(tls))).toEqual([undefined]);
    }
    expect(mendsOf("egress-no-tls-origination", ...known)).toEqual([undefined]);
  });

  test("of a short name in a DestinationRule may be a Service: it is left alone", () => {
    const short = object(
      "networking.istio.io/v1",
      "DestinationRule",
      "name: o",
      "spec: {host: openai, trafficPolicy: {tls: {mode: SIMPLE}}}",
    );
    const known = [gateway(), route(), entry(`hosts: [api.openai.com], resolution: DNS, ${HTTPS}`)];
    expect(mendsOf("destinationrule-not-applied", ...known, short)).toEqual([undefined]);
  });
});

describe("a policy of Istio", () => {
  test("with a star in front of a host gets none behind it", () => {
    const policy = allow(`${ON_WAYPOINT}, rules: [{to: [{operation: {hosts: ["*.openai.com"]}}]}]`);
    expect(mendsOf("waypoint-allow-blocks-other-hosts", waypoint("waypoint"), policy)).toEqual([undefined]);
  });

  test("that selects more than a waypoint's pods is left alone, and one without target", () => {
    const NAME = "gateway.networking.k8s.io/gateway-name: waypoint";
    const RULES = "rules: [{to: [{operation: {methods: [GET]}}]}]";
    const narrowed = allow(`selector: {matchLabels: {${NAME}, version: v2}}, ${RULES}`);
    expect(mendsOf("waypoint-policy-attachment", waypoint("waypoint"), narrowed)).toEqual([undefined]);
    const ambient =
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: gateways, labels: {istio.io/dataplane-mode: ambient}}";
    expect(mendsOf("waypoint-policy-attachment", ambient, waypoint("waypoint"), allow(RULES))).toEqual([undefined]);
  });

  test("loses the namespace of its target where that is its own, and keeps another one", () => {
    const target = (namespace: string): string =>
      allow(`targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint, namespace: ${namespace}}]`);
    const removed = "- spec.targetRefs[0].namespace";
    expect(mendsOf("waypoint-policy-attachment", waypoint("waypoint"), target("gateways"))).toEqual([removed]);
    expect(mendsOf("waypoint-policy-attachment", waypoint("waypoint"), target("other"))).toEqual([undefined]);
  });
});

describe("a limit", () => {
  const limits = (rates: string): string =>
    kuadrant("RateLimitPolicy", "HTTPRoute, name: openai", `limits: {x: {rates: [${rates}]}}`);

  test.each([
    ["two numbers for one window", "{limit: 5, window: 60s}, {limit: 6, window: 1m}", [undefined]],
    ["a longer window that allows less", "{limit: 5, window: 1m}, {limit: 4, window: 2m}", [undefined]],
    ["a window below a second", "{limit: 5, window: 500ms}", [undefined]],
    ["a negative number", "{limit: -1, window: 1m}", [undefined]],
  ])("is left alone that has %s", (_, rates, mended) => {
    expect(mendsOf("rlp-ineffective-rate", limits(rates))).toEqual(mended);
  });
});
