import { buildProfile } from "../../../src/inject/profile.ts";
import { inject, pod, type Row, refused, same } from "./row.ts";

/** Pods and namespaces that stay out. */
export const EXCLUDED_ROWS: readonly Row[] = [
  {
    row: 18,
    title: "system-node-critical pods do not depend on us",
    change: pod({ priorityClassName: "system-node-critical" }),
    ...same("skip", "critical-priority"),
    warns: ["critical-priority"],
  },
  {
    row: 18,
    title: "system-cluster-critical pods do not depend on us",
    change: pod({ priorityClassName: "system-cluster-critical" }),
    ...same("skip", "critical-priority"),
    warns: ["critical-priority"],
  },
  {
    row: 19,
    title: "a mirror pod is passed over",
    change: pod({}, { annotations: { "kubernetes.io/config.mirror": "x" } }),
    ...same("skip", "mirror-pod"),
  },
  {
    row: 20,
    title: "a pod made by a node is passed over",
    change: { groups: ["system:nodes"] },
    ...same("skip", "node-identity"),
  },
  ...["kube-system", "kube-public", "kube-node-lease"].map((name) => ({
    row: 21,
    title: `${name} is left alone, labelled or not`,
    change: { namespace: { name, labels: {} } },
    ...same("skip", "system-namespace"),
  })),
  {
    row: 22,
    title: "our own namespace is left alone",
    change: { namespace: { name: "sluice-system", labels: {} } },
    ...same("skip", "own-namespace"),
  },
  {
    row: 23,
    title: "our own pods elsewhere are left alone",
    change: pod({}, { labels: { "app.kubernetes.io/part-of": "sluice" } }),
    ...same("skip", "own-pod"),
  },
  ...[
    { labels: { "gateway.networking.k8s.io/gateway-name": "egress" } },
    { labels: { "gateway.istio.io/managed": "istio.io-gateway-controller" } },
    { annotations: { "inject.istio.io/templates": "gateway" } },
    { labels: { app: "custom-gateway", version: "2" } },
  ].map((metadata) => ({
    row: 24,
    title: `a gateway's pod keeps the real addresses: ${JSON.stringify(metadata)}`,
    change: pod({}, metadata),
    ...same("skip", "gateway-pod"),
  })),
  ...[
    { "k8s-app": "kube-dns" },
    { "k8s-app": "node-local-dns" },
    { "dns.operator.openshift.io/daemonset-dns": "default" },
  ].map((labels) => ({
    row: 25,
    title: `cluster DNS is left alone: ${JSON.stringify(labels)}`,
    change: pod({}, { labels }),
    ...same("skip", "cluster-dns-pod"),
  })),
  ...["istio-system", "cert-manager", "calico-system"].map((name) => ({
    row: 26,
    title: `${name} is what we depend on`,
    change: { namespace: { name, labels: {} } },
    ...same("skip", "dependency-namespace"),
    warns: ["dependency-namespace"],
  })),
  {
    row: 27,
    title: "an Istio sidecar without DNS capture is no obstacle",
    change: pod({ containers: [{ name: "istio-proxy", env: [{ name: "ISTIO_META_DNS_CAPTURE", value: "false" }] }] }),
    ...inject,
  },
  {
    row: 28,
    title: "DNS capture of the sidecar is told",
    change: pod({ containers: [{ name: "istio-proxy", env: [{ name: "ISTIO_META_DNS_CAPTURE", value: "true" }] }] }),
    ...inject,
    warns: ["mesh-dns-capture"],
  },
  {
    row: 28,
    title: "DNS capture in the proxy's config annotation is told",
    change: pod({}, { annotations: { "proxy.istio.io/config": 'proxyMetadata:\n  ISTIO_META_DNS_CAPTURE: "true"' } }),
    ...inject,
    warns: ["mesh-dns-capture"],
  },
  {
    row: 29,
    title: "ambient DNS capture is told, and refused where strict",
    change: pod({}, { labels: { "istio.io/dataplane-mode": "ambient" } }),
    lenient: "inject",
    strict: "deny",
    reason: "cluster-first",
    strictReason: "ambient-dns-capture",
    warns: ["ambient-dns-capture"],
  },
  {
    row: 29,
    title: "an ambient namespace counts for its pods",
    change: {},
    labels: { "istio.io/dataplane-mode": "ambient" },
    lenient: "inject",
    strict: "deny",
    reason: "cluster-first",
    strictReason: "ambient-dns-capture",
    warns: ["ambient-dns-capture"],
  },
  {
    row: 29,
    title: "ambient without DNS capture is no obstacle",
    change: pod(
      {},
      { labels: { "istio.io/dataplane-mode": "ambient" }, annotations: { "ambient.istio.io/dns-capture": "false" } },
    ),
    ...inject,
  },
  { row: 31, title: "a Windows pod cannot be routed", change: pod({ os: { name: "windows" } }), ...refused("windows") },
  {
    row: 32,
    title: "a Windows node selector cannot be routed",
    change: pod({ nodeSelector: { "kubernetes.io/os": "windows" } }),
    ...refused("windows"),
  },
  {
    row: 32,
    title: "required Windows affinity cannot be routed",
    change: pod({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: "kubernetes.io/os", operator: "In", values: ["windows"] }] },
            ],
          },
        },
      },
    }),
    ...refused("windows"),
  },
  {
    row: 33,
    title: "preferred Windows affinity does not decide",
    change: pod({
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            {
              weight: 1,
              preference: { matchExpressions: [{ key: "kubernetes.io/os", operator: "In", values: ["windows"] }] },
            },
          ],
        },
      },
    }),
    ...inject,
  },
  {
    row: 34,
    title: "a virtual node is left alone",
    change: pod({ tolerations: [{ key: "virtual-kubelet.io/provider", operator: "Exists" }] }),
    ...refused("virtual-node"),
  },
  {
    row: 34,
    title: "a virtual node is injected where the profile says so",
    change: {
      ...pod({ nodeSelector: { type: "virtual-kubelet" } }),
      profile: buildProfile({ virtualNodes: "inject" }),
    },
    ...inject,
  },
  {
    row: 24,
    title: "a gateway's selector counts in its own namespace only",
    change: { ...pod({}, { labels: { app: "custom-gateway" } }), namespace: { name: "elsewhere", labels: {} } },
    labels: { "sluice.dev/egress": "enabled" },
    ...inject,
  },
  {
    row: 29,
    title: "ambient mode leaves the host network alone",
    change: pod(
      { hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" },
      { labels: { "istio.io/dataplane-mode": "ambient" } },
    ),
    ...same("inject", "cluster-first-with-host-net"),
  },
  {
    row: 33,
    title: "affinity that leaves Linux possible does not decide",
    change: pod({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: ["windows", "linux"].map((os) => ({
              matchExpressions: [{ key: "kubernetes.io/os", operator: "In", values: [os] }],
            })),
          },
        },
      },
    }),
    ...inject,
  },
];
