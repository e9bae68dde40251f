import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeObject } from "../../src/model/decode.ts";
import type { Kinds } from "../../src/model/kinds.ts";
import { buildTopology, type Topology } from "../../src/model/topology.ts";
import {
  destinationRulesFor,
  findServiceEntries,
  gatewayProxies,
  isClusterHost,
  isExportedTo,
  type Transport,
  upstreamTransport,
} from "../../src/model/transport.ts";
import { topologyOf } from "../support/topology-of.ts";

type Observed = {
  readonly id: string;
  readonly objects: readonly unknown[];
  readonly observed: readonly {
    readonly request: { readonly host: string };
    readonly status: number;
    readonly upstream?: { readonly tls: boolean; readonly sni: string | null; readonly port: number } | null;
  }[];
};

const { cases } = JSON.parse(readFileSync("test/fixtures/istio-observed.json", "utf8")) as {
  readonly cases: readonly Observed[];
};

function topologyOfObjects(objects: readonly unknown[]): Topology {
  return buildTopology(
    objects.map((raw) => {
      const outcome = decodeObject(raw);
      if (outcome.status !== "decoded") throw new Error("not a known object");
      return outcome.decoded;
    }),
  );
}

/** The transport of the first backend of the route that serves a host. */
function transportFor(host: string, topology: Topology): Transport | undefined {
  const name = host.replace(/:\d+$/, "");
  const routes = topology.objects.of("HTTPRoute");
  const route = routes.find(({ spec }) => spec?.hostnames?.includes(name)) ?? routes[0];
  const backend = route?.spec?.rules?.[0]?.backendRefs?.[0];
  const proxy = route === undefined ? undefined : gatewayProxies(route, topology)[0];
  if (backend?.kind !== "Hostname" || proxy === undefined) return undefined;
  return upstreamTransport({ host: backend.name ?? "", port: backend.port ?? 0 }, proxy, topology.objects);
}

const reached = cases.flatMap(({ id, objects, observed }) =>
  observed.flatMap(({ request, upstream }) =>
    upstream == null ? [] : [{ id, host: request.host, objects, upstream }],
  ),
);

describe("the transport, against what a real istiod and Envoy did", () => {
  test("the recording has requests that reached the outside", () => {
    expect(reached.length).toBeGreaterThan(20);
  });

  test.each(reached)("$id: $host", ({ host, objects, upstream }) => {
    const transport = transportFor(host, topologyOfObjects(objects));
    if (transport?.status !== "resolved") throw new Error(`not resolved: ${JSON.stringify(transport)}`);
    expect(transport.dialled).toEqual([upstream.port]);
    expect(transport.tls.status).toBe(upstream.tls ? "originated" : "plaintext");
    if (transport.tls.status !== "originated") return;
    const backendHost = transport.entry.spec?.hosts?.[0];
    expect(transport.tls.sni ?? backendHost).toBe(upstream.sni);
  });

  test.each([
    ["no-destinationrule", { status: "plaintext" }],
    ["targetport-443-no-dr", { status: "plaintext" }],
    ["dr-other-namespace", { status: "plaintext" }],
    ["dr-host-short", { status: "plaintext" }],
    ["dr-mode-disable", { status: "plaintext", cause: "disabled" }],
    ["dr-insecure", { status: "originated", sanCheck: false }],
    ["dr-foreign-cert-auto", { status: "originated", sanCheck: true }],
    ["dr-foreign-cert-sni", { status: "originated", sanCheck: false }],
  ])("%s: what failed or was not verified is predicted", (id, tls) => {
    const found = cases.find((entry) => entry.id === id);
    const transport = transportFor("httpbin.org", topologyOfObjects(found?.objects ?? []));
    expect(transport).toMatchObject({ status: "resolved", tls });
  });

  test("no-serviceentry: the host is not defined", () => {
    const found = cases.find(({ id }) => id === "no-serviceentry");
    const transport = transportFor("httpbin.org", topologyOfObjects(found?.objects ?? []));
    expect(transport).toMatchObject({ status: "unresolved", lookup: { status: "absent" } });
  });
});

