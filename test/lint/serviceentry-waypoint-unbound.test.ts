import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/serviceentry-waypoint-unbound.ts";
import { applying, brief, findingsOf } from "../support/rule-findings.ts";

const entry = (labels = "{}", more = "hosts: [httpbin.org], resolution: DNS"): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: e, namespace: amb, labels: ${labels}}
spec: {${more}, ports: [{number: 80, name: http, protocol: HTTP}]}`;
const BOUND = "{istio.io/use-waypoint: w}";
const namespace = (labels: string): string => `
apiVersion: v1
kind: Namespace
metadata: {name: amb, labels: {${labels}}}`;
const AMBIENT = "istio.io/dataplane-mode: ambient";
const waypoint = ({
  labels = "{}",
  className = "istio-waypoint",
  listener = "port: 15008, protocol: HBONE",
  home = "amb",
} = {}): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: w, namespace: ${home}, labels: ${labels}}
spec: {gatewayClassName: ${className}, listeners: [{name: mesh, ${listener}}]}`;
const policy = (target: string, hosts = "[httpbin.org]"): string => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: p, namespace: amb}
spec: {targetRefs: [{${target}}], rules: [{to: [{operation: {hosts: ${hosts}}}]}]}`;
const ON_WAYPOINT = "group: gateway.networking.k8s.io, kind: Gateway, name: w";
const ON_ENTRY = "group: networking.istio.io, kind: ServiceEntry, name: e";
const service = (gateways = ""): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: v, namespace: amb}
spec: {hosts: [httpbin.org]${gateways}}`;
const egress = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g, namespace: amb}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: amb}
spec: {parentRefs: [{name: g}], rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: httpbin.org, port: 80}]}]}`;
const meshRoute = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: amb}
spec: {parentRefs: [{group: networking.istio.io, kind: ServiceEntry, name: e}]}`;

const UNLABELLED = "error absence ServiceEntry metadata.labels";
const LABEL = 'metadata.labels["istio.io/use-waypoint"]';

describe("an entry without a waypoint, where one is expected", () => {
  test.each([
    ["by a policy of the waypoint", [waypoint(), policy(ON_WAYPOINT), entry()], [UNLABELLED]],
    [
      "by a policy that names the port as well",
      [waypoint(), policy(ON_WAYPOINT, '["httpbin.org:*"]'), entry()],
      [UNLABELLED],
    ],
    ["by a policy whose waypoint is not in view", [policy(ON_WAYPOINT), entry()], [UNLABELLED]],
    ["by a policy on the entry", [policy(ON_ENTRY, "[]"), entry()], [UNLABELLED]],
    ["by a route on the entry", [meshRoute, entry()], [UNLABELLED]],
    ["by a VirtualService", [service(), entry()], [UNLABELLED]],
    [
      "by a namespace labelled for egress",
      [namespace(`${AMBIENT}, sluice.dev/egress: enabled`), entry()],
      [UNLABELLED],
    ],
    [
      "and its label says none",
      [service(), entry("{istio.io/use-waypoint: none}")],
      [`error absence ServiceEntry ${LABEL}`],
    ],
    [
      "and its Namespace says none",
      [namespace(`${AMBIENT}, istio.io/use-waypoint: none`), service(), entry()],
      [UNLABELLED],
    ],
    [
      "because ambient passes over wildcards",
      [namespace(AMBIENT), entry("{}", 'hosts: ["*.httpbin.org"], resolution: DYNAMIC_DNS')],
      [UNLABELLED],
    ],
  ])("%s", (_, documents, expected) => {
    expect(brief(findingsOf(rule, ...documents))).toEqual(expected);
  });

  test("is reported on a Namespace that loses its label", () => {
    expect(brief(findingsOf(rule, service(), entry(), namespace(AMBIENT)))).toEqual([
      "error absence Namespace metadata.labels",
    ]);
  });

  test("says so of a Namespace that is not in view", () => {
    expect(findingsOf(rule, service(), entry())[0]?.message).toBe(
      "traffic to httpbin.org does not pass any waypoint (it has no label `istio.io/use-waypoint`, and Namespace `amb` is not in view: taken to be ambient and without it): ztunnel sends it straight to the Internet and no egress policy applies",
    );
  });

  test("is told the waypoint of its namespace", () => {
    const [finding] = findingsOf(rule, waypoint(), policy(ON_WAYPOINT), entry());
    expect(finding?.hint).toContain("Label the ServiceEntry, or its Namespace, `istio.io/use-waypoint: w`");
    expect(finding?.related?.map(({ object }) => object.kind)).toEqual(["AuthorizationPolicy"]);
  });
});

