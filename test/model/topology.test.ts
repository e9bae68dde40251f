import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { withObject, withoutObject } from "../../src/model/changed-topology.ts";
import { decodeObject } from "../../src/model/decode.ts";
import { parseSelector } from "../../src/model/parse-selector.ts";
import { buildTopology, DEFAULT_TOPOLOGY_SETTINGS } from "../../src/model/topology.ts";
import { objectsOf, topologyOf } from "../support/topology-of.ts";

const GATEWAY = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: gateway-system, name: egress, creationTimestamp: "2026-01-01T00:00:00Z"}
spec:
  listeners: [{name: openai, port: 80, protocol: HTTP, hostname: api.openai.com}]
status: {addresses: [{type: IPAddress, value: 10.96.10.10}]}
---`;
const ROUTE = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: gateway-system, name: openai}
spec:
  parentRefs: [{name: egress}]
  hostnames: [api.openai.com]
  rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.openai.com, port: 443}]}]
---`;
const namesOf = (yaml: string): readonly string[] => topologyOf(yaml).egressHostnames.map(({ hostname }) => hostname);

describe("an egress gateway", () => {
  test.each([
    ["one with a route to an Istio Hostname", GATEWAY + ROUTE, ["api.openai.com"]],
    [
      "none without an external backend",
      GATEWAY + ROUTE.replace("group: networking.istio.io, kind: Hostname, ", ""),
      [],
    ],
    [
      "one by its label, whatever is attached",
      GATEWAY.replace("{namespace", '{labels: {sluice.dev/egress-gateway: "true"}, namespace'),
      ["api.openai.com"],
    ],
    [
      "none when its label forbids it",
      GATEWAY.replace("{namespace", '{labels: {sluice.dev/egress-gateway: "false"}, namespace') + ROUTE,
      [],
    ],
    ["none when it is a waypoint", GATEWAY.replace("protocol: HTTP", "protocol: HBONE") + ROUTE, []],
    [
      "one with a route to an ExternalName Service",
      `${GATEWAY}${ROUTE.replace("group: networking.istio.io, kind: Hostname, name: api.openai.com", "name: openai")}
apiVersion: v1
kind: Service
metadata: {namespace: gateway-system, name: openai}
spec: {type: ExternalName, externalName: api.openai.com}`,
      ["api.openai.com"],
    ],
  ])("is %s", (_title, yaml, expected) => {
    expect(namesOf(yaml)).toEqual(expected);
  });
});

const labelled = (labels: string): string => GATEWAY.replace("{namespace", `{labels: {${labels}}, namespace`);
const selected = (yaml: string, selector: string): readonly string[] => {
  const gateways = parseSelector(selector);
  if (!gateways.ok) throw new Error(gateways.problems.join());
  const settings = { ...DEFAULT_TOPOLOGY_SETTINGS, gateways: gateways.value };
  return buildTopology(topologyOf(yaml).decoded, settings).egressGateways.map(({ metadata }) => metadata.name);
};

describe("an egress gateway chosen by a selector", () => {
  test.each([
    ["its labels match", labelled("team: a"), "team in (a, b),!legacy", ["egress"]],
    ["its labels do not match", labelled("team: c"), "team in (a, b)", []],
    ["the usual label is there, but not asked for", labelled('sluice.dev/egress-gateway: "true"'), "team=a", []],
    ["a route leads out, but the labels do not match", GATEWAY + ROUTE, "team=a", []],
    ["its labels match, but another forbids it", labelled('team: a, sluice.dev/egress-gateway: "false"'), "team", []],
    ["it is a waypoint", labelled("team: a").replace("protocol: HTTP", "protocol: HBONE"), "team", []],
  ])("%s", (_title, yaml, selector, expected) => {
    expect(selected(yaml, selector)).toEqual(expected);
  });
});