const entry = (namespace: string, spec: string): string => `
  apiVersion: networking.istio.io/v1
  kind: ServiceEntry
  metadata: {namespace: ${namespace}, name: openai}
  spec: ${spec}`;
const rule = (namespace: string, name: string, spec: string): string => `
  apiVersion: networking.istio.io/v1
  kind: DestinationRule
  metadata: {namespace: ${namespace}, name: ${name}}
  spec: ${spec}`;
const PORT = "ports: [{number: 443, name: https, protocol: HTTPS}]";
const world = (...documents: readonly string[]): Topology => topologyOf(documents.join("\n  ---"));
const proxy = { namespace: "gateways", name: "egress", gateway: undefined };
const at = (topology: Topology, host = "api.openai.com", port = 443): Transport =>
  upstreamTransport({ host, port }, proxy, topology.objects);

describe("exportTo", () => {
  test.each([
    [undefined, "b", true],
    [[], "b", true],
    [["*"], "b", true],
    [["."], "b", false],
    [["."], "a", true],
    [["b"], "b", true],
    [["~"], "a", false],
  ])("%j of namespace a shows it to %s: %s", (exportTo, namespace, visible) => {
    expect(isExportedTo(exportTo, "a", namespace)).toBe(visible);
  });
});

describe("the ServiceEntry of a host", () => {
  const lookup = (topology: Topology, host: string, port?: number) =>
    findServiceEntries({ host, port }, "gateways", topology.objects).status;

  test.each([
    [`{hosts: [api.openai.com], ${PORT}}`, "api.openai.com", "found"],
    [`{hosts: ["*.openai.com"], ${PORT}}`, "api.openai.com", "found"],
    [`{hosts: ["*.openai.com"], ${PORT}}`, "openai.com", "absent"],
    [`{hosts: [openai.com], ${PORT}}`, "api.openai.com", "absent"],
    [`{hosts: [api.openai.com], exportTo: ["."], ${PORT}}`, "api.openai.com", "not-exported"],
    ["{hosts: [api.openai.com], ports: [{number: 80, name: http}]}", "api.openai.com", "no-port"],
  ])("%s for %s: %s", (spec, host, status) => {
    expect(lookup(world(entry("apps", spec)), host, 443)).toBe(status);
  });

  test("is the exact one before a wildcard, and the proxy's own before another namespace's", () => {
    const topology = world(
      entry("aaa", `{hosts: ["*.openai.com"], ${PORT}}`),
      entry("bbb", `{hosts: [api.openai.com], ${PORT}}`),
      entry("gateways", `{hosts: [api.openai.com], ${PORT}}`),
    );
    const found = findServiceEntries({ host: "api.openai.com", port: 443 }, "gateways", topology.objects);
    expect(found.status === "found" && found.entries.map(({ metadata }) => metadata.namespace)).toEqual([
      "gateways",
      "bbb",
      "aaa",
    ]);
  });
});

