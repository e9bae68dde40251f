import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/missing-urlrewrite-hostname.ts";
import { applying, brief, findingsOf } from "../support/rule-findings.ts";

const BACKEND = "{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}";
const route = (hostnames: string, filters = "", backends = BACKEND, parent = "{name: egress}"): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: gateways, name: r}
spec:
  parentRefs: [${parent}]
  hostnames: [${hostnames}]
  rules: [{filters: [${filters}], backendRefs: [${backends}]}]`;
const gateway = (hostname: string, labels = "{}"): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: gateways, name: egress, labels: ${labels}}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP${hostname === "" ? "" : `, hostname: "${hostname}"`}}]}`;
const tls = (host: string, sni: string): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: gateways, name: e}
spec: {hosts: [${host}], resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {namespace: gateways, name: d}
spec: {host: ${host}, trafficPolicy: {tls: {mode: SIMPLE, sni: ${sni}, subjectAltNames: [${sni}]}}}`;
const rewrite = (host: string): string => `{type: URLRewrite, urlRewrite: {hostname: ${host}}}`;
const AT = "HTTPRoute spec.rules[0].backendRefs[0].name";

describe("without a rewrite", () => {
  test.each([
    ["another name", [route("llm.internal")], [`error object ${AT}`]],
    ["one of two names another", [route("api.openai.com, llm.internal")], [`error object ${AT}`]],
    ["a wildcard, and no listener to narrow it", [route('"*.openai.com"'), gateway("")], [`error object ${AT}`]],
    ["a wildcard, the Gateway not in view", [route('"*.openai.com"')], [`error absence ${AT}`]],
    ["any name at all", [route(""), gateway("")], [`error conflict ${AT}`]],
    ["another name, by the listener", [route(""), gateway("llm.internal")], [`error conflict ${AT}`]],
    ["its own name", [route("api.openai.com")], [`warning object ${AT}`]],
    ["its own name, in other letters", [route("API.OpenAI.com")], [`warning object ${AT}`]],
    ["its own name, by the listener", [route(""), gateway("api.openai.com")], [`warning conflict ${AT}`]],
    [
      "its own name, as the listener narrows a wildcard",
      [route('"*.openai.com"'), gateway("api.openai.com")],
      [`warning conflict ${AT}`],
    ],
  ])("the provider gets %s", (_, documents, expected) => {
    expect(brief(findingsOf(rule, ...documents))).toEqual(expected);
  });

  test("a private endpoint's Host may still be meant, so that nothing is denied", () => {
    const backend = BACKEND.replace("api.openai.com", "x.privatelink.openai.azure.com");
    const verdict = applying(rule, route("x.openai.azure.com", "", backend));
    expect([verdict.denied.length, verdict.warned.length]).toEqual([0, 1]);
  });

  test("each of several backends is judged, with the advice to split the rule", () => {
    const two = `${BACKEND}, ${BACKEND.replace("api.openai.com", "api.anthropic.com")}`;
    const findings = findingsOf(rule, route("api.openai.com", "", two));
    expect(brief(findings)).toEqual([
      "error object HTTPRoute spec.rules[0].backendRefs[1].name",
      "warning object HTTPRoute spec.rules[0].backendRefs[0].name",
    ]);
    expect(findings[0]?.hint).toContain("a rule of its own");
  });
});

describe("a rewrite", () => {
  test.each([
    [
      "to another name",
      [route("llm.internal", rewrite("api.opnai.com"))],
      ["warning object HTTPRoute spec.rules[0].filters[0].urlRewrite.hostname"],
    ],
    [
      "by a host header to another name",
      [
        route(
          "llm.internal",
          "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Host, value: x.y}]}}",
        ),
      ],
      ["warning object HTTPRoute spec.rules[0].filters[0].requestHeaderModifier.set[0].value"],
    ],
    [
      "to the name that TLS asks for",
      [route("llm.internal", rewrite("public.example")), tls("api.openai.com", "public.example")],
      [],
    ],
    [
      "by a host header to the backend's name",
      [
        route(
          "llm.internal",
          "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: host, value: api.openai.com}]}}",
        ),
      ],
      [],
    ],
    ["to the backend's name, in other letters", [route("llm.internal", rewrite("API.openai.com"))], []],
  ])("%s", (_, documents, expected) => {
    expect(brief(findingsOf(rule, ...documents))).toEqual(expected);
  });
});

describe("silence", () => {
  test.each([
    [
      "about a host of the cluster",
      [route("llm.internal", "", BACKEND.replace("api.openai.com", "llm.tools.svc.cluster.local"))],
    ],
    ["about a Service", [route("llm.internal", "", "{name: llm, port: 80}")]],
    ["about a redirect", [route("llm.internal", "{type: RequestRedirect, requestRedirect: {scheme: https}}")]],
    [
      "about a backend without traffic",
      [route("llm.internal", "", BACKEND.replace("port: 443", "port: 443, weight: 0"))],
    ],
    [
      "about a Gateway that is declared to be no egress gateway",
      [route("llm.internal"), gateway("", '{sluice.dev/egress-gateway: "false"}')],
    ],
    [
      "about a route of the mesh",
      [route("llm.internal", "", BACKEND, "{group: networking.istio.io, kind: ServiceEntry, name: e}")],
    ],
    ["when only a Gateway that is not in view could name the hosts", [route("")]],
    [
      "when the caller's name is the one that TLS asks for",
      [route("public.example"), tls("api.openai.com", "public.example")],
    ],
  ])("%s", (_, documents) => {
    expect(findingsOf(rule, ...documents)).toEqual([]);
  });
});

test("a wrong Host that the route alone proves is denied at admission", () => {
  expect(applying(rule, route("llm.internal")).denied).toMatchObject([
    {
      message:
        "`api.openai.com` will receive `Host: llm.internal`, and most providers answer 404 or 421 for a name that is not theirs",
      hint: "Add `{type: URLRewrite, urlRewrite: {hostname: api.openai.com}}` to the rule's filters.",
    },
  ]);
});