describe("a gateway whose names a DNSPolicy publishes", () => {
  const policy = (spec: string, namespace = "gateway-system"): string => `
apiVersion: kuadrant.io/v1
kind: DNSPolicy
metadata: {namespace: ${namespace}, name: p}
spec: {targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: egress}${spec}}
---`;
  const secret = (type: string, labels = ""): string => `
apiVersion: v1
kind: Secret
metadata: {namespace: gateway-system, name: provider${labels}}
type: ${type}
---`;
  const COREDNS = secret("kuadrant.io/coredns");
  const BY_DEFAULT = secret("kuadrant.io/coredns", ', labels: {kuadrant.io/default-provider: "true"}');
  const PROVIDER = ", providerRefs: [{name: provider}]";

  test.each([
    ["in the cluster's CoreDNS is an egress gateway", GATEWAY + policy(PROVIDER) + COREDNS, ["egress"]],
    ["by the namespace's default provider is one too", GATEWAY + policy("") + BY_DEFAULT, ["egress"]],
    ["without any provider is none", GATEWAY + policy("") + COREDNS, []],
    ["in a public zone is none", GATEWAY + policy(PROVIDER) + secret("kuadrant.io/aws"), []],
    ["through a Secret that is not in view is none", GATEWAY + policy(PROVIDER), []],
    ["from another namespace is none", GATEWAY + policy(PROVIDER, "team-b") + COREDNS, []],
    [
      "is none when its label forbids it",
      labelled('sluice.dev/egress-gateway: "false"') + policy(PROVIDER) + COREDNS,
      [],
    ],
  ])("%s", (_title, yaml, expected) => {
    expect(topologyOf(yaml).egressGateways.map(({ metadata }) => metadata.name)).toEqual(expected);
  });

  test("is one whatever the selector", () => {
    expect(selected(GATEWAY + policy(PROVIDER) + COREDNS, "team=a")).toEqual(["egress"]);
  });
});

describe("an egress hostname", () => {
  test.each([
    [
      "comes from the route when the listener has none",
      GATEWAY.replace(", hostname: api.openai.com", "") + ROUTE,
      ["api.openai.com"],
    ],
    [
      "is not taken from a route that its gateway refused",
      `${GATEWAY.replace(", hostname: api.openai.com", "").replace("{namespace", '{labels: {sluice.dev/egress-gateway: "true"}, namespace')}${ROUTE.replace("\n---", "\nstatus: {parents: [{parentRef: {name: egress}, conditions: [{type: Accepted, status: 'False'}]}]}\n---")}`,
      [],
    ],
    [
      "is the listener's wildcard and the route's exact name in it",
      GATEWAY.replace("api.openai.com", "'*.openai.com'") + ROUTE,
      ["api.openai.com", "*.openai.com"],
    ],
    [
      "is not a route name outside the listener's",
      GATEWAY + ROUTE.replace("hostnames: [api.openai.com]", "hostnames: [api.openai.com, evil.example]"),
      ["api.openai.com"],
    ],
    [
      "is not taken from a route of a namespace that the listener does not admit",
      GATEWAY.replace("{namespace", '{labels: {sluice.dev/egress-gateway: "true"}, namespace').replace(
        ", hostname: api.openai.com",
        "",
      ) +
        ROUTE.replace("namespace: gateway-system", "namespace: team-a").replace(
          "{name: egress}",
          "{name: egress, namespace: gateway-system}",
        ),
      [],
    ],
  ])("%s", (_title, yaml, expected) => {
    expect(namesOf(yaml)).toEqual(expected);
  });
});

const stateOf = (yaml: string) => topologyOf(yaml).egressHostnames[0]?.state;
const address = (value: string, type = "Hostname") =>
  GATEWAY.replace("{type: IPAddress, value: 10.96.10.10}", `{type: ${type}, value: "${value}"}`) + ROUTE;
const SERVICE = `
apiVersion: v1
kind: Service
metadata: {namespace: gateway-system, name: egress-istio}
spec: {clusterIP: 10.96.1.1, clusterIPs: [10.96.1.1, "fd00::1"]}`;