describe("the DestinationRule of a host", () => {
  const se = entry("entries", `{hosts: [api.openai.com], ${PORT}}`);
  const tls = "trafficPolicy: {tls: {mode: SIMPLE}}";
  const names = (topology: Topology): readonly string[] =>
    destinationRulesFor("api.openai.com", "entries", "gateways", topology.objects).map(
      ({ metadata }) => `${metadata.namespace}/${metadata.name}`,
    );

  test.each([
    [
      "the proxy's namespace before the entry's",
      [
        ["gateways", "a"],
        ["entries", "b"],
      ],
      ["gateways/a"],
    ],
    [
      "the entry's namespace before the root's",
      [
        ["entries", "b"],
        ["istio-system", "c"],
      ],
      ["entries/b"],
    ],
    [
      "the root namespace last",
      [
        ["istio-system", "c"],
        ["team", "d"],
      ],
      ["istio-system/c"],
    ],
    ["no other namespace", [["team", "d"]], []],
  ])("comes from %s", (_, rules, expected) => {
    const documents = rules.map(([namespace = "", name = ""]) =>
      rule(namespace, name, `{host: api.openai.com, ${tls}}`),
    );
    expect(names(world(se, ...documents))).toEqual(expected);
  });

  test("of the entry's namespace counts only when it is exported to the proxy", () => {
    const hidden = rule("entries", "b", `{host: api.openai.com, exportTo: ["."], ${tls}}`);
    expect(names(world(se, hidden))).toEqual([]);
  });

  test("is the one with the most specific host", () => {
    const wide = rule("gateways", "wide", `{host: "*.openai.com", ${tls}}`);
    const exact = rule("gateways", "exact", "{host: api.openai.com, trafficPolicy: {tls: {mode: DISABLE}}}");
    expect(names(world(se, wide, exact))).toEqual(["gateways/exact"]);
  });

  test("without traffic policy leaves the word to the next of the same host", () => {
    const bare = rule("gateways", "a", "{host: api.openai.com}");
    const full = rule("gateways", "b", `{host: api.openai.com, ${tls}}`);
    expect(at(world(se, bare, full))).toMatchObject({ tls: { status: "originated" } });
  });

  test.each([
    ["the gateway by name", "gateway.networking.k8s.io/gateway-name: egress", "originated"],
    ["another gateway", "gateway.networking.k8s.io/gateway-name: other", "plaintext"],
    ["pods by a label that is not in view", "app: egress", "unknown"],
  ])("that selects %s", (_, labels, status) => {
    const selective = rule(
      "gateways",
      "a",
      `{host: api.openai.com, workloadSelector: {matchLabels: {${labels}}}, ${tls}}`,
    );
    expect(at(world(se, selective))).toMatchObject({ tls: { status } });
  });
});

describe("TLS of a port", () => {
  const se = entry("gateways", `{hosts: [api.openai.com], ${PORT}}`);
  const withPolicy = (policy: string): Transport =>
    at(world(se, rule("gateways", "dr", `{host: api.openai.com, trafficPolicy: ${policy}}`)));

  test.each([
    ["{tls: {mode: SIMPLE}}", { status: "originated", sanCheck: true }],
    ["{tls: {mode: MUTUAL, credentialName: c, sni: a.b}}", { status: "originated", mode: "MUTUAL", sanCheck: false }],
    ["{tls: {mode: SIMPLE, sni: a.b, subjectAltNames: [a.b]}}", { status: "originated", sni: "a.b", sanCheck: true }],
    ["{tls: {mode: ISTIO_MUTUAL}}", { status: "mesh" }],
    ["{tls: {mode: DISABLE}}", { status: "plaintext", cause: "disabled" }],
    ["{tls: {sni: a.b}}", { status: "plaintext", cause: "disabled" }],
    ["{tls: {mode: LATER}}", { status: "unknown" }],
    ["{loadBalancer: {simple: RANDOM}}", { status: "plaintext", cause: "missing" }],
    ["{tls: {mode: SIMPLE}, portLevelSettings: [{port: {number: 443}}]}", { status: "plaintext", cause: "hidden" }],
    ["{tls: {mode: SIMPLE}, portLevelSettings: [{port: {number: 80}}]}", { status: "originated" }],
    ["{portLevelSettings: [{port: {number: 443}, tls: {mode: SIMPLE}}]}", { status: "originated" }],
    ["{portLevelSettings: [{port: {number: 80}, tls: {mode: SIMPLE}}]}", { status: "plaintext", cause: "missing" }],
  ])("%s", (policy, tls) => {
    expect(withPolicy(policy)).toMatchObject({ status: "resolved", tls });
  });

  test("of a certificate that the ServiceEntry names is verified in spite of an sni", () => {
    const named = entry("gateways", `{hosts: [api.openai.com], subjectAltNames: [x.y], ${PORT}}`);
    const dr = rule("gateways", "dr", "{host: api.openai.com, trafficPolicy: {tls: {mode: SIMPLE, sni: x.y}}}");
    expect(at(world(named, dr))).toMatchObject({ tls: { sanCheck: true } });
  });
});

