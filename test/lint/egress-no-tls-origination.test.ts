import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/egress-no-tls-origination.ts";
import { applying, brief, findingsOf } from "../support/rule-findings.ts";

const entry = (ports: string, more = ""): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: gateways, name: openai}
spec: {hosts: [api.openai.com], resolution: DNS, ports: [${ports}]${more}}`;
const HTTPS = "{number: 443, name: https, protocol: HTTPS}";
const HTTP = "{number: 80, name: http, protocol: HTTP}";
const route = (port: number, more = "", kind = "HTTPRoute"): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: {namespace: gateways, name: openai}
spec:
  parentRefs: [{name: egress}]
  hostnames: [api.openai.com]
  rules:
    - backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: ${port}}]${more}`;
const destination = (policy: string, namespace = "gateways"): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {namespace: ${namespace}, name: openai}
spec: {host: api.openai.com, trafficPolicy: ${policy}}`;
const gateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: gateways, name: egress}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}`;
const auth = (rules: string): string => `
apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata: {namespace: gateways, name: auth}
spec:
  targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}
  rules: ${rules}`;

describe("a route without TLS behind it", () => {
  const PORT = "spec.rules[0].backendRefs[0].port";

  test.each([
    ["port 443 and no DestinationRule", [entry(HTTPS), route(443)], [`error absence HTTPRoute ${PORT}`]],
    ["a GRPCRoute alike", [entry(HTTPS), route(443, "", "GRPCRoute")], [`error absence GRPCRoute ${PORT}`]],
    [
      "an HTTPS port of another number",
      [entry("{number: 8443, name: https, protocol: HTTPS}"), route(8443)],
      [`error absence HTTPRoute ${PORT}`],
    ],
    [
      "port 80 that dials 443",
      [entry("{number: 80, name: http, protocol: HTTP, targetPort: 443}"), route(80)],
      [`error absence HTTPRoute ${PORT}`],
    ],
    ["port 80 without credentials", [entry(HTTP), route(80)], [`warning absence HTTPRoute ${PORT}`]],
    [
      "a DestinationRule in a namespace that the gateway does not use",
      [entry(HTTPS), destination("{tls: {mode: SIMPLE}}", "apps"), route(443)],
      [`error absence HTTPRoute ${PORT}`],
    ],
    [
      "mode DISABLE",
      [entry(HTTPS), destination("{tls: {mode: DISABLE}}"), route(443)],
      [`error conflict HTTPRoute ${PORT}`],
    ],
    [
      "the mesh's own TLS",
      [entry(HTTPS), destination("{tls: {mode: ISTIO_MUTUAL}}"), route(443)],
      [`error conflict HTTPRoute ${PORT}`],
    ],
    [
      "mode DISABLE for port 80 without credentials",
      [entry(HTTP), destination("{tls: {mode: DISABLE}}"), route(80)],
      [`warning conflict HTTPRoute ${PORT}`],
    ],
  ])("is reported: %s", (_, documents, expected) => {
    expect(brief(findingsOf(rule, ...documents))).toEqual(expected);
  });

  test.each([
    ["TLS is originated", [entry(HTTPS), destination("{tls: {mode: SIMPLE}}"), route(443)]],
    ["the host has no ServiceEntry: another rule says so", [route(443)]],
    ["the entry is inside the mesh", [entry(HTTPS, ", location: MESH_INTERNAL"), route(443)]],
    ["a private endpoint may add TLS itself", [entry(HTTPS, ", endpoints: [{address: 10.0.0.7}]"), route(443)]],
    ["a local socket may add TLS itself", [entry(HTTPS, ", endpoints: [{address: 'unix:///run/tls'}]"), route(443)]],
    [
      "a DestinationRule picks pods by unknown labels",
      [
        entry(HTTPS),
        route(443),
        `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {namespace: gateways, name: openai}
spec: {host: api.openai.com, workloadSelector: {matchLabels: {app: x}}, trafficPolicy: {tls: {mode: DISABLE}}}`,
      ],
    ],
    ["no traffic is sent there", [entry(HTTPS), route(443).replace("port: 443", "port: 443, weight: 0")]],
    [
      "the backend is an XBackend",
      [
        entry(HTTPS),
        route(443).replace("networking.istio.io, kind: Hostname", "gateway.networking.x-k8s.io, kind: XBackend"),
      ],
    ],
    [
      "the backend is a Service",
      [
        entry(HTTPS),
        route(443).replace("group: networking.istio.io, kind: Hostname, name: api.openai.com", "name: openai"),
      ],
    ],
    [
      "no gateway serves the route",
      [
        entry(HTTPS),
        route(443).replace("[{name: egress}]", "[{group: networking.istio.io, kind: ServiceEntry, name: openai}]"),
      ],
    ],
  ])("is silent when %s", (_, documents) => {
    expect(findingsOf(rule, ...documents)).toEqual([]);
  });

  test("says how to mend it, with the gateway's namespace and the host", () => {
    const [finding] = findingsOf(rule, entry(HTTPS), route(443));
    expect(finding?.message).toContain("traffic to api.openai.com:443 leaves without TLS");
    expect(finding?.hint).toContain(
      "Create a DestinationRule in namespace `gateways`: `host: api.openai.com`, `trafficPolicy.tls: {mode: SIMPLE, sni: api.openai.com, subjectAltNames: [api.openai.com]}`",
    );
  });

  test("names a DestinationRule that lies in the wrong namespace", () => {
    const [finding] = findingsOf(rule, entry(HTTPS), destination("{tls: {mode: SIMPLE}}", "apps"), route(443));
    expect(finding?.hint).toContain("Move DestinationRule `apps/openai`");
  });

  test("tells to dial 443 where port 80 is plain", () => {
    expect(findingsOf(rule, entry(HTTP), route(80))[0]?.hint).toContain("Set `targetPort: 443` on port 80");
  });
});