describe("the state of an egress hostname", () => {
  test.each([
    ["is ready with the gateway's address", GATEWAY + ROUTE, { status: "ready", addresses: ["10.96.10.10"] }],
    [
      "is closed without an address",
      GATEWAY.replace("{type: IPAddress, value: 10.96.10.10}", "") + ROUTE,
      { status: "closed", reason: "the gateway has no address yet" },
    ],
    [
      "is closed when no address can be used",
      address("127.0.0.1", "IPAddress"),
      { status: "closed", reason: "none of its addresses can be used: 127.0.0.1" },
    ],
    [
      "is closed when the gateway is refused",
      `${GATEWAY.replace("status: {", "status: {conditions: [{type: Accepted, status: 'False'}], ")}${ROUTE}`,
      { status: "closed", reason: "the gateway is not accepted by its controller" },
    ],
    [
      "is closed when no route is attached to the listener",
      GATEWAY.replace("{namespace", '{labels: {sluice.dev/egress-gateway: "true"}, namespace'),
      { status: "closed", reason: "no route is attached to listener 'openai'" },
    ],
    [
      "takes a Service's cluster IPs for its name",
      address("egress-istio.gateway-system.svc.cluster.local") + SERVICE,
      { status: "ready", addresses: ["10.96.1.1", "fd00::1"] },
    ],
    [
      "is closed when that Service is missing among others",
      address("gone.gateway-system.svc.cluster.local") + SERVICE,
      { status: "closed", reason: "Service gateway-system/gone does not exist" },
    ],
    [
      "is looked up when no Service at all is in view",
      address("egress-istio.gateway-system.svc.cluster.local"),
      { status: "unresolved", hostnames: ["egress-istio.gateway-system.svc.cluster.local"] },
    ],
    [
      "is looked up for a name outside the cluster",
      address("lb.example.net") + SERVICE,
      { status: "unresolved", hostnames: ["lb.example.net"] },
    ],
  ])("%s", (_title, yaml, expected) => {
    expect(stateOf(yaml)).toEqual(expected);
  });

  test("takes the ready endpoints of a headless Service", () => {
    const headless = `${SERVICE.replace('clusterIP: 10.96.1.1, clusterIPs: [10.96.1.1, "fd00::1"]', "clusterIP: None, clusterIPs: [None]")}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {namespace: gateway-system, name: s, labels: {kubernetes.io/service-name: egress-istio}}
endpoints: [{addresses: [10.244.0.5], conditions: {ready: true}}, {addresses: [10.244.0.6], conditions: {ready: false}}]`;
    expect(stateOf(address("egress-istio.gateway-system.svc.cluster.local") + headless)).toEqual({
      status: "ready",
      addresses: ["10.244.0.5"],
    });
  });

  test("leaves out what a DNSPolicy on the gateway excludes", () => {
    const policy = `
apiVersion: kuadrant.io/v1
kind: DNSPolicy
metadata: {namespace: gateway-system, name: x}
spec: {targetRef: {kind: Gateway, name: egress}, excludeAddresses: [10.96.10.0/24]}`;
    expect(stateOf(GATEWAY + ROUTE + policy)?.status).toBe("closed");
    const named = policy.replace("10.96.10.0/24", "LB.example.net.");
    expect(stateOf(address("lb.example.net") + SERVICE + named)).toEqual({
      status: "closed",
      reason: "none of its addresses can be used: lb.example.net",
    });
  });

  const mixed = GATEWAY.replace("value: 10.96.10.10}", "value: 10.96.10.10}, {type: Hostname, value: lb.example.net}");

  test("takes the IP addresses where there is a host name too", () => {
    expect(stateOf(mixed + ROUTE)).toEqual({ status: "ready", addresses: ["10.96.10.10"] });
    expect(stateOf(mixed.replace("10.96.10.10", "0.0.0.0") + ROUTE)).toEqual({
      status: "unresolved",
      hostnames: ["lb.example.net"],
    });
  });

  const fromService = (yaml: string) =>
    buildTopology(topologyOf(yaml).decoded, { ...DEFAULT_TOPOLOGY_SETTINGS, gatewayAddress: "service" })
      .egressHostnames[0]?.state;
  const LABELLED = SERVICE.replace(
    "name: egress-istio}",
    "name: egress-istio, labels: {gateway.networking.k8s.io/gateway-name: egress}}",
  );

  test("takes the ClusterIPs of the Service that carries the gateway's name, whatever its status, when asked", () => {
    expect(fromService(GATEWAY + ROUTE + LABELLED)).toEqual({ status: "ready", addresses: ["10.96.1.1", "fd00::1"] });
    expect(fromService(address("") + LABELLED)).toEqual({ status: "ready", addresses: ["10.96.1.1", "fd00::1"] });
    expect(fromService(GATEWAY + ROUTE + SERVICE)).toEqual({
      status: "closed",
      reason: "no Service carries the gateway's name",
    });
  });

  test("never takes a Service of another namespace or name for the gateway's own", () => {
    const elsewhere = LABELLED.replace("namespace: gateway-system", "namespace: team-b");
    const other = LABELLED.replace("gateway-name: egress}", "gateway-name: egress-2}");
    expect(fromService(`${GATEWAY}${ROUTE}${elsewhere}\n---${other}`)?.status).toBe("closed");
  });
});