describe("the port that is dialled", () => {
  test.each([
    ["its own number", "ports: [{number: 443, name: https}]", [443]],
    ["the target port", "ports: [{number: 443, name: https, targetPort: 8443}]", [8443]],
    [
      "what each endpoint maps it to",
      "ports: [{number: 443, name: https}], endpoints: [{address: a.b, ports: {https: 9443}}, {address: c.d}]",
      [9443, 443],
    ],
  ])("is %s", (_, spec, dialled) => {
    expect(at(world(entry("gateways", `{hosts: [api.openai.com], ${spec}}`)))).toMatchObject({ dialled });
  });
});

describe("the gateways of a route", () => {
  const route = (parent: string): string => `
  apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {namespace: team-a, name: r}
  spec: {parentRefs: [${parent}], hostnames: [a.example]}`;
  const gateway = (listener: string): string => `
  apiVersion: gateway.networking.k8s.io/v1
  kind: Gateway
  metadata: {namespace: team-a, name: g}
  spec: {gatewayClassName: istio, listeners: [${listener}]}`;

  test.each([
    ["one that is not in view counts", [route("{name: g}")], ["team-a/g"]],
    ["one named twice counts once", [route("{name: g}, {name: g, sectionName: x}")], ["team-a/g"]],
    [
      "one that it is attached to counts",
      [route("{name: g}"), gateway("{name: h, port: 80, protocol: HTTP}")],
      ["team-a/g"],
    ],
    [
      "one that has no listener for it does not",
      [route("{name: g}"), gateway("{name: h, port: 80, protocol: HTTP, hostname: b.example}")],
      [],
    ],
    ["a waypoint does not", [route("{name: g}"), gateway("{name: m, port: 15008, protocol: HBONE}")], []],
    ["a Service does not", [route('{group: "", kind: Service, name: s}')], []],
  ])("%s", (_, documents, expected) => {
    const topology = world(...documents);
    const [object] = topology.objects.of("HTTPRoute") as readonly [Kinds["HTTPRoute"]];
    expect(gatewayProxies(object, topology).map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(expected);
  });
});

test.each([
  ["echo.tools.svc.cluster.local", true],
  ["echo.tools.svc", true],
  ["cluster.local", true],
  ["api.openai.com", false],
  ["notcluster.local", false],
])("%s belongs to the cluster: %s", (host, expected) => {
  expect(isClusterHost(host, "cluster.local")).toBe(expected);
});

describe("a BackendTLSPolicy", () => {
  const ENTRY = `
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata: {namespace: g, name: openai}
    spec:
      hosts: [api.openai.com]
      resolution: DNS
      ports: [{number: 443, name: https, protocol: HTTPS}, {number: 80, name: http, protocol: HTTP}]`;
  const policy = (target: string, namespace = "g") => `
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: BackendTLSPolicy
    metadata: {namespace: ${namespace}, name: openai}
    spec: {targetRefs: [${target}], validation: {hostname: api.openai.com, wellKnownCACertificates: System}}`;
  const ON_ENTRY = "group: networking.istio.io, kind: ServiceEntry, name: openai";
  const RULE = `
    ---
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {namespace: g, name: openai}
    spec: {host: api.openai.com, trafficPolicy: {tls: {mode: SIMPLE}}}`;

  test.each([
    ["of the ServiceEntry gives all its ports TLS", policy(`{${ON_ENTRY}}`), "policy"],
    ["of the port gives it TLS", policy(`{${ON_ENTRY}, sectionName: https}`), "policy"],
    ["of another port gives it none", policy(`{${ON_ENTRY}, sectionName: http}`), "plaintext"],
    ["of another ServiceEntry gives it none", policy(`{${ON_ENTRY}-2}`), "plaintext"],
    ["of another namespace gives it none", policy(`{${ON_ENTRY}}`, "other"), "plaintext"],
    ["of a Service of that name gives it none", policy('{group: "", kind: Service, name: openai}'), "plaintext"],
    ["leaves the TLS of a DestinationRule as it is", policy(`{${ON_ENTRY}}`) + RULE, "originated"],
  ])("%s", (_title, more, expected) => {
    const { objects } = topologyOf(ENTRY + more);
    const proxy = { namespace: "g", name: "egress", gateway: undefined };
    const transport = upstreamTransport({ host: "api.openai.com", port: 443 }, proxy, objects);
    expect(transport.status === "resolved" && transport.tls.status).toBe(expected);
  });
});