describe("a DestinationRule that gives no TLS", () => {
  test.each([
    ["has none", "{loadBalancer: {simple: RANDOM}}", "error absence DestinationRule spec.trafficPolicy"],
    ["switches it off", "{tls: {mode: DISABLE}}", "error conflict DestinationRule spec.trafficPolicy.tls.mode"],
    ["leaves its mode out", "{tls: {sni: a.b}}", "error conflict DestinationRule spec.trafficPolicy.tls"],
    [
      "hides it from the port",
      "{tls: {mode: SIMPLE}, portLevelSettings: [{port: {number: 443}}]}",
      "error absence DestinationRule spec.trafficPolicy.portLevelSettings[0]",
    ],
    ["uses the mesh's", "{tls: {mode: ISTIO_MUTUAL}}", "error conflict DestinationRule spec.trafficPolicy.tls.mode"],
  ])("because it %s is reported where it is written", (_, policy, expected) => {
    expect(brief(findingsOf(rule, entry(HTTPS), route(443), destination(policy)))).toEqual([expected]);
  });

  test("is reported once for all its routes", () => {
    const second = route(443).replace("name: openai}", "name: second}");
    const [finding, ...others] = findingsOf(
      rule,
      entry(HTTPS),
      route(443),
      second,
      destination("{tls: {mode: DISABLE}}"),
    );
    expect(others).toEqual([]);
    expect(finding?.related?.map(({ object }) => object.name)).toEqual(["openai", "openai", "second"]);
  });
});

describe("credentials on a plain port", () => {
  const vault = "{response: {success: {headers: {x-provider: {plain: {expression: auth.metadata.vault.key}}}}}}";
  const token = "{authentication: {sa: {kubernetesTokenReview: {audiences: [egress]}}}}";

  test.each([
    ["an injected secret", vault, "", "error", "carries the injected credential in `x-provider`"],
    [
      "an injected API key",
      "{response: {success: {headers: {x-api-key: {plain: {value: k}}}}}}",
      "",
      "error",
      "`x-api-key`",
    ],
    ["the workload's own token", token, "", "error", "carries the workload's own token in `authorization`"],
    [
      "a token that the route removes",
      token,
      "\n      filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [Authorization]}}]",
      "warning",
      "leaves without TLS",
    ],
    [
      "a token that the policy blanks",
      "{authentication: {sa: {kubernetesTokenReview: {audiences: [egress]}}}, response: {success: {headers: {authorization: {plain: {value: ''}}}}}}",
      "",
      "warning",
      "leaves without TLS",
    ],
    [
      "a header that is no credential",
      "{response: {success: {headers: {x-user: {plain: {expression: auth.identity.sub}}}}}}",
      "",
      "warning",
      "leaves without TLS",
    ],
  ])("%s", (_, rules, filters, severity, text) => {
    const [finding] = findingsOf(rule, gateway, entry(HTTP), auth(rules), route(80, filters));
    expect(finding).toMatchObject({ severity, message: expect.stringContaining(text) });
  });
});

describe("behind a waypoint", () => {
  const bound = (ports: string, hosts = "httpbin.org"): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: ambient, name: httpbin, labels: {istio.io/use-waypoint: w}}
spec: {hosts: [${hosts}], resolution: DNS, ports: [${ports}]}`;

  test.each([
    ["plain HTTP", [bound(HTTP)], ["warning absence ServiceEntry spec.ports[0]"]],
    [
      "HTTP on port 443",
      [bound("{number: 443, name: http, protocol: HTTP}")],
      ["error absence ServiceEntry spec.ports[0]"],
    ],
    [
      "HTTP that dials 443",
      [bound("{number: 80, name: http, protocol: HTTP, targetPort: 443}")],
      ["error absence ServiceEntry spec.ports[0]"],
    ],
    [
      "a TLS port beside it",
      [bound(`{number: 443, name: tls, protocol: TLS}, ${HTTP}`)],
      ["warning absence ServiceEntry spec.ports[1]"],
    ],
    ["HTTPS and TCP, which the client encrypts", [bound(`${HTTPS}, {number: 5432, name: db, protocol: TCP}`)], []],
    ["a host of the cluster", [bound(HTTP, "echo.tools.svc.cluster.local")], []],
    ["an entry that no waypoint carries", [bound(HTTP).replace("use-waypoint: w", "use-waypoint: none")], []],
  ])("%s", (_, documents, expected) => {
    expect(brief(findingsOf(rule, ...documents))).toEqual(expected);
  });
});

describe("at admission, whatever comes last", () => {
  const off = destination("{tls: {mode: DISABLE}}");
  const documents = { entry: entry(HTTPS), off, route: route(443) };

  test.each(["entry", "off", "route"] as const)("%s completes a contradiction and is denied", (last) => {
    const present = Object.entries(documents).filter(([name]) => name !== last);
    const verdict = applying(rule, documents[last], ...present.map(([, document]) => document));
    expect(verdict.denied).toHaveLength(1);
  });

  test.each([
    ["the route", route(443), [entry(HTTPS)]],
    ["the ServiceEntry", entry(HTTPS), [route(443)]],
    ["a DestinationRule without tls", destination("{loadBalancer: {simple: RANDOM}}"), [entry(HTTPS), route(443)]],
  ])("%s is let in with a warning while the rest may come", (_, document, present) => {
    const verdict = applying(rule, document, ...present);
    expect([verdict.denied.length, verdict.warned.length]).toEqual([0, 1]);
  });
});
