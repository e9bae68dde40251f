import { describe, expect, test } from "vitest";
import { clusterFactsOf, isEgressName, namespaceFactsOf, resolverStateOf } from "../../src/inject/facts.ts";
import { topologyOf } from "../support/topology-of.ts";

const service = (name: string, spec: string, label = 'sluice.dev/dns: "true"', namespace = "sluice-system") => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace}, labels: { ${label} } }
spec: ${spec}
---
`;

const slice = (name: string, endpoints: string) => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, namespace: sluice-system, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
endpoints: ${endpoints}
---
`;

const stateOf = (yaml: string) => resolverStateOf(topologyOf(yaml).objects, "sluice-system");

describe("the resolver's addresses", () => {
  test("are one of each labelled Service in our namespace, by name, at most three", () => {
    const yaml =
      service("dns-b", "{ clusterIP: 10.0.0.2, clusterIPs: [10.0.0.2, 'fd00::2'] }") +
      service("dns-a", "{ clusterIP: 10.0.0.1 }") +
      service("dns-d", "{ clusterIP: 10.0.0.4 }") +
      service("dns-c", "{ clusterIP: 'fd00::3' }");
    expect(stateOf(yaml)).toMatchObject({ status: "usable", nameservers: ["10.0.0.1", "10.0.0.2", "fd00::3"] });
  });

  test("are never those of a Service elsewhere or without the label", () => {
    const yaml =
      service("dns", "{ clusterIP: 10.0.0.1 }", 'sluice.dev/dns: "true"', "apps") +
      service("other", "{ clusterIP: 10.0.0.2 }", 'sluice.dev/dns: "false"') +
      service("kube-dns", "{ clusterIP: 10.0.0.10 }", "k8s-app: kube-dns");
    expect(stateOf(yaml)).toEqual({ status: "missing" });
  });

  test.each([
    ["row 51: no Service", "", "missing"],
    ["row 51: no address yet", service("dns", "{ type: ClusterIP }"), "missing"],
    ["row 52: headless", service("dns", "{ clusterIP: None, clusterIPs: [None] }"), "unusable"],
    ["row 52: ExternalName", service("dns", "{ type: ExternalName, externalName: dns.example }"), "unusable"],
    [
      "one headless, one without address yet",
      service("a", "{ clusterIP: None }") + service("b", "{ type: ClusterIP }"),
      "missing",
    ],
  ])("%s", (_, yaml, status) => expect(stateOf(yaml)).toEqual({ status }));

  test("row 52: leave out a headless Service beside a good one", () => {
    const yaml = service("a", "{ clusterIP: None }") + service("b", "{ clusterIP: 10.0.0.2 }");
    expect(stateOf(yaml)).toMatchObject({ nameservers: ["10.0.0.2"] });
  });

  const dns = service("dns", "{ clusterIP: 10.0.0.1 }");
  test.each([
    ["no EndpointSlice", "", false],
    ["an endpoint that is ready", slice("dns", "[{ addresses: [10.1.0.1], conditions: { ready: true } }]"), true],
    ["an endpoint that does not say", slice("dns", "[{ addresses: [10.1.0.1] }]"), true],
    ["an endpoint that is not ready", slice("dns", "[{ addresses: [10.1.0.1], conditions: { ready: false } }]"), false],
    ["an endpoint of another Service", slice("other", "[{ addresses: [10.1.0.1] }]"), false],
  ])("row 53: with %s", (_, yaml, ready) => expect(stateOf(dns + yaml)).toMatchObject({ status: "usable", ready }));
});

const GATEWAY = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: egress, namespace: gateways, labels: { sluice.dev/egress-gateway: "true" } }
spec:
  gatewayClassName: other
  listeners:
    - { name: openai, hostname: api.openai.com, port: 443, protocol: HTTPS }
    - { name: anthropic, hostname: "*.anthropic.com", port: 443, protocol: HTTPS }
status: { addresses: [{ type: IPAddress, value: 10.0.9.9 }] }
---
`;

describe("an egress gateway", () => {
  const facts = clusterFactsOf(
    topologyOf(
      GATEWAY +
        service(
          "by-address",
          "{ clusterIP: 10.0.9.9, clusterIPs: [10.0.9.9], selector: { app: gw } }",
          "a: b",
          "gateways",
        ) +
        service(
          "by-label",
          "{ selector: { app: named } }",
          "gateway.networking.k8s.io/gateway-name: egress",
          "gateways",
        ) +
        service("no-selector", "{}", "gateway.networking.k8s.io/gateway-name: egress", "gateways") +
        service("another", "{ clusterIP: 10.0.9.1, selector: { app: web } }", "a: b", "gateways"),
    ),
    { ownNamespace: "sluice-system" },
  );

  test("row 24: is known by the selectors of its Services, empty ones left out", () => {
    expect(facts.gatewaySelectors).toEqual([
      { namespace: "gateways", labels: [["app", "gw"]] },
      { namespace: "gateways", labels: [["app", "named"]] },
    ]);
  });

  test("row 59: brings the names that no hosts file may have", () => {
    const names = [
      "api.openai.com",
      "x.anthropic.com",
      "a.b.anthropic.com",
      "anthropic.com",
      "xanthropic.com",
      "openai.com",
    ];
    expect(names.filter((name) => isEgressName(name, facts.egressNames))).toEqual(names.slice(0, 3));
  });
});

describe("a namespace", () => {
  const topology = topologyOf(`
apiVersion: v1
kind: Namespace
metadata: { name: apps, labels: { sluice.dev/egress: strict } }
---
apiVersion: v1
kind: Namespace
metadata: { name: leaving }
status: { phase: Terminating }
`);
  test("has its labels", () => {
    expect(namespaceFactsOf(topology, "apps")).toEqual({
      name: "apps",
      labels: { "sluice.dev/egress": "strict" },
      terminating: false,
    });
  });
  test("may be on its way out", () =>
    expect(namespaceFactsOf(topology, "leaving")).toMatchObject({ labels: {}, terminating: true }));
  test("may not be in view", () => expect(namespaceFactsOf(topology, "other")).toEqual({ name: "other" }));
});
