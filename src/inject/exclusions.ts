import type { FieldPath } from "../model/field-path.ts";
import type { GatewaySelector } from "./facts.ts";
import { labelOf, type NamespaceFacts } from "./mode.ts";
import type { ReadPod } from "./pod.ts";
import type { InjectionProfile } from "./profile.ts";
import type { SkipReason } from "./reasons.ts";

/** Label of a pod: "false" opts it out. */
export const INJECT_LABEL = "sluice.dev/inject";

/** Namespace label by which the platform team lets pods of a strict namespace opt out. */
export const ALLOW_OPT_OUT_LABEL = "sluice.dev/allow-opt-out";

export type Exclusion = { readonly reason: SkipReason; readonly path: FieldPath };

export type ExclusionInput = {
  readonly pod: ReadPod;
  readonly namespace: NamespaceFacts;
  readonly groups: readonly string[];
  readonly gatewaySelectors: readonly GatewaySelector[];
  readonly profile: InjectionProfile;
};

/** Kubernetes' own namespaces: a mistake in them stops the cluster, labelled or not. */
const SYSTEM_NAMESPACES = new Set(["kube-system", "kube-public", "kube-node-lease"]);
const CRITICAL_CLASSES = new Set(["system-node-critical", "system-cluster-critical"]);
const CLUSTER_DNS_APPS = new Set(["kube-dns", "node-local-dns", "openshift-dns", "coredns"]);
const OPENSHIFT_DNS_LABEL = "dns.operator.openshift.io/daemonset-dns";
const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";
const OS_LABEL = "kubernetes.io/os";

/** Namespaces that are never looked at. The webhook's selector leaves them out as well; this is the second lock. */
export function namespaceExclusion(namespace: NamespaceFacts, profile: InjectionProfile): Exclusion | undefined {
  const path = ["metadata", "namespace"];
  if (SYSTEM_NAMESPACES.has(namespace.name)) return { reason: "system-namespace", path };
  if (namespace.name === profile.ownNamespace) return { reason: "own-namespace", path };
  if (namespace.terminating === true) return { reason: "namespace-terminating", path };
  return undefined;
}

/** Pods that would break, or break us, if they asked our resolver. The first reason in this order counts. */
export function podExclusion(input: ExclusionInput): Exclusion | undefined {
  const { pod, namespace, groups, profile } = input;
  const { labels, annotations } = pod.metadata;
  if (groups.includes("system:nodes")) return { reason: "node-identity", path: [] };
  if (labelOf(annotations, MIRROR_ANNOTATION) !== undefined) {
    return { reason: "mirror-pod", path: ["metadata", "annotations", MIRROR_ANNOTATION] };
  }
  if (labelOf(labels, "app.kubernetes.io/part-of") === "sluice") {
    return { reason: "own-pod", path: ["metadata", "labels", "app.kubernetes.io/part-of"] };
  }
  const infrastructure = gatewayExclusion(input) ?? clusterDnsExclusion(pod);
  if (infrastructure !== undefined) return infrastructure;
  if (profile.dependencyNamespaces.includes(namespace.name)) {
    return { reason: "dependency-namespace", path: ["metadata", "namespace"] };
  }
  if (labelOf(labels, INJECT_LABEL) === "false") {
    return { reason: "opted-out", path: ["metadata", "labels", INJECT_LABEL] };
  }
  if (CRITICAL_CLASSES.has(pod.spec.priorityClassName ?? "")) {
    return { reason: "critical-priority", path: ["spec", "priorityClassName"] };
  }
  return windowsExclusion(pod) ?? (profile.virtualNodes === "skip" ? virtualNodeMarker(pod) : undefined);
}

/** Labels that Gateway API and Istio give a gateway's pods; and, for other gateways, their Service's selector. */
function gatewayExclusion({ pod, namespace, gatewaySelectors }: ExclusionInput): Exclusion | undefined {
  const { labels, annotations } = pod.metadata;
  for (const label of ["gateway.networking.k8s.io/gateway-name", "gateway.istio.io/managed"]) {
    if (labelOf(labels, label) !== undefined) return { reason: "gateway-pod", path: ["metadata", "labels", label] };
  }
  const templates = "inject.istio.io/templates";
  if (labelOf(annotations, templates) === "gateway") {
    return { reason: "gateway-pod", path: ["metadata", "annotations", templates] };
  }
  if (labelOf(labels, templates) === "gateway") {
    return { reason: "gateway-pod", path: ["metadata", "labels", templates] };
  }
  const selected = gatewaySelectors.some(
    (gateway) =>
      gateway.namespace === namespace.name && gateway.labels.every(([key, value]) => labelOf(labels, key) === value),
  );
  return selected ? { reason: "gateway-pod", path: ["metadata", "labels"] } : undefined;
}

function clusterDnsExclusion({ metadata: { labels } }: ReadPod): Exclusion | undefined {
  if (CLUSTER_DNS_APPS.has(labelOf(labels, "k8s-app") ?? "")) {
    return { reason: "cluster-dns-pod", path: ["metadata", "labels", "k8s-app"] };
  }
  if (labelOf(labels, OPENSHIFT_DNS_LABEL) === undefined) return undefined;
  return { reason: "cluster-dns-pod", path: ["metadata", "labels", OPENSHIFT_DNS_LABEL] };
}

/** Only what forces Windows counts; a preference leaves Linux possible. */
function windowsExclusion({ spec }: ReadPod): Exclusion | undefined {
  if (spec.os?.name === "windows") return { reason: "windows", path: ["spec", "os", "name"] };
  if (labelOf(spec.nodeSelector, OS_LABEL) === "windows") {
    return { reason: "windows", path: ["spec", "nodeSelector", OS_LABEL] };
  }
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  // Terms are alternatives: every one of them has to ask for Windows.
  const forced =
    terms.length > 0 &&
    terms.every(({ matchExpressions = [] }) =>
      matchExpressions.some(
        ({ key, operator, values = [] }) =>
          key === OS_LABEL && operator === "In" && values.length > 0 && values.every((value) => value === "windows"),
      ),
    );
  return forced ? { reason: "windows", path: ["spec", "affinity", "nodeAffinity"] } : undefined;
}

/** Marks of a pod for a virtual node: the toleration and node type of virtual-kubelet, and Alibaba ECI's label. */
export function virtualNodeMarker({ metadata, spec }: ReadPod): Exclusion | undefined {
  const toleration = (spec.tolerations ?? []).findIndex(({ key }) => key === "virtual-kubelet.io/provider");
  if (toleration >= 0) return { reason: "virtual-node", path: ["spec", "tolerations", toleration] };
  if (labelOf(spec.nodeSelector, "type") === "virtual-kubelet") {
    return { reason: "virtual-node", path: ["spec", "nodeSelector", "type"] };
  }
  const eci = "alibabacloud.com/eci";
  if (labelOf(metadata.labels, eci) !== "true") return undefined;
  return { reason: "virtual-node", path: ["metadata", "labels", eci] };
}

/** Whether pods of a strict namespace may opt out. */
export const optOutAllowed = ({ labels }: NamespaceFacts): boolean => labelOf(labels, ALLOW_OPT_OUT_LABEL) === "true";