describe("a label whose waypoint cannot do it", () => {
  test.each([
    ["it does not exist", [entry(BOUND)], "there is no such Gateway"],
    ["it is elsewhere", [waypoint({ home: "other" }), entry(BOUND)], "there is no such Gateway"],
    [
      "it does not admit the namespace",
      [waypoint({ home: "other" }), entry("{istio.io/use-waypoint: w, istio.io/use-waypoint-namespace: other}")],
      "do not admit namespace `amb`",
    ],
    [
      "its selector does not match",
      [
        namespace(AMBIENT),
        waypoint({
          home: "other",
          listener:
            "port: 15008, protocol: HBONE, allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {a: b}}}}",
        }),
        entry("{istio.io/use-waypoint: w, istio.io/use-waypoint-namespace: other}"),
      ],
      "do not admit namespace `amb`",
    ],
    [
      "it is for workloads",
      [waypoint({ labels: "{istio.io/waypoint-for: workload}" }), entry(BOUND)],
      "leaves services out",
    ],
    ["it is for nothing", [waypoint({ labels: "{istio.io/waypoint-for: none}" }), entry(BOUND)], "leaves services out"],
    [
      "it has no HBONE listener",
      [waypoint({ listener: "port: 80, protocol: HTTP" }), entry(BOUND)],
      "no listener for HBONE",
    ],
    ["its class is a gateway's", [waypoint({ className: "istio" }), entry(BOUND)], "makes no waypoints"],
  ])("%s", (_, documents, reason) => {
    const findings = findingsOf(rule, ...documents);
    expect(brief(findings)).toEqual([`error absence ServiceEntry ${LABEL}`]);
    expect(findings[0]?.message).toContain(reason);
  });

  test.each([
    ["spec.gatewayClassName", { className: "istio" }],
    ["spec.listeners", { listener: "port: 80, protocol: HTTP" }],
    ['metadata.labels["istio.io/waypoint-for"]', { labels: "{istio.io/waypoint-for: none}" }],
  ])("is reported on the Gateway when that comes last: %s", (path, options) => {
    expect(brief(findingsOf(rule, entry(BOUND), waypoint(options)))).toEqual([`error absence Gateway ${path}`]);
  });

  test.each([
    ["spec.resolution", "hosts: [httpbin.org], resolution: NONE"],
    ["spec", "hosts: [httpbin.org]"],
  ])("or that finds no address: %s", (path, spec) => {
    expect(brief(findingsOf(rule, waypoint(), entry(BOUND, spec)))).toEqual([`error absence ServiceEntry ${path}`]);
  });
});

describe("silence", () => {
  test.each([
    ["a bound entry", [waypoint(), policy(ON_WAYPOINT), entry(BOUND)]],
    [
      "an entry bound by its Namespace",
      [namespace(`${AMBIENT}, istio.io/use-waypoint: w`), waypoint(), policy(ON_WAYPOINT), entry()],
    ],
    ["an entry alone", [entry()]],
    [
      "an entry behind an egress gateway, with a policy and a VirtualService for its host",
      [egress, policy(ON_WAYPOINT.replace("name: w", "name: g")), service(), entry()],
    ],
    [
      "a policy of an egress gateway",
      [egress.split("---")[0] ?? "", policy(ON_WAYPOINT.replace("name: w", "name: g")), entry()],
    ],
    ["a policy for other hosts", [waypoint(), policy(ON_WAYPOINT, "[api.github.com]"), entry()]],
    ["a policy for all hosts", [waypoint(), policy(ON_WAYPOINT, '["*"]'), entry()]],
    ["a VirtualService of a gateway", [service(", gateways: [g]"), entry()]],
    ["a VirtualService in a namespace with sidecars", [namespace("istio-injection: enabled"), service(), entry()]],
    ["an entry of the mesh", [entry(BOUND, "hosts: [httpbin.org], location: MESH_INTERNAL")]],
    [
      "a waypoint of a class that is not Istio's",
      [waypoint({ className: "other", listener: "port: 15088, protocol: istio.io/PROXY" }), entry(BOUND)],
    ],
    [
      "a waypoint elsewhere that admits everybody",
      [
        waypoint({ home: "other", listener: "port: 15008, protocol: HBONE, allowedRoutes: {namespaces: {from: All}}" }),
        entry("{istio.io/use-waypoint: w, istio.io/use-waypoint-namespace: other}"),
      ],
    ],
    [
      "a waypoint elsewhere that may admit a namespace not in view",
      [
        waypoint({
          home: "other",
          listener:
            "port: 15008, protocol: HBONE, allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {a: b}}}}",
        }),
        entry("{istio.io/use-waypoint: w, istio.io/use-waypoint-namespace: other}"),
      ],
    ],
  ])("%s", (_, documents) => {
    expect(findingsOf(rule, ...documents)).toEqual([]);
  });
});

test.each([
  ["the entry without its label", entry(), [waypoint(), policy(ON_WAYPOINT)]],
  ["the entry before its waypoint", entry(BOUND), []],
  ["the Namespace without its label", namespace(AMBIENT), [waypoint(), policy(ON_WAYPOINT), entry()]],
  ["the waypoint for workloads", waypoint({ labels: "{istio.io/waypoint-for: workload}" }), [entry(BOUND)]],
])("at admission %s is let in with a warning", (_, document, present) => {
  const verdict = applying(rule, document, ...present);
  expect([verdict.denied.length, verdict.warned.length]).toEqual([0, 1]);
});