describe("two gateways that claim one name", () => {
  const younger = (GATEWAY + ROUTE)
    .replaceAll("gateway-system", "team-b")
    .replace("2026-01-01", "2026-03-01")
    .replace("10.96.10.10", "10.96.20.20");

  test("the oldest owns it and the other is named", () => {
    const [owned] = topologyOf(younger + GATEWAY + ROUTE).egressHostnames;
    expect(owned?.gateway.namespace).toBe("gateway-system");
    expect(owned?.losers.map(({ namespace }) => namespace)).toEqual(["team-b"]);
  });

  test("the owner keeps it while it has no address", () => {
    const down = GATEWAY.replace("{type: IPAddress, value: 10.96.10.10}", "") + ROUTE;
    expect(topologyOf(younger + down).egressHostnames[0]?.state.status).toBe("closed");
  });

  test("their addresses are joined when asked", () => {
    const { decoded } = topologyOf(younger + GATEWAY + ROUTE);
    const merged = buildTopology(decoded, { ...DEFAULT_TOPOLOGY_SETTINGS, conflict: "merge" });
    expect(merged.egressHostnames[0]).toMatchObject({
      state: { status: "ready", addresses: ["10.96.10.10", "10.96.20.20"] },
      losers: [],
    });
  });

  test("when joined, one without an address does not close the other, and is named", () => {
    const down = GATEWAY.replace("{type: IPAddress, value: 10.96.10.10}", "") + ROUTE;
    const { decoded } = topologyOf(younger + down);
    const merged = buildTopology(decoded, { ...DEFAULT_TOPOLOGY_SETTINGS, conflict: "merge" });
    expect(merged.egressHostnames[0]).toMatchObject({
      gateway: { namespace: "gateway-system" },
      state: { status: "ready", addresses: ["10.96.20.20"] },
      losers: [],
    });
  });
});

test("what a real istiod made of an egress gateway is answered with its Service's address, its pods are exempt", () => {
  const raws = ["egress-gateway", "egress-gateway-workload", "namespaces"].flatMap((name) =>
    parseAllDocuments(readFileSync(`test/fixtures/cluster-objects/${name}.yaml`, "utf8")).flatMap((document) => {
      const list = document.toJS() as { items?: unknown[] };
      return list.items ?? [list];
    }),
  );
  const decoded = raws.map(decodeObject).flatMap((outcome) => (outcome.status === "decoded" ? [outcome.decoded] : []));
  const topology = buildTopology(decoded);
  expect(decoded.flatMap(({ problems }) => problems)).toEqual([]);
  expect(topology.egressHostnames).toMatchObject([
    { hostname: "httpbin.org", listener: "http", route: { name: "httpbin-external" }, state: { status: "ready" } },
  ]);
  const service = topology.objects.get("Service", "gateway-system", "kuadrant-egressgateway-istio");
  expect(topology.egressHostnames[0]?.state).toEqual({ status: "ready", addresses: service?.spec?.clusterIPs });
  expect(topology.gatewayPodAddresses.length).toBeGreaterThan(0);
});

test("an object can be added and taken away without changing the picture it came from", () => {
  const before = topologyOf(GATEWAY);
  const [raw] = objectsOf(ROUTE);
  const outcome = decodeObject(raw);
  if (outcome.status !== "decoded") throw new Error("the route must decode");
  const after = withObject(before, outcome.decoded);
  expect(after.egressHostnames).toHaveLength(1);
  expect(before.egressHostnames).toHaveLength(0);
  expect(withoutObject(after, outcome.decoded.ref).egressHostnames).toHaveLength(0);
});
