import { describe, expect, test } from "vitest";
import { dnsBypasses } from "../../../src/lint/mesh/dns-capture.ts";
import { topologyOf } from "../../support/topology-of.ts";

const GATEWAY = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: gateway-system, name: egress, labels: {sluice.dev/egress-gateway: "true"}}
spec: {gatewayClassName: istio, listeners: [{name: all, port: 80, protocol: HTTP, hostname: "*.openai.com"}]}`;

const namespace = (labels: string): string => `
---
apiVersion: v1
kind: Namespace
metadata: {name: team-a, labels: {${labels}}}`;

const entry = (spec: string, labels = ""): string => `
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: gateway-system, name: openai, labels: {${labels}}}
spec: {${spec}}`;

const pod = (name: string, metadata: string, spec = "hostNetwork: false"): string => `
---
apiVersion: v1
kind: Pod
metadata: {namespace: team-a, name: ${name}, ${metadata}}
spec: {${spec}}`;

const AMBIENT = namespace("sluice.dev/egress: strict, istio.io/dataplane-mode: ambient");
const SIDECARS = namespace("sluice.dev/egress: enabled, istio-injection: enabled");
const ENTRY = entry("hosts: [api.openai.com], resolution: DNS");
const SPARED = 'annotations: {ambient.istio.io/dns-capture: "false"}';

describe("names that the mesh answers first", () => {
  test.each([
    ["an ambient namespace and a host under a wildcard", AMBIENT + ENTRY, 1],
    ["a label value that is no mode counts as opted in", AMBIENT.replace("strict", "yes") + ENTRY, 1],
    ["one pod of several keeps its DNS", AMBIENT + ENTRY + pod("a", SPARED) + pod("b", "labels: {}"), 1],
    [
      "a single pod in ambient",
      namespace("sluice.dev/egress: strict") + ENTRY + pod("a", "labels: {istio.io/dataplane-mode: ambient}"),
      1,
    ],
    [
      "a sidecar whose configuration is YAML",
      `${SIDECARS}${ENTRY}${pod("a", 'annotations: {proxy.istio.io/config: "proxyMetadata:\\n  ISTIO_META_DNS_CAPTURE: \\"true\\""}')}`,
      1,
    ],
    [
      "addresses of its own, without resolution",
      AMBIENT + entry("hosts: [api.openai.com], addresses: [240.240.0.1]"),
      1,
    ],
  ])("%s", (_, objects, count) => {
    expect(dnsBypasses(topologyOf(GATEWAY + objects))).toHaveLength(count);
  });

  test.each([
    ["an opt-out by label value", AMBIENT.replace("strict", "disabled") + ENTRY],
    [
      "all pods outside of the mesh",
      AMBIENT +
        ENTRY +
        pod("a", "labels: {istio.io/dataplane-mode: none}") +
        pod("b", "labels: {}", "hostNetwork: true"),
    ],
    [
      "a sidecar that does not capture",
      SIDECARS +
        ENTRY +
        pod("a", "annotations: {proxy.istio.io/config: 'proxyMetadata: {ISTIO_META_DNS_CAPTURE: \"false\"}'}"),
    ],
    [
      "no address is allocated",
      AMBIENT +
        entry("hosts: [api.openai.com], resolution: DNS", 'networking.istio.io/enable-autoallocate-ip: "false"'),
    ],
    ["a wildcard host, which the proxy does not answer", AMBIENT + entry('hosts: ["*.openai.com"], resolution: DNS')],
    ["a service of the mesh", AMBIENT + entry("hosts: [api.openai.com], resolution: DNS, location: MESH_INTERNAL")],
    ["an entry for another namespace", AMBIENT + entry("hosts: [api.openai.com], resolution: DNS, exportTo: [team-b]")],
  ])("nothing: %s", (_, objects) => {
    expect(dnsBypasses(topologyOf(GATEWAY + objects))).toEqual([]);
  });
});
